package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.WIDE_SHORTS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.LINE;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Loops over tiles of {@link TileLayout#Q4_0}: weight = scale · (nibble − 8), and of {@link
 * TileLayout#Q4_K}: weight = scale · nibble − minimum.
 */
final class Q4Tiles {
  private static final int BLOCK = 32;

  /** Inputs whose products with nibbles add up in a short: {@link QuantizedRows#forNibbles}. */
  private static final int RUN = 16;

  private static final int QUAD = Arithmetic.QUAD;

  private static final int SUPER = 256;
  private static final int SCALES = SUPER / 2 * ROWS;
  private static final int HALVES = SCALES + 2 * SUPER / BLOCK * ROWS;

  private Q4Tiles() {}

  /**
   * Scales and minima of some blocks of Q4_K.
   *
   * @param minima what is added: less than nothing
   */
  static void scalesK(
      MemorySegment data, long chunk, int first, int blocks, float[] scales, float[] minima) {
    for (int row = 0; row < ROWS; row += WIDTH) {
      long halves = chunk + HALVES + 2 * row;
      FloatVector d = Lanes.finiteHalves(data, halves);
      FloatVector m = Lanes.finiteHalves(data, halves + 2 * ROWS).neg();
      long at = chunk + SCALES + first * ROWS + row;
      for (int to = row; to < blocks * ROWS; to += ROWS, at += ROWS) {
        Lanes.signedBytes(data, at).mul(d).intoArray(scales, to);
        Lanes.signedBytes(data, at + SUPER / BLOCK * ROWS).mul(m).intoArray(minima, to);
      }
    }
  }

  /**
   * As {@link Q4Row#sums}, of four input rows, but each run's sum alone: shorts {@code [run of 16
   * inputs][4 rows][32 words][2]}.
   *
   * @param factors of a quad of rows
   */
  static void quadSums(
      MemorySegment data,
      long at,
      long gap,
      int n,
      float[] factors,
      int firstFactor,
      int nibbleShift,
      short[] sums,
      int to) {
    long words = at;
    int f = firstFactor;
    int place = to;
    for (int i = 0; i < n; i += RUN, place += QUAD * ROWS) {
      ShortVector zero = ShortVector.zero(WIDE_SHORTS);
      ShortVector a0 = zero;
      ShortVector b0 = zero;
      ShortVector a1 = zero;
      ShortVector b1 = zero;
      ShortVector a2 = zero;
      ShortVector b2 = zero;
      ShortVector a3 = zero;
      ShortVector b3 = zero;
      for (int j = 0; j < RUN; j += 4, words += LINE, f += 4 * QUAD) {
        ShortVector a = ShortVector.fromMemorySegment(WIDE_SHORTS, data, words, Lanes.ORDER);
        ShortVector b = ShortVector.fromMemorySegment(WIDE_SHORTS, data, words + gap, Lanes.ORDER);
        ShortVector x = FloatVector.broadcast(FLOATS, factors[f]).reinterpretAsShorts();
        a0 = a0.add(a.mul(x));
        b0 = b0.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + 1]).reinterpretAsShorts();
        a1 = a1.add(a.mul(x));
        b1 = b1.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + 2]).reinterpretAsShorts();
        a2 = a2.add(a.mul(x));
        b2 = b2.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + 3]).reinterpretAsShorts();
        a3 = a3.add(a.mul(x));
        b3 = b3.add(b.mul(x));
        a = a.lanewise(VectorOperators.LSHR, nibbleShift);
        b = b.lanewise(VectorOperators.LSHR, nibbleShift);
        x = FloatVector.broadcast(FLOATS, factors[f + 4]).reinterpretAsShorts();
        a0 = a0.add(a.mul(x));
        b0 = b0.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + 5]).reinterpretAsShorts();
        a1 = a1.add(a.mul(x));
        b1 = b1.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + 6]).reinterpretAsShorts();
        a2 = a2.add(a.mul(x));
        b2 = b2.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + 7]).reinterpretAsShorts();
        a3 = a3.add(a.mul(x));
        b3 = b3.add(b.mul(x));
        a = a.lanewise(VectorOperators.LSHR, nibbleShift);
        b = b.lanewise(VectorOperators.LSHR, nibbleShift);
        x = FloatVector.broadcast(FLOATS, factors[f + 8]).reinterpretAsShorts();
        a0 = a0.add(a.mul(x));
        b0 = b0.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + 9]).reinterpretAsShorts();
        a1 = a1.add(a.mul(x));
        b1 = b1.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + 10]).reinterpretAsShorts();
        a2 = a2.add(a.mul(x));
        b2 = b2.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + 11]).reinterpretAsShorts();
        a3 = a3.add(a.mul(x));
        b3 = b3.add(b.mul(x));
        a = a.lanewise(VectorOperators.LSHR, nibbleShift);
        b = b.lanewise(VectorOperators.LSHR, nibbleShift);
        x = FloatVector.broadcast(FLOATS, factors[f + 12]).reinterpretAsShorts();
        a0 = a0.add(a.mul(x));
        b0 = b0.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + 13]).reinterpretAsShorts();
        a1 = a1.add(a.mul(x));
        b1 = b1.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + 14]).reinterpretAsShorts();
        a2 = a2.add(a.mul(x));
        b2 = b2.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + 15]).reinterpretAsShorts();
        a3 = a3.add(a.mul(x));
        b3 = b3.add(b.mul(x));
      }
      a0.intoArray(sums, place);
      b0.intoArray(sums, place + 2 * WIDTH);
      a1.intoArray(sums, place + 1 * ROWS);
      b1.intoArray(sums, place + 1 * ROWS + 2 * WIDTH);
      a2.intoArray(sums, place + 2 * ROWS);
      b2.intoArray(sums, place + 2 * ROWS + 2 * WIDTH);
      a3.intoArray(sums, place + 3 * ROWS);
      b3.intoArray(sums, place + 3 * ROWS + 2 * WIDTH);
    }
  }

  /**
   * Adds a chunk's sums with their scales to the 64 results.
   *
   * @param first where in {@code sums} the row's start
   * @param runShorts from one run's sums to the next's
   * @param least what a nibble of zero means
   * @param inputBlock the chunk's first block among those of {@code x}
   */
  static void add(
      short[] sums,
      int first,
      int runShorts,
      int blocks,
      int least,
      float[] scales,
      QuantizedRows x,
      int inputBlock,
      float[] out,
      int outOffset) {
    int[] levelSums = x.levelSums();
    float[] inputScales = x.scales();
    for (int word = 0; word < ROWS / 2; word += WIDTH) {
      int row = word / 16 * 32 + word % 16;
      FloatVector low = FloatVector.fromArray(FLOATS, out, outOffset + row);
      FloatVector high = FloatVector.fromArray(FLOATS, out, outOffset + row + 16);
      for (int b = 0; b < blocks; b++) {
        int from = first + b * 2 * runShorts + 2 * word;
        ShortVector one = ShortVector.fromArray(WIDE_SHORTS, sums, from);
        ShortVector two = ShortVector.fromArray(WIDE_SHORTS, sums, from + runShorts);
        int zeros = least * levelSums[inputBlock + b];
        IntVector lowSum = Lanes.lowHalves(one).add(Lanes.lowHalves(two)).add(zeros);
        IntVector highSum = Lanes.highHalves(one).add(Lanes.highHalves(two)).add(zeros);
        FloatVector d = FloatVector.broadcast(FLOATS, inputScales[inputBlock + b]);
        int at = b * ROWS + row;
        FloatVector lowScale = FloatVector.fromArray(FLOATS, scales, at).mul(d);
        FloatVector highScale = FloatVector.fromArray(FLOATS, scales, at + 16).mul(d);
        low = Lanes.floats(lowSum).fma(lowScale, low);
        high = Lanes.floats(highSum).fma(highScale, high);
      }
      low.intoArray(out, outOffset + row);
      high.intoArray(out, outOffset + row + 16);
    }
  }

  /** As {@link #add}, with minima. */
  static void addWithMinima(
      short[] sums,
      int first,
      int runShorts,
      int blocks,
      float[] scales,
      float[] minima,
      QuantizedRows x,
      int inputBlock,
      float[] out,
      int outOffset) {
    float[] inputSums = x.sums();
    float[] inputScales = x.scales();
    for (int word = 0; word < ROWS / 2; word += WIDTH) {
      int row = word / 16 * 32 + word % 16;
      FloatVector low = FloatVector.fromArray(FLOATS, out, outOffset + row);
      FloatVector high = FloatVector.fromArray(FLOATS, out, outOffset + row + 16);
      for (int b = 0; b < blocks; b++) {
        int from = first + b * 2 * runShorts + 2 * word;
        ShortVector one = ShortVector.fromArray(WIDE_SHORTS, sums, from);
        ShortVector two = ShortVector.fromArray(WIDE_SHORTS, sums, from + runShorts);
        IntVector lowSum = Lanes.lowHalves(one).add(Lanes.lowHalves(two));
        IntVector highSum = Lanes.highHalves(one).add(Lanes.highHalves(two));
        FloatVector d = FloatVector.broadcast(FLOATS, inputScales[inputBlock + b]);
        FloatVector t = FloatVector.broadcast(FLOATS, inputSums[inputBlock + b]);
        int at = b * ROWS + row;
        FloatVector lowScale = FloatVector.fromArray(FLOATS, scales, at).mul(d);
        FloatVector highScale = FloatVector.fromArray(FLOATS, scales, at + 16).mul(d);
        low = Lanes.floats(lowSum).fma(lowScale, low);
        low = FloatVector.fromArray(FLOATS, minima, at).fma(t, low);
        high = Lanes.floats(highSum).fma(highScale, high);
        high = FloatVector.fromArray(FLOATS, minima, at + 16).fma(t, high);
      }
      low.intoArray(out, outOffset + row);
      high.intoArray(out, outOffset + row + 16);
    }
  }

  /**
   * The levels of one vector of words as floats; see {@link VectorTiles#levels}.
   *
   * @param at where the words start
   * @param least what a nibble of zero means
   */
  static void levels(MemorySegment data, long at, int row, int n, int least, float[] panel) {
    int to = row;
    long words = at;
    for (int i = 0; i < n; i += 4, words += LINE, to += 4 * ROWS) {
      IntVector v = Lanes.ints(data, words);
      for (int half = 0; half < 32; half += 16) {
        for (int j = 0; j < 4; j++) {
          Lanes.floats(v.and(15).add(least)).intoArray(panel, to + half + j * ROWS);
          v = v.lanewise(VectorOperators.LSHR, 4);
        }
      }
    }
  }
}
