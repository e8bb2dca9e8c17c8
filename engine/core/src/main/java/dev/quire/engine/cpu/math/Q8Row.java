package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.INTS;
import static dev.quire.engine.cpu.math.Lanes.ORDER;
import static dev.quire.engine.cpu.math.Lanes.SHORTS;
import static dev.quire.engine.cpu.math.Lanes.WIDE_SHORTS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.LINE;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Bytes times one row of input, block by block of some tiles in turn: {@link TileGroup}. The
 * products are those of {@link Q8Tiles#sums}.
 *
 * <p>Vectors of 256 bits: two of them are a line of words, that is 32 rows. A block's loop has a
 * constant number of turns, so that C2 makes no loops before and after it. With one line a turn it
 * has 34 instructions, where the loop over a chunk has 45. What it took: shifts whose count is a
 * short (an int is narrowed under a condition, and then C2 loads it anew for each shift), sums that
 * stay in registers, and memory without bounds.
 */
final class Q8Row {
  /** What the bias of sixteen pairs adds up to. */
  private static final int BLOCK_BIAS = QuantizedRows.BLOCK / 2 * QuantizedRows.SHORT_BIAS;

  /** Bytes of the words of 32 rows of a block. */
  private static final int BLOCK_WORDS = QuantizedRows.BLOCK / 2 * LINE;

  private Q8Row() {}

  /**
   * Adds a chunk's products of 32 rows of each tile.
   *
   * @param words address of the first tile's words
   * @param scales address of the first tile's scales, of the first of the rows
   * @param tileBytes from a tile to the next
   * @param firstFactor where the chunk's factors of {@code x} start
   * @param firstBlock the chunk's first block
   * @param shift 8, see {@link Scratch#byteShift}
   * @param out {@code [tiles][64]} from {@code outOffset} on
   */
  static void add(
      long words,
      long scales,
      long tileBytes,
      int tiles,
      int blocks,
      QuantizedRows x,
      int firstFactor,
      int firstBlock,
      short shift,
      float[] out,
      int outOffset) {
    float[] factors = x.factors();
    float[] inputScales = x.scales();
    for (int b = 0; b < blocks; b++) {
      for (int t = 0; t < tiles; t++) {
        IntVector first = IntVector.zero(INTS);
        IntVector second = first;
        IntVector firstHigh = first;
        IntVector secondHigh = first;
        long line = (words + b * (long) BLOCK_WORDS + t * tileBytes) & RawMemory.MASK;
        int f = firstFactor + b * QuantizedRows.BLOCK / 2 * 3;
        for (int j = 0; j < QuantizedRows.BLOCK / 4; j++) {
          ShortVector x0 = FloatVector.broadcast(FLOATS, factors[f + 6 * j]).reinterpretAsShorts();
          ShortVector x1 =
              FloatVector.broadcast(FLOATS, factors[f + 6 * j + 1]).reinterpretAsShorts();
          ShortVector c =
              FloatVector.broadcast(FLOATS, factors[f + 6 * j + 2]).reinterpretAsShorts();
          ShortVector v =
              ShortVector.fromMemorySegment(
                  WIDE_SHORTS, RawMemory.ALL, line + j * 2L * LINE, ORDER);
          IntVector p =
              v.mul(x0)
                  .add(c)
                  .add(v.lanewise(VectorOperators.ASHR, shift).mul(x1))
                  .reinterpretAsInts();
          first = first.add(p);
          firstHigh = firstHigh.add(p.lanewise(VectorOperators.ASHR, 16));
          v =
              ShortVector.fromMemorySegment(
                  WIDE_SHORTS, RawMemory.ALL, line + j * 2L * LINE + 32, ORDER);
          p =
              v.mul(x0)
                  .add(c)
                  .add(v.lanewise(VectorOperators.ASHR, shift).mul(x1))
                  .reinterpretAsInts();
          second = second.add(p);
          secondHigh = secondHigh.add(p.lanewise(VectorOperators.ASHR, 16));

          x0 = FloatVector.broadcast(FLOATS, factors[f + 6 * j + 3]).reinterpretAsShorts();
          x1 = FloatVector.broadcast(FLOATS, factors[f + 6 * j + 4]).reinterpretAsShorts();
          c = FloatVector.broadcast(FLOATS, factors[f + 6 * j + 5]).reinterpretAsShorts();
          v =
              ShortVector.fromMemorySegment(
                  WIDE_SHORTS, RawMemory.ALL, line + j * 2L * LINE + LINE, ORDER);
          p =
              v.mul(x0)
                  .add(c)
                  .add(v.lanewise(VectorOperators.ASHR, shift).mul(x1))
                  .reinterpretAsInts();
          first = first.add(p);
          firstHigh = firstHigh.add(p.lanewise(VectorOperators.ASHR, 16));
          v =
              ShortVector.fromMemorySegment(
                  WIDE_SHORTS, RawMemory.ALL, line + j * 2L * LINE + LINE + 32, ORDER);
          p =
              v.mul(x0)
                  .add(c)
                  .add(v.lanewise(VectorOperators.ASHR, shift).mul(x1))
                  .reinterpretAsInts();
          second = second.add(p);
          secondHigh = secondHigh.add(p.lanewise(VectorOperators.ASHR, 16));
        }
        IntVector low = first.sub(firstHigh.lanewise(VectorOperators.LSHL, 16)).sub(BLOCK_BIAS);
        IntVector secondLow =
            second.sub(secondHigh.lanewise(VectorOperators.LSHL, 16)).sub(BLOCK_BIAS);
        int to = outOffset + t * ROWS;
        long at = (scales + b * 2L * ROWS + t * tileBytes) & RawMemory.MASK;
        FloatVector d = FloatVector.broadcast(FLOATS, inputScales[firstBlock + b]);
        ((FloatVector) low.convertShape(VectorOperators.I2F, FLOATS, 0))
            .fma(
                ((IntVector)
                        ShortVector.fromMemorySegment(SHORTS, RawMemory.ALL, at, ORDER)
                            .convertShape(VectorOperators.S2I, INTS, 0))
                    .lanewise(VectorOperators.LSHL, 13)
                    .and(Lanes.HALF_BITS)
                    .reinterpretAsFloats()
                    .mul(Lanes.HALF_SCALE)
                    .mul(d),
                FloatVector.fromArray(FLOATS, out, to))
            .intoArray(out, to);
        ((FloatVector) firstHigh.convertShape(VectorOperators.I2F, FLOATS, 0))
            .fma(
                ((IntVector)
                        ShortVector.fromMemorySegment(SHORTS, RawMemory.ALL, at + 32, ORDER)
                            .convertShape(VectorOperators.S2I, INTS, 0))
                    .lanewise(VectorOperators.LSHL, 13)
                    .and(Lanes.HALF_BITS)
                    .reinterpretAsFloats()
                    .mul(Lanes.HALF_SCALE)
                    .mul(d),
                FloatVector.fromArray(FLOATS, out, to + 2 * WIDTH))
            .intoArray(out, to + 2 * WIDTH);
        ((FloatVector) secondLow.convertShape(VectorOperators.I2F, FLOATS, 0))
            .fma(
                ((IntVector)
                        ShortVector.fromMemorySegment(SHORTS, RawMemory.ALL, at + 16, ORDER)
                            .convertShape(VectorOperators.S2I, INTS, 0))
                    .lanewise(VectorOperators.LSHL, 13)
                    .and(Lanes.HALF_BITS)
                    .reinterpretAsFloats()
                    .mul(Lanes.HALF_SCALE)
                    .mul(d),
                FloatVector.fromArray(FLOATS, out, to + WIDTH))
            .intoArray(out, to + WIDTH);
        ((FloatVector) secondHigh.convertShape(VectorOperators.I2F, FLOATS, 0))
            .fma(
                ((IntVector)
                        ShortVector.fromMemorySegment(SHORTS, RawMemory.ALL, at + 48, ORDER)
                            .convertShape(VectorOperators.S2I, INTS, 0))
                    .lanewise(VectorOperators.LSHL, 13)
                    .and(Lanes.HALF_BITS)
                    .reinterpretAsFloats()
                    .mul(Lanes.HALF_SCALE)
                    .mul(d),
                FloatVector.fromArray(FLOATS, out, to + 3 * WIDTH))
            .intoArray(out, to + 3 * WIDTH);
      }
    }
  }
}
