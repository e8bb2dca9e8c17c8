package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.INTS;
import static dev.quire.engine.cpu.math.Lanes.ORDER;
import static dev.quire.engine.cpu.math.Lanes.SHORTS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Loops over tiles of weights without scales: floats, halves and brain floats. */
final class ElementTiles {
  private ElementTiles() {}

  /** Adds four vectors of rows times a chunk of inputs; see {@link VectorTiles#product}. */
  static void halves(
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
    long at = chunk + 2 * row;
    for (int i = 0; i < n; i++, at += 2 * ROWS) {
      FloatVector u = FloatVector.broadcast(FLOATS, x[xOffset + i]);
      s0 = Lanes.finiteHalves(data, at).fma(u, s0);
      s1 = Lanes.finiteHalves(data, at + 2 * WIDTH).fma(u, s1);
      s2 = Lanes.finiteHalves(data, at + 4 * WIDTH).fma(u, s2);
      s3 = Lanes.finiteHalves(data, at + 6 * WIDTH).fma(u, s3);
    }
    Lanes.add(s0, out, outOffset);
    Lanes.add(s1, out, outOffset + WIDTH);
    Lanes.add(s2, out, outOffset + 2 * WIDTH);
    Lanes.add(s3, out, outOffset + 3 * WIDTH);
  }

  /**
   * As {@link #halves}, of eight vectors of rows: with 256 bits those of a tile, so that all of it
   * is read in order. Without helpers: see {@link Q8Tiles#sums}.
   */
  static void allHalves(
      MemorySegment data, long chunk, int n, float[] x, int xOffset, float[] out, int outOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    FloatVector s4 = s0;
    FloatVector s5 = s0;
    FloatVector s6 = s0;
    FloatVector s7 = s0;
    long at = chunk;
    for (int i = 0; i < n; i++, at += 2 * ROWS) {
      FloatVector u = FloatVector.broadcast(FLOATS, x[xOffset + i]);
      ShortVector h = ShortVector.fromMemorySegment(SHORTS, data, at, ORDER);
      IntVector v = (IntVector) h.convertShape(VectorOperators.S2I, INTS, 0);
      v = v.lanewise(VectorOperators.LSHL, 13).and(Lanes.HALF_BITS);
      s0 = v.reinterpretAsFloats().mul(Lanes.HALF_SCALE).fma(u, s0);
      h = ShortVector.fromMemorySegment(SHORTS, data, at + 2 * WIDTH, ORDER);
      v = (IntVector) h.convertShape(VectorOperators.S2I, INTS, 0);
      v = v.lanewise(VectorOperators.LSHL, 13).and(Lanes.HALF_BITS);
      s1 = v.reinterpretAsFloats().mul(Lanes.HALF_SCALE).fma(u, s1);
      h = ShortVector.fromMemorySegment(SHORTS, data, at + 4 * WIDTH, ORDER);
      v = (IntVector) h.convertShape(VectorOperators.S2I, INTS, 0);
      v = v.lanewise(VectorOperators.LSHL, 13).and(Lanes.HALF_BITS);
      s2 = v.reinterpretAsFloats().mul(Lanes.HALF_SCALE).fma(u, s2);
      h = ShortVector.fromMemorySegment(SHORTS, data, at + 6 * WIDTH, ORDER);
      v = (IntVector) h.convertShape(VectorOperators.S2I, INTS, 0);
      v = v.lanewise(VectorOperators.LSHL, 13).and(Lanes.HALF_BITS);
      s3 = v.reinterpretAsFloats().mul(Lanes.HALF_SCALE).fma(u, s3);
      h = ShortVector.fromMemorySegment(SHORTS, data, at + 8 * WIDTH, ORDER);
      v = (IntVector) h.convertShape(VectorOperators.S2I, INTS, 0);
      v = v.lanewise(VectorOperators.LSHL, 13).and(Lanes.HALF_BITS);
      s4 = v.reinterpretAsFloats().mul(Lanes.HALF_SCALE).fma(u, s4);
      h = ShortVector.fromMemorySegment(SHORTS, data, at + 10 * WIDTH, ORDER);
      v = (IntVector) h.convertShape(VectorOperators.S2I, INTS, 0);
      v = v.lanewise(VectorOperators.LSHL, 13).and(Lanes.HALF_BITS);
      s5 = v.reinterpretAsFloats().mul(Lanes.HALF_SCALE).fma(u, s5);
      h = ShortVector.fromMemorySegment(SHORTS, data, at + 12 * WIDTH, ORDER);
      v = (IntVector) h.convertShape(VectorOperators.S2I, INTS, 0);
      v = v.lanewise(VectorOperators.LSHL, 13).and(Lanes.HALF_BITS);
      s6 = v.reinterpretAsFloats().mul(Lanes.HALF_SCALE).fma(u, s6);
      h = ShortVector.fromMemorySegment(SHORTS, data, at + 14 * WIDTH, ORDER);
      v = (IntVector) h.convertShape(VectorOperators.S2I, INTS, 0);
      v = v.lanewise(VectorOperators.LSHL, 13).and(Lanes.HALF_BITS);
      s7 = v.reinterpretAsFloats().mul(Lanes.HALF_SCALE).fma(u, s7);
    }
    Lanes.add(s0, out, outOffset);
    Lanes.add(s1, out, outOffset + 1 * WIDTH);
    Lanes.add(s2, out, outOffset + 2 * WIDTH);
    Lanes.add(s3, out, outOffset + 3 * WIDTH);
    Lanes.add(s4, out, outOffset + 4 * WIDTH);
    Lanes.add(s5, out, outOffset + 5 * WIDTH);
    Lanes.add(s6, out, outOffset + 6 * WIDTH);
    Lanes.add(s7, out, outOffset + 7 * WIDTH);
  }

  /** As {@link #halves}. */
  static void brainFloats(
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
    long at = chunk + 2 * row;
    for (int i = 0; i < n; i++, at += 2 * ROWS) {
      FloatVector u = FloatVector.broadcast(FLOATS, x[xOffset + i]);
      s0 = Lanes.brainFloats(data, at).fma(u, s0);
      s1 = Lanes.brainFloats(data, at + 2 * WIDTH).fma(u, s1);
      s2 = Lanes.brainFloats(data, at + 4 * WIDTH).fma(u, s2);
      s3 = Lanes.brainFloats(data, at + 6 * WIDTH).fma(u, s3);
    }
    Lanes.add(s0, out, outOffset);
    Lanes.add(s1, out, outOffset + WIDTH);
    Lanes.add(s2, out, outOffset + 2 * WIDTH);
    Lanes.add(s3, out, outOffset + 3 * WIDTH);
  }

  /** As {@link #halves}. */
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
    Lanes.add(s0, out, outOffset);
    Lanes.add(s1, out, outOffset + WIDTH);
    Lanes.add(s2, out, outOffset + 2 * WIDTH);
    Lanes.add(s3, out, outOffset + 3 * WIDTH);
  }

  /** {@link VectorTiles#decode}, all rows. */
  static void decodeHalves(MemorySegment data, long chunk, int n, float[] panel) {
    long at = chunk;
    for (int i = 0; i < n * ROWS; i += WIDTH, at += 2 * WIDTH) {
      Lanes.finiteHalves(data, at).intoArray(panel, i);
    }
  }

  /** As {@link #decodeHalves}. */
  static void decodeBrainFloats(MemorySegment data, long chunk, int n, float[] panel) {
    long at = chunk;
    for (int i = 0; i < n * ROWS; i += WIDTH, at += 2 * WIDTH) {
      Lanes.brainFloats(data, at).intoArray(panel, i);
    }
  }
}
