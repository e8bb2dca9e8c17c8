package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.INTS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.LINE;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Loops over tiles of {@link TileLayout#Q8_0}: weight = scale · level. */
final class Q8Tiles {
  private static final int BLOCK = 32;

  /** What the bias of sixteen pairs adds up to. */
  private static final int BLOCK_BIAS = BLOCK / 2 * QuantizedRows.SHORT_BIAS;

  private Q8Tiles() {}

  /**
   * Running sums of two vectors of words, that is four of rows, times a chunk of one input row: at
   * the end of each block the words' sums and those of their high halves, {@code [block][2][32]}.
   *
   * <p>A word's short is {@code 256 · w1 + u0}, {@code u0 = w0 + 128}; the shift leaves {@code w1}.
   * With {@link QuantizedRows#factors} for bytes,
   *
   * <pre>
   *   (256 w1 + u0) · x0 + w1 · (x1 − 256 x0) − 128 x0 = w0 x0 + w1 x1    modulo 2¹⁶
   * </pre>
   *
   * which fits a short. So no byte has to be taken out alone. What is added makes the low halves
   * positive, so that words can be summed as they are: the high halves' sum tells what in the
   * words' sum isn't the low halves'.
   *
   * <p>Vector operations are called without helpers of our own: C2 stops to inline those after some
   * number of operations, but not the vectors' own.
   *
   * @param at where the first vector's words start
   * @param gap from there to the second's
   * @param byteShift 8, in a variable: see {@link Scratch#byteShift}
   * @param to where in {@code sums} the first vector's words start
   */
  static void sums(
      MemorySegment data,
      long at,
      long gap,
      int n,
      float[] factors,
      int firstFactor,
      int byteShift,
      int[] sums,
      int to) {
    IntVector a = IntVector.zero(INTS);
    IntVector b = a;
    IntVector aHigh = a;
    IntVector bHigh = a;
    long words = at;
    int f = firstFactor;
    for (int i = 0; i < n; i += 4, words += 2 * LINE, f += 6) {
      ShortVector x0 = FloatVector.broadcast(FLOATS, factors[f]).reinterpretAsShorts();
      ShortVector x1 = FloatVector.broadcast(FLOATS, factors[f + 1]).reinterpretAsShorts();
      ShortVector c = FloatVector.broadcast(FLOATS, factors[f + 2]).reinterpretAsShorts();
      ShortVector v = ShortVector.fromMemorySegment(Lanes.WIDE_SHORTS, data, words, Lanes.ORDER);
      IntVector t =
          v.mul(x0)
              .add(c)
              .add(v.lanewise(VectorOperators.ASHR, byteShift).mul(x1))
              .reinterpretAsInts();
      a = a.add(t);
      aHigh = aHigh.add(t.lanewise(VectorOperators.ASHR, 16));
      v = ShortVector.fromMemorySegment(Lanes.WIDE_SHORTS, data, words + gap, Lanes.ORDER);
      t =
          v.mul(x0)
              .add(c)
              .add(v.lanewise(VectorOperators.ASHR, byteShift).mul(x1))
              .reinterpretAsInts();
      b = b.add(t);
      bHigh = bHigh.add(t.lanewise(VectorOperators.ASHR, 16));

      x0 = FloatVector.broadcast(FLOATS, factors[f + 3]).reinterpretAsShorts();
      x1 = FloatVector.broadcast(FLOATS, factors[f + 4]).reinterpretAsShorts();
      c = FloatVector.broadcast(FLOATS, factors[f + 5]).reinterpretAsShorts();
      v = ShortVector.fromMemorySegment(Lanes.WIDE_SHORTS, data, words + LINE, Lanes.ORDER);
      t =
          v.mul(x0)
              .add(c)
              .add(v.lanewise(VectorOperators.ASHR, byteShift).mul(x1))
              .reinterpretAsInts();
      a = a.add(t);
      aHigh = aHigh.add(t.lanewise(VectorOperators.ASHR, 16));
      v = ShortVector.fromMemorySegment(Lanes.WIDE_SHORTS, data, words + gap + LINE, Lanes.ORDER);
      t =
          v.mul(x0)
              .add(c)
              .add(v.lanewise(VectorOperators.ASHR, byteShift).mul(x1))
              .reinterpretAsInts();
      b = b.add(t);
      bHigh = bHigh.add(t.lanewise(VectorOperators.ASHR, 16));

      // The last of a block stay: an inner loop over a block would cost more than the stores.
      int place = to + i / BLOCK * ROWS;
      a.intoArray(sums, place);
      aHigh.intoArray(sums, place + ROWS / 2);
      b.intoArray(sums, place + WIDTH);
      bHigh.intoArray(sums, place + WIDTH + ROWS / 2);
    }
  }

  /**
   * Adds a chunk's sums with their scales to the 64 results.
   *
   * @param scales of the weights, {@code [block][64]}
   * @param inputScale where in {@code inputScales} the chunk's start
   */
  static void add(
      int[] sums,
      int blocks,
      float[] scales,
      float[] inputScales,
      int inputScale,
      float[] out,
      int outOffset) {
    for (int word = 0; word < ROWS / 2; word += WIDTH) {
      int row = word / 16 * 32 + word % 16;
      FloatVector low = FloatVector.fromArray(FLOATS, out, outOffset + row);
      FloatVector high = FloatVector.fromArray(FLOATS, out, outOffset + row + 16);
      IntVector before = IntVector.zero(INTS);
      IntVector highBefore = before;
      for (int b = 0; b < blocks; b++) {
        IntVector now = IntVector.fromArray(INTS, sums, b * ROWS + word);
        IntVector highNow = IntVector.fromArray(INTS, sums, b * ROWS + word + ROWS / 2);
        IntVector highSum = highNow.sub(highBefore);
        IntVector lowSum =
            now.sub(before).sub(highSum.lanewise(VectorOperators.LSHL, 16)).sub(BLOCK_BIAS);
        before = now;
        highBefore = highNow;
        FloatVector d = FloatVector.broadcast(FLOATS, inputScales[inputScale + b]);
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

  /**
   * The levels of one vector of words as floats; see {@link VectorTiles#levels}.
   *
   * @param at where the words start
   */
  static void levels(MemorySegment data, long at, int row, int n, float[] panel) {
    int to = row;
    long words = at;
    for (int i = 0; i < n; i += 2, words += LINE, to += 2 * ROWS) {
      IntVector v = Lanes.ints(data, words).lanewise(VectorOperators.XOR, 0x00800080);
      level(v.lanewise(VectorOperators.LSHL, 24)).intoArray(panel, to);
      level(v.lanewise(VectorOperators.LSHL, 16)).intoArray(panel, to + ROWS);
      level(v.lanewise(VectorOperators.LSHL, 8)).intoArray(panel, to + 16);
      level(v).intoArray(panel, to + ROWS + 16);
    }
  }

  private static FloatVector level(IntVector top) {
    return Lanes.floats(top.lanewise(VectorOperators.ASHR, 24));
  }
}
