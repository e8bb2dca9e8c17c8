package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.INTS;
import static dev.quire.engine.cpu.math.Lanes.ORDER;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Loops over tiles of weights without scales: floats, halves and brain floats. */
final class ElementTiles {
  private ElementTiles() {}

  /**
   * Activations times what corrects a half's exponent, so that the halves needn't be: products and
   * sums have the same bits.
   *
   * @return false if one isn't finite then: such activations aren't multiplied by {@link #halves}
   */
  static boolean scaleInputs(float[] x, int xOffset, int n, float[] to) {
    boolean finite = true;
    for (int i = 0; i < n; i++) {
      float scaled = x[xOffset + i] * Lanes.HALF_SCALE;
      finite &= Math.abs(scaled) <= Float.MAX_VALUE;
      to[i] = scaled;
    }
    return finite;
  }

  /**
   * Adds two vectors of words, that is four of rows, times a chunk of inputs; see {@link
   * VectorTiles#product}. Without helpers: see {@link Q8Tiles#sums}.
   *
   * @param word the first
   * @param x as {@link #scaleInputs} makes them
   */
  static void halves(
      MemorySegment data,
      long chunk,
      int word,
      int n,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    long at = chunk + 4 * word;
    for (int i = 0; i < n; i++, at += 2 * ROWS) {
      FloatVector u = FloatVector.broadcast(FLOATS, x[xOffset + i]);
      IntVector v = IntVector.fromMemorySegment(INTS, data, at, ORDER);
      IntVector low = v.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 3);
      s0 = low.and(Lanes.HALF_BITS).reinterpretAsFloats().fma(u, s0);
      IntVector high = v.lanewise(VectorOperators.ASHR, 3);
      s1 = high.and(Lanes.HALF_BITS).reinterpretAsFloats().fma(u, s1);
      v = IntVector.fromMemorySegment(INTS, data, at + 4 * WIDTH, ORDER);
      low = v.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 3);
      s2 = low.and(Lanes.HALF_BITS).reinterpretAsFloats().fma(u, s2);
      high = v.lanewise(VectorOperators.ASHR, 3);
      s3 = high.and(Lanes.HALF_BITS).reinterpretAsFloats().fma(u, s3);
    }
    add(word, s0, s1, out, outOffset);
    add(word + WIDTH, s2, s3, out, outOffset);
  }

  /** As {@link #halves}, with activations as they are. */
  static void brainFloats(
      MemorySegment data,
      long chunk,
      int word,
      int n,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    long at = chunk + 4 * word;
    for (int i = 0; i < n; i++, at += 2 * ROWS) {
      FloatVector u = FloatVector.broadcast(FLOATS, x[xOffset + i]);
      IntVector v = IntVector.fromMemorySegment(INTS, data, at, ORDER);
      s0 = v.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(u, s0);
      s1 = v.and(Lanes.HIGH_HALF).reinterpretAsFloats().fma(u, s1);
      v = IntVector.fromMemorySegment(INTS, data, at + 4 * WIDTH, ORDER);
      s2 = v.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(u, s2);
      s3 = v.and(Lanes.HIGH_HALF).reinterpretAsFloats().fma(u, s3);
    }
    add(word, s0, s1, out, outOffset);
    add(word + WIDTH, s2, s3, out, outOffset);
  }

  private static void add(int word, FloatVector low, FloatVector high, float[] out, int outOffset) {
    int to = outOffset + VectorTiles.row(word);
    Lanes.add(low, out, to);
    Lanes.add(high, out, to + 16);
  }

  /**
   * Adds four vectors of rows times a chunk of inputs.
   *
   * @param row the first
   */
  static void floats(
      MemorySegment data,
      long chunk,
      int row,
      int n,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    long at = chunk + 4 * row;
    for (int i = 0; i < n; i++, at += 4 * ROWS) {
      FloatVector u = FloatVector.broadcast(FLOATS, x[xOffset + i]);
      s0 = Lanes.floats(data, at).fma(u, s0);
      s1 = Lanes.floats(data, at + 4 * WIDTH).fma(u, s1);
      s2 = Lanes.floats(data, at + 8 * WIDTH).fma(u, s2);
      s3 = Lanes.floats(data, at + 12 * WIDTH).fma(u, s3);
    }
    int to = outOffset + row;
    Lanes.add(s0, out, to);
    Lanes.add(s1, out, to + WIDTH);
    Lanes.add(s2, out, to + 2 * WIDTH);
    Lanes.add(s3, out, to + 3 * WIDTH);
  }

  /** {@link VectorTiles#decode}, all rows. */
  static void decodeHalves(MemorySegment data, long chunk, int n, float[] panel) {
    long at = chunk;
    for (int i = 0; i < n * ROWS; i += ROWS) {
      for (int word = 0; word < ROWS / 2; word += WIDTH, at += 4 * WIDTH) {
        IntVector v = IntVector.fromMemorySegment(INTS, data, at, ORDER);
        int to = i + VectorTiles.row(word);
        half(v.lanewise(VectorOperators.LSHL, 16)).intoArray(panel, to);
        half(v).intoArray(panel, to + 16);
      }
    }
  }

  /** A finite half from the high half of an int. */
  private static FloatVector half(IntVector v) {
    IntVector moved = v.lanewise(VectorOperators.ASHR, 3).and(Lanes.HALF_BITS);
    return moved.reinterpretAsFloats().mul(Lanes.HALF_SCALE);
  }

  /** As {@link #decodeHalves}. */
  static void decodeBrainFloats(MemorySegment data, long chunk, int n, float[] panel) {
    long at = chunk;
    for (int i = 0; i < n * ROWS; i += ROWS) {
      for (int word = 0; word < ROWS / 2; word += WIDTH, at += 4 * WIDTH) {
        IntVector v = IntVector.fromMemorySegment(INTS, data, at, ORDER);
        int to = i + VectorTiles.row(word);
        v.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(panel, to);
        v.and(Lanes.HIGH_HALF).reinterpretAsFloats().intoArray(panel, to + 16);
      }
    }
  }
}
