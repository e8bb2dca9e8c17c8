package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.INTS;
import static dev.quire.engine.cpu.math.Lanes.ORDER;
import static dev.quire.engine.cpu.math.Lanes.SHORTS;
import static dev.quire.engine.cpu.math.Lanes.WIDE_SHORTS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.LINE;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Words of nibbles times one row of input; see {@link Q4Tiles}. */
final class Q4Row {
  /** Inputs whose products with nibbles add up in a short: {@link QuantizedRows#forNibbles}. */
  private static final int RUN = 16;

  private Q4Row() {}

  /**
   * Running sums of two vectors of words, that is four of rows, times a chunk of one input row, as
   * they are at the end of each run of inputs: shorts {@code [run of 16 inputs][32 words][2]}.
   *
   * <p>A word's short is {@code v = n0 + 16 n1 + 256 n2 + 4096 n3}. With {@link
   * QuantizedRows#factors} for nibbles,
   *
   * <pre>
   *   v · x0 + (v » 4) · (x1 − 16 x0) + (v » 8) · (x2 − 16 x1) + (v » 12) · (x3 − 16 x2)
   *     = n0 x0 + n1 x1 + n2 x2 + n3 x3    modulo 2¹⁶
   * </pre>
   *
   * so no nibble has to be taken out alone. A run's sum fits a short, so it is the difference of
   * two running sums, whatever these have lost above their sixteen bits.
   *
   * <p>Four inputs a turn: with more, C2 loads all the factors first and has no registers left.
   * Vector operations are called without helpers of our own: see {@link Q8Tiles#sums}.
   *
   * @param at where the first vector's words start
   * @param gap from there to the second's
   * @param nibbleShift 4, in a variable: see {@link Scratch#byteShift}
   * @param to where in {@code sums} the first vector's words start
   */
  static void sums(
      MemorySegment data,
      long at,
      long gap,
      int n,
      float[] factors,
      int firstFactor,
      int nibbleShift,
      short[] sums,
      int to) {
    ShortVector a = ShortVector.zero(WIDE_SHORTS);
    ShortVector b = a;
    long words = at;
    int f = firstFactor;
    for (int i = 0; i < n; i += 4, words += LINE, f += 4) {
      ShortVector x0 = FloatVector.broadcast(FLOATS, factors[f]).reinterpretAsShorts();
      ShortVector x1 = FloatVector.broadcast(FLOATS, factors[f + 1]).reinterpretAsShorts();
      ShortVector x2 = FloatVector.broadcast(FLOATS, factors[f + 2]).reinterpretAsShorts();
      ShortVector x3 = FloatVector.broadcast(FLOATS, factors[f + 3]).reinterpretAsShorts();
      ShortVector v = ShortVector.fromMemorySegment(WIDE_SHORTS, data, words, ORDER);
      a = a.add(v.mul(x0));
      v = v.lanewise(VectorOperators.LSHR, nibbleShift);
      a = a.add(v.mul(x1));
      v = v.lanewise(VectorOperators.LSHR, nibbleShift);
      a = a.add(v.mul(x2));
      v = v.lanewise(VectorOperators.LSHR, nibbleShift);
      a = a.add(v.mul(x3));
      v = ShortVector.fromMemorySegment(WIDE_SHORTS, data, words + gap, ORDER);
      b = b.add(v.mul(x0));
      v = v.lanewise(VectorOperators.LSHR, nibbleShift);
      b = b.add(v.mul(x1));
      v = v.lanewise(VectorOperators.LSHR, nibbleShift);
      b = b.add(v.mul(x2));
      v = v.lanewise(VectorOperators.LSHR, nibbleShift);
      b = b.add(v.mul(x3));

      // The last of a run stay: an inner loop over a run would cost more than the stores.
      int place = to + i / RUN * ROWS;
      a.intoArray(sums, place);
      b.intoArray(sums, place + 2 * WIDTH);
    }
  }

  /**
   * Adds a chunk's sums with their scales to the 64 results.
   *
   * @param scales of the weights, half {@code [block][64]} from {@code scalesAt} on
   * @param least what a nibble of zero means
   * @param inputBlock the chunk's first block among those of {@code x}
   */
  static void add(
      short[] sums,
      int blocks,
      int least,
      MemorySegment scales,
      long scalesAt,
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
      ShortVector before = ShortVector.zero(WIDE_SHORTS);
      long at = scalesAt + 2L * row;
      for (int b = 0; b < blocks; b++, at += 2L * ROWS) {
        int from = b * 2 * ROWS + 2 * word;
        ShortVector middle = ShortVector.fromArray(WIDE_SHORTS, sums, from);
        ShortVector end = ShortVector.fromArray(WIDE_SHORTS, sums, from + ROWS);
        IntVector one = middle.sub(before).reinterpretAsInts();
        IntVector two = end.sub(middle).reinterpretAsInts();
        before = end;
        IntVector zeros = IntVector.broadcast(INTS, least * levelSums[inputBlock + b]);
        IntVector highSum =
            one.lanewise(VectorOperators.ASHR, 16)
                .add(two.lanewise(VectorOperators.ASHR, 16))
                .add(zeros);
        IntVector lowSum =
            one.lanewise(VectorOperators.LSHL, 16)
                .lanewise(VectorOperators.ASHR, 16)
                .add(two.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16))
                .add(zeros);
        FloatVector d = FloatVector.broadcast(FLOATS, inputScales[inputBlock + b]);
        FloatVector lowScale =
            ((IntVector)
                    ShortVector.fromMemorySegment(SHORTS, scales, at, ORDER)
                        .convertShape(VectorOperators.S2I, INTS, 0))
                .lanewise(VectorOperators.LSHL, 13)
                .and(Lanes.HALF_BITS)
                .reinterpretAsFloats()
                .mul(Lanes.HALF_SCALE)
                .mul(d);
        FloatVector highScale =
            ((IntVector)
                    ShortVector.fromMemorySegment(SHORTS, scales, at + 32, ORDER)
                        .convertShape(VectorOperators.S2I, INTS, 0))
                .lanewise(VectorOperators.LSHL, 13)
                .and(Lanes.HALF_BITS)
                .reinterpretAsFloats()
                .mul(Lanes.HALF_SCALE)
                .mul(d);
        low =
            ((FloatVector) lowSum.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(lowScale, low);
        high =
            ((FloatVector) highSum.convertShape(VectorOperators.I2F, FLOATS, 0))
                .fma(highScale, high);
      }
      low.intoArray(out, outOffset + row);
      high.intoArray(out, outOffset + row + 16);
    }
  }

  /**
   * As {@link #add}, with scales and minima as floats, {@code [block][64]}; minima are less than
   * nothing.
   */
  static void addWithMinima(
      short[] sums,
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
      ShortVector before = ShortVector.zero(WIDE_SHORTS);
      for (int b = 0; b < blocks; b++) {
        int from = b * 2 * ROWS + 2 * word;
        ShortVector middle = ShortVector.fromArray(WIDE_SHORTS, sums, from);
        ShortVector end = ShortVector.fromArray(WIDE_SHORTS, sums, from + ROWS);
        ShortVector one = middle.sub(before);
        ShortVector two = end.sub(middle);
        before = end;
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
}
