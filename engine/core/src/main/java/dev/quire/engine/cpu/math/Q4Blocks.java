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
 * Nibbles times one row of input, block by block of some tiles in turn: {@link TileGroup}. The
 * products are those of {@link Q4Row#sums}, the loops shaped as those of {@link Q8Row}; a block's
 * sum starts as those of {@link NibbleTile}.
 */
final class Q4Blocks {
  /** Bytes of the words of 32 rows of a block. */
  private static final int BLOCK_WORDS = QuantizedRows.BLOCK / 4 * LINE;

  private Q4Blocks() {}

  /**
   * Adds a chunk's products of 32 rows of each tile; parameters are those of {@link Q8Row#add}.
   *
   * @param shift 4, see {@link Scratch#byteShift}
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
    float[] centres = x.centres();
    for (int b = 0; b < blocks; b++) {
      for (int t = 0; t < tiles; t++) {
        long line = (words + b * (long) BLOCK_WORDS + t * tileBytes) & RawMemory.MASK;
        int f = firstFactor + b * QuantizedRows.BLOCK;
        ShortVector first =
            FloatVector.broadcast(FLOATS, centres[firstBlock + b]).reinterpretAsShorts();
        ShortVector second = first;
        for (int j = 0; j < QuantizedRows.BLOCK / 4; j++) {
          ShortVector x0 = FloatVector.broadcast(FLOATS, factors[f + 4 * j]).reinterpretAsShorts();
          ShortVector x1 =
              FloatVector.broadcast(FLOATS, factors[f + 4 * j + 1]).reinterpretAsShorts();
          ShortVector x2 =
              FloatVector.broadcast(FLOATS, factors[f + 4 * j + 2]).reinterpretAsShorts();
          ShortVector x3 =
              FloatVector.broadcast(FLOATS, factors[f + 4 * j + 3]).reinterpretAsShorts();
          ShortVector v =
              ShortVector.fromMemorySegment(
                  WIDE_SHORTS, RawMemory.ALL, line + j * (long) LINE, ORDER);
          first = first.add(v.mul(x0));
          v = v.lanewise(VectorOperators.LSHR, shift);
          first = first.add(v.mul(x1));
          v = v.lanewise(VectorOperators.LSHR, shift);
          first = first.add(v.mul(x2));
          v = v.lanewise(VectorOperators.LSHR, shift);
          first = first.add(v.mul(x3));
          v =
              ShortVector.fromMemorySegment(
                  WIDE_SHORTS, RawMemory.ALL, line + j * (long) LINE + 32, ORDER);
          second = second.add(v.mul(x0));
          v = v.lanewise(VectorOperators.LSHR, shift);
          second = second.add(v.mul(x1));
          v = v.lanewise(VectorOperators.LSHR, shift);
          second = second.add(v.mul(x2));
          v = v.lanewise(VectorOperators.LSHR, shift);
          second = second.add(v.mul(x3));
        }
        IntVector one = first.reinterpretAsInts();
        IntVector two = second.reinterpretAsInts();
        int to = outOffset + t * ROWS;
        long at = (scales + b * 2L * ROWS + t * tileBytes) & RawMemory.MASK;
        FloatVector d = FloatVector.broadcast(FLOATS, inputScales[firstBlock + b]);
        ((FloatVector)
                one.lanewise(VectorOperators.LSHL, 16)
                    .lanewise(VectorOperators.ASHR, 16)
                    .convertShape(VectorOperators.I2F, FLOATS, 0))
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
        ((FloatVector)
                one.lanewise(VectorOperators.ASHR, 16).convertShape(VectorOperators.I2F, FLOATS, 0))
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
        ((FloatVector)
                two.lanewise(VectorOperators.LSHL, 16)
                    .lanewise(VectorOperators.ASHR, 16)
                    .convertShape(VectorOperators.I2F, FLOATS, 0))
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
        ((FloatVector)
                two.lanewise(VectorOperators.ASHR, 16).convertShape(VectorOperators.I2F, FLOATS, 0))
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
