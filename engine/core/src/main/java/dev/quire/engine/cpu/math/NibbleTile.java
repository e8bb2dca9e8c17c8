package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.ORDER;
import static dev.quire.engine.cpu.math.Lanes.WIDE_SHORTS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.LINE;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.invoke.VarHandle;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * As {@link NibblePanel}, of {@link TileLayout#Q4_0} and over {@linkplain RawMemory memory without
 * bounds}. A sum starts at −8 times that of the levels of activations, so that nibbles count from
 * −8 on, and the sum of a whole block of 32 inputs fits a short: {@link QuantizedRows#forNibbles}.
 *
 * <p>A turn is two inputs with a fence between them, for what {@link BytePanel} says.
 */
final class NibbleTile {
  private static final int BLOCK = QuantizedRows.BLOCK;

  private static final int QUAD = Arithmetic.QUAD;

  /** Bytes of a vector. */
  private static final int VECTOR = WIDTH * Float.BYTES;

  /** Bytes of a panel for an input, and of the sums of one input row for a block. */
  private static final int STEP = 2 * VECTOR;

  /** Bytes of the panel of a chunk. */
  static final int BYTES = WeightTiles.CHUNK * STEP;

  /** Bytes of a chunk's {@linkplain #sums sums}. */
  static final int SUM_BYTES = WeightTiles.CHUNK / BLOCK * QUAD * STEP;

  private NibbleTile() {}

  /**
   * Lays down two vectors of words shifted, {@code [32 · blocks][2][2 · WIDTH]}.
   *
   * @param words address of the first vector's words
   * @param gap from there to the second's
   * @param shift 4, in a variable: see {@link Scratch#byteShift}
   * @param panel address of the first
   */
  static void lay(long words, long gap, int blocks, short shift, long panel) {
    for (int block = 0; block < blocks; block++) {
      long from = (words + block * (long) (BLOCK / 4 * LINE)) & RawMemory.MASK;
      long second = (from + gap) & RawMemory.MASK;
      long to = (panel + block * (long) (BLOCK * STEP)) & RawMemory.MASK;
      for (int i = 0; i < BLOCK / 4; i++) {
        ShortVector a =
            ShortVector.fromMemorySegment(
                WIDE_SHORTS, RawMemory.ALL, from + i * (long) LINE, ORDER);
        ShortVector b =
            ShortVector.fromMemorySegment(
                WIDE_SHORTS, RawMemory.ALL, second + i * (long) LINE, ORDER);
        long at = to + i * 4L * STEP;
        a.intoMemorySegment(RawMemory.ALL, at, ORDER);
        b.intoMemorySegment(RawMemory.ALL, at + VECTOR, ORDER);
        a = a.lanewise(VectorOperators.LSHR, shift);
        b = b.lanewise(VectorOperators.LSHR, shift);
        a.intoMemorySegment(RawMemory.ALL, at + STEP, ORDER);
        b.intoMemorySegment(RawMemory.ALL, at + STEP + VECTOR, ORDER);
        a = a.lanewise(VectorOperators.LSHR, shift);
        b = b.lanewise(VectorOperators.LSHR, shift);
        a.intoMemorySegment(RawMemory.ALL, at + 2 * STEP, ORDER);
        b.intoMemorySegment(RawMemory.ALL, at + 2 * STEP + VECTOR, ORDER);
        a = a.lanewise(VectorOperators.LSHR, shift);
        b = b.lanewise(VectorOperators.LSHR, shift);
        a.intoMemorySegment(RawMemory.ALL, at + 3 * STEP, ORDER);
        b.intoMemorySegment(RawMemory.ALL, at + 3 * STEP + VECTOR, ORDER);
      }
    }
  }

  /**
   * Sums of a quad's blocks, {@code [block][4 rows][2][2 · WIDTH]}.
   *
   * @param panel address of the first word
   * @param factors of the quad, from {@code firstFactor} on
   * @param centres {@link QuantizedRows#centres}, those of the first row from {@code centre} on,
   *     and {@code stride} further of the next
   * @param sums address of the first
   */
  static void sums(
      long panel,
      int blocks,
      float[] factors,
      int firstFactor,
      float[] centres,
      int centre,
      int stride,
      long sums) {
    for (int block = 0; block < blocks; block++) {
      ShortVector a0 = FloatVector.broadcast(FLOATS, centres[centre + block]).reinterpretAsShorts();
      ShortVector b0 = a0;
      ShortVector a1 =
          FloatVector.broadcast(FLOATS, centres[centre + block + stride]).reinterpretAsShorts();
      ShortVector b1 = a1;
      ShortVector a2 =
          FloatVector.broadcast(FLOATS, centres[centre + block + 2 * stride]).reinterpretAsShorts();
      ShortVector b2 = a2;
      ShortVector a3 =
          FloatVector.broadcast(FLOATS, centres[centre + block + 3 * stride]).reinterpretAsShorts();
      ShortVector b3 = a3;
      long weights = (panel + block * (long) (BLOCK * STEP)) & RawMemory.MASK;
      int f = firstFactor + block * BLOCK * QUAD;
      for (int k = 0; k < BLOCK * QUAD; k += 2 * QUAD) {
        long at = weights + k * (long) (STEP / QUAD);
        ShortVector a = ShortVector.fromMemorySegment(WIDE_SHORTS, RawMemory.ALL, at, ORDER);
        ShortVector b =
            ShortVector.fromMemorySegment(WIDE_SHORTS, RawMemory.ALL, at + VECTOR, ORDER);
        ShortVector x = FloatVector.broadcast(FLOATS, factors[f + k]).reinterpretAsShorts();
        a0 = a0.add(a.mul(x));
        b0 = b0.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + k + 1]).reinterpretAsShorts();
        a1 = a1.add(a.mul(x));
        b1 = b1.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + k + 2]).reinterpretAsShorts();
        a2 = a2.add(a.mul(x));
        b2 = b2.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + k + 3]).reinterpretAsShorts();
        a3 = a3.add(a.mul(x));
        b3 = b3.add(b.mul(x));

        VarHandle.loadLoadFence();
        a = ShortVector.fromMemorySegment(WIDE_SHORTS, RawMemory.ALL, at + STEP, ORDER);
        b = ShortVector.fromMemorySegment(WIDE_SHORTS, RawMemory.ALL, at + STEP + VECTOR, ORDER);
        x = FloatVector.broadcast(FLOATS, factors[f + k + 4]).reinterpretAsShorts();
        a0 = a0.add(a.mul(x));
        b0 = b0.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + k + 5]).reinterpretAsShorts();
        a1 = a1.add(a.mul(x));
        b1 = b1.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + k + 6]).reinterpretAsShorts();
        a2 = a2.add(a.mul(x));
        b2 = b2.add(b.mul(x));
        x = FloatVector.broadcast(FLOATS, factors[f + k + 7]).reinterpretAsShorts();
        a3 = a3.add(a.mul(x));
        b3 = b3.add(b.mul(x));
      }
      long to = (sums + block * (long) (QUAD * STEP)) & RawMemory.MASK;
      a0.intoMemorySegment(RawMemory.ALL, to, ORDER);
      b0.intoMemorySegment(RawMemory.ALL, to + VECTOR, ORDER);
      a1.intoMemorySegment(RawMemory.ALL, to + STEP, ORDER);
      b1.intoMemorySegment(RawMemory.ALL, to + STEP + VECTOR, ORDER);
      a2.intoMemorySegment(RawMemory.ALL, to + 2 * STEP, ORDER);
      b2.intoMemorySegment(RawMemory.ALL, to + 2 * STEP + VECTOR, ORDER);
      a3.intoMemorySegment(RawMemory.ALL, to + 3 * STEP, ORDER);
      b3.intoMemorySegment(RawMemory.ALL, to + 3 * STEP + VECTOR, ORDER);
    }
  }

  /**
   * Adds one row's sums of two vectors of words with their scales.
   *
   * @param sums address of the row's first
   * @param scales of the weights, {@code [block][64]}
   * @param row which of the 64 the first vector's first is; the second's is {@code row + WIDTH}
   * @param inputScales from {@code inputScale} on
   * @param totals address of {@code [2][WIDTH]} of the first vector
   * @param gap from there to those of the second
   */
  static void add(
      long sums,
      int blocks,
      float[] scales,
      int row,
      float[] inputScales,
      int inputScale,
      long totals,
      long gap) {
    long first = totals & RawMemory.MASK;
    long second = (totals + gap) & RawMemory.MASK;
    FloatVector low = FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, first, ORDER);
    FloatVector high = FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, first + VECTOR, ORDER);
    FloatVector secondLow = FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, second, ORDER);
    FloatVector secondHigh =
        FloatVector.fromMemorySegment(FLOATS, RawMemory.ALL, second + VECTOR, ORDER);
    for (int block = 0; block < blocks; block++) {
      long at = (sums + block * (long) (QUAD * STEP)) & RawMemory.MASK;
      FloatVector d = FloatVector.broadcast(FLOATS, inputScales[inputScale + block]);
      int scale = block * ROWS + row;
      IntVector v = IntVector.fromMemorySegment(Lanes.INTS, RawMemory.ALL, at, ORDER);
      low =
          ((FloatVector)
                  v.lanewise(VectorOperators.LSHL, 16)
                      .lanewise(VectorOperators.ASHR, 16)
                      .convertShape(VectorOperators.I2F, FLOATS, 0))
              .fma(FloatVector.fromArray(FLOATS, scales, scale).mul(d), low);
      high =
          ((FloatVector)
                  v.lanewise(VectorOperators.ASHR, 16).convertShape(VectorOperators.I2F, FLOATS, 0))
              .fma(FloatVector.fromArray(FLOATS, scales, scale + 16).mul(d), high);
      v = IntVector.fromMemorySegment(Lanes.INTS, RawMemory.ALL, at + VECTOR, ORDER);
      secondLow =
          ((FloatVector)
                  v.lanewise(VectorOperators.LSHL, 16)
                      .lanewise(VectorOperators.ASHR, 16)
                      .convertShape(VectorOperators.I2F, FLOATS, 0))
              .fma(FloatVector.fromArray(FLOATS, scales, scale + WIDTH).mul(d), secondLow);
      secondHigh =
          ((FloatVector)
                  v.lanewise(VectorOperators.ASHR, 16).convertShape(VectorOperators.I2F, FLOATS, 0))
              .fma(FloatVector.fromArray(FLOATS, scales, scale + WIDTH + 16).mul(d), secondHigh);
    }
    low.intoMemorySegment(RawMemory.ALL, first, ORDER);
    high.intoMemorySegment(RawMemory.ALL, first + VECTOR, ORDER);
    secondLow.intoMemorySegment(RawMemory.ALL, second, ORDER);
    secondHigh.intoMemorySegment(RawMemory.ALL, second + VECTOR, ORDER);
  }
}
