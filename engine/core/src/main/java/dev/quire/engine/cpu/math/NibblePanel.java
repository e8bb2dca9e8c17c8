package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.INTS;
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
 * Words of nibbles by quads of quantised rows, for vectors that come with sixteen registers. The
 * words of two vectors are laid down shifted by 0, 4, 8 and 12 bits, so that they and their factors
 * (see {@link Q4Row#sums}) make a plain product of shorts, modulo 2¹⁶, whose loop is small enough
 * for C2 to keep all in registers:
 *
 * <pre>
 *              x0  x1  x2  x3       a vector of shorts is twice as many rows as one of floats, so
 *   words a    a0  a1  a2  a3       with 256 bits a multiply and an addition make 16 products,
 *   words b    b0  b1  b2  b3       over a run of 16 inputs
 * </pre>
 */
final class NibblePanel {
  /** Inputs whose products with nibbles add up in a short: {@link QuantizedRows#forNibbles}. */
  private static final int RUN = 16;

  private static final int QUAD = Arithmetic.QUAD;

  /** Shorts of a vector of words. */
  private static final int SHORTS = 2 * WIDTH;

  /** Shorts of a panel for an input. */
  private static final int STEP = 2 * SHORTS;

  private NibblePanel() {}

  /**
   * Lays down two vectors of words shifted, {@code [n][2][2 · WIDTH]}.
   *
   * @param at where the first vector's words start
   * @param gap from there to the second's
   * @param nibbleShift 4, in a variable: see {@link Scratch#byteShift}
   * @param panelStart where in {@code panel} the first word goes
   */
  static void lay(
      MemorySegment data,
      long at,
      long gap,
      int n,
      int nibbleShift,
      short[] panel,
      int panelStart) {
    long words = at;
    int to = panelStart;
    for (int i = 0; i < n; i += 4, words += LINE, to += 4 * STEP) {
      ShortVector a = ShortVector.fromMemorySegment(WIDE_SHORTS, data, words, Lanes.ORDER);
      ShortVector b = ShortVector.fromMemorySegment(WIDE_SHORTS, data, words + gap, Lanes.ORDER);
      a.intoArray(panel, to);
      b.intoArray(panel, to + SHORTS);
      a = a.lanewise(VectorOperators.LSHR, nibbleShift);
      b = b.lanewise(VectorOperators.LSHR, nibbleShift);
      a.intoArray(panel, to + STEP);
      b.intoArray(panel, to + STEP + SHORTS);
      a = a.lanewise(VectorOperators.LSHR, nibbleShift);
      b = b.lanewise(VectorOperators.LSHR, nibbleShift);
      a.intoArray(panel, to + 2 * STEP);
      b.intoArray(panel, to + 2 * STEP + SHORTS);
      a = a.lanewise(VectorOperators.LSHR, nibbleShift);
      b = b.lanewise(VectorOperators.LSHR, nibbleShift);
      a.intoArray(panel, to + 3 * STEP);
      b.intoArray(panel, to + 3 * STEP + SHORTS);
    }
  }

  /**
   * Sums of a quad's runs, {@code [run][4 rows][2][2 · WIDTH]}.
   *
   * @param panelStart where in {@code panel} the first word is
   * @param factors of the quad, from {@code firstFactor} on
   * @param sumsStart where in {@code sums} the first goes
   */
  static void sums(
      short[] panel,
      int panelStart,
      int runs,
      float[] factors,
      int firstFactor,
      short[] sums,
      int sumsStart) {
    int at = panelStart;
    int f = firstFactor;
    int to = sumsStart;
    for (int run = 0; run < runs; run++, to += QUAD * STEP) {
      ShortVector zero = ShortVector.zero(WIDE_SHORTS);
      ShortVector a0 = zero;
      ShortVector b0 = zero;
      ShortVector a1 = zero;
      ShortVector b1 = zero;
      ShortVector a2 = zero;
      ShortVector b2 = zero;
      ShortVector a3 = zero;
      ShortVector b3 = zero;
      for (int k = 0; k < RUN; k++, at += STEP, f += QUAD) {
        ShortVector a = ShortVector.fromArray(WIDE_SHORTS, panel, at);
        ShortVector b = ShortVector.fromArray(WIDE_SHORTS, panel, at + SHORTS);
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
      }
      a0.intoArray(sums, to);
      b0.intoArray(sums, to + SHORTS);
      a1.intoArray(sums, to + STEP);
      b1.intoArray(sums, to + STEP + SHORTS);
      a2.intoArray(sums, to + 2 * STEP);
      b2.intoArray(sums, to + 2 * STEP + SHORTS);
      a3.intoArray(sums, to + 3 * STEP);
      b3.intoArray(sums, to + 3 * STEP + SHORTS);
    }
  }

  /**
   * Adds one row's sums of one vector of words with their scales.
   *
   * @param from where in {@code sums} the first run's start
   * @param least what a nibble of zero means
   * @param scales of the weights, {@code [block][64]}
   * @param row which of the 64 the words' first is
   * @param inputBlock the chunk's first block among those of {@code x}
   * @param totals {@code [2][WIDTH]} from {@code to} on
   */
  static void add(
      short[] sums,
      int from,
      int blocks,
      int least,
      float[] scales,
      int row,
      QuantizedRows x,
      int inputBlock,
      float[] totals,
      int to) {
    int[] levelSums = x.levelSums();
    float[] inputScales = x.scales();
    FloatVector low = FloatVector.fromArray(FLOATS, totals, to);
    FloatVector high = FloatVector.fromArray(FLOATS, totals, to + WIDTH);
    for (int b = 0; b < blocks; b++) {
      int at = from + b * 2 * QUAD * STEP;
      IntVector one = ShortVector.fromArray(WIDE_SHORTS, sums, at).reinterpretAsInts();
      IntVector two =
          ShortVector.fromArray(WIDE_SHORTS, sums, at + QUAD * STEP).reinterpretAsInts();
      IntVector zeros = IntVector.broadcast(INTS, least * levelSums[inputBlock + b]);
      IntVector lowSum =
          one.lanewise(VectorOperators.LSHL, 16)
              .lanewise(VectorOperators.ASHR, 16)
              .add(two.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16))
              .add(zeros);
      IntVector highSum =
          one.lanewise(VectorOperators.ASHR, 16)
              .add(two.lanewise(VectorOperators.ASHR, 16))
              .add(zeros);
      FloatVector d = FloatVector.broadcast(FLOATS, inputScales[inputBlock + b]);
      int scale = b * ROWS + row;
      FloatVector lowScale = FloatVector.fromArray(FLOATS, scales, scale).mul(d);
      FloatVector highScale = FloatVector.fromArray(FLOATS, scales, scale + 16).mul(d);
      low = Lanes.floats(lowSum).fma(lowScale, low);
      high = Lanes.floats(highSum).fma(highScale, high);
    }
    low.intoArray(totals, to);
    high.intoArray(totals, to + WIDTH);
  }

  /** As {@link #add}, with minima, where a nibble of zero means zero. */
  static void addWithMinima(
      short[] sums,
      int from,
      int blocks,
      float[] scales,
      float[] minima,
      int row,
      QuantizedRows x,
      int inputBlock,
      float[] totals,
      int to) {
    float[] inputSums = x.sums();
    float[] inputScales = x.scales();
    FloatVector low = FloatVector.fromArray(FLOATS, totals, to);
    FloatVector high = FloatVector.fromArray(FLOATS, totals, to + WIDTH);
    for (int b = 0; b < blocks; b++) {
      int at = from + b * 2 * QUAD * STEP;
      IntVector one = ShortVector.fromArray(WIDE_SHORTS, sums, at).reinterpretAsInts();
      IntVector two =
          ShortVector.fromArray(WIDE_SHORTS, sums, at + QUAD * STEP).reinterpretAsInts();
      IntVector lowSum =
          one.lanewise(VectorOperators.LSHL, 16)
              .lanewise(VectorOperators.ASHR, 16)
              .add(two.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16));
      IntVector highSum =
          one.lanewise(VectorOperators.ASHR, 16).add(two.lanewise(VectorOperators.ASHR, 16));
      FloatVector d = FloatVector.broadcast(FLOATS, inputScales[inputBlock + b]);
      FloatVector t = FloatVector.broadcast(FLOATS, inputSums[inputBlock + b]);
      int scale = b * ROWS + row;
      FloatVector lowScale = FloatVector.fromArray(FLOATS, scales, scale).mul(d);
      FloatVector highScale = FloatVector.fromArray(FLOATS, scales, scale + 16).mul(d);
      low = Lanes.floats(lowSum).fma(lowScale, low);
      low = FloatVector.fromArray(FLOATS, minima, scale).fma(t, low);
      high = Lanes.floats(highSum).fma(highScale, high);
      high = FloatVector.fromArray(FLOATS, minima, scale + 16).fma(t, high);
    }
    low.intoArray(totals, to);
    high.intoArray(totals, to + WIDTH);
  }
}
