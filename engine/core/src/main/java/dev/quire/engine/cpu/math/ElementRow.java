package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.INTS;
import static dev.quire.engine.cpu.math.Lanes.ORDER;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Halves and brain floats times one row of input, a few inputs of some tiles in turn: {@link
 * TileGroup}. For vectors of 256 bits: eight of them are a tile's rows, and their sums stay in
 * registers for a visit; the loop over its inputs has a constant number of turns.
 *
 * <p>Words are taken apart by shifts and masks: to extend shorts to ints ({@code vpmovsxwd})
 * crosses the halves of a vector, of which the processor has one a cycle. Nothing is left of the
 * correction of a half's exponent, which the activations bring along.
 */
final class ElementRow {
  /** The inputs of a chunk that is multiplied here are a multiple of this. */
  static final int INPUTS = 16;

  /** Inputs of a visit: 1 KB. */
  private static final int HALVES = 8;

  /** Inputs of a visit; brain floats take half as many operations. */
  private static final int BRAINS = 16;

  /** Bytes of one input of a tile. */
  private static final int INPUT_BYTES = ROWS * Short.BYTES;

  private ElementRow() {}

  /**
   * Adds products of all rows of each tile.
   *
   * @param first address of the first tile's words
   * @param tileBytes from a tile to the next
   * @param n inputs, a multiple of {@value #INPUTS}
   * @param x activations as {@link ElementTiles#scaleInputs} makes them
   * @param sums {@code [tiles][64]}
   */
  static void halves(
      long first, long tileBytes, int tiles, int n, float[] x, int xOffset, float[] sums) {
    for (int i = 0; i < n; i += HALVES) {
      for (int t = 0; t < tiles; t++) {
        int to = t * ROWS;
        FloatVector s0 = FloatVector.fromArray(FLOATS, sums, to);
        FloatVector s1 = FloatVector.fromArray(FLOATS, sums, to + 16);
        FloatVector s2 = FloatVector.fromArray(FLOATS, sums, to + 8);
        FloatVector s3 = FloatVector.fromArray(FLOATS, sums, to + 24);
        FloatVector s4 = FloatVector.fromArray(FLOATS, sums, to + 32);
        FloatVector s5 = FloatVector.fromArray(FLOATS, sums, to + 48);
        FloatVector s6 = FloatVector.fromArray(FLOATS, sums, to + 40);
        FloatVector s7 = FloatVector.fromArray(FLOATS, sums, to + 56);
        long input = (first + i * (long) INPUT_BYTES + t * tileBytes) & RawMemory.MASK;
        for (int k = 0; k < HALVES; k++) {
          FloatVector u = FloatVector.broadcast(FLOATS, x[xOffset + i + k]);
          long at = input + k * (long) INPUT_BYTES;
          IntVector v = IntVector.fromMemorySegment(INTS, RawMemory.ALL, at, ORDER);
          s0 =
              v.lanewise(VectorOperators.LSHL, 16)
                  .lanewise(VectorOperators.ASHR, 3)
                  .and(Lanes.HALF_BITS)
                  .reinterpretAsFloats()
                  .fma(u, s0);
          s1 =
              v.lanewise(VectorOperators.ASHR, 3)
                  .and(Lanes.HALF_BITS)
                  .reinterpretAsFloats()
                  .fma(u, s1);
          v = IntVector.fromMemorySegment(INTS, RawMemory.ALL, at + 32, ORDER);
          s2 =
              v.lanewise(VectorOperators.LSHL, 16)
                  .lanewise(VectorOperators.ASHR, 3)
                  .and(Lanes.HALF_BITS)
                  .reinterpretAsFloats()
                  .fma(u, s2);
          s3 =
              v.lanewise(VectorOperators.ASHR, 3)
                  .and(Lanes.HALF_BITS)
                  .reinterpretAsFloats()
                  .fma(u, s3);
          v = IntVector.fromMemorySegment(INTS, RawMemory.ALL, at + 64, ORDER);
          s4 =
              v.lanewise(VectorOperators.LSHL, 16)
                  .lanewise(VectorOperators.ASHR, 3)
                  .and(Lanes.HALF_BITS)
                  .reinterpretAsFloats()
                  .fma(u, s4);
          s5 =
              v.lanewise(VectorOperators.ASHR, 3)
                  .and(Lanes.HALF_BITS)
                  .reinterpretAsFloats()
                  .fma(u, s5);
          v = IntVector.fromMemorySegment(INTS, RawMemory.ALL, at + 96, ORDER);
          s6 =
              v.lanewise(VectorOperators.LSHL, 16)
                  .lanewise(VectorOperators.ASHR, 3)
                  .and(Lanes.HALF_BITS)
                  .reinterpretAsFloats()
                  .fma(u, s6);
          s7 =
              v.lanewise(VectorOperators.ASHR, 3)
                  .and(Lanes.HALF_BITS)
                  .reinterpretAsFloats()
                  .fma(u, s7);
        }
        s0.intoArray(sums, to);
        s1.intoArray(sums, to + 16);
        s2.intoArray(sums, to + 8);
        s3.intoArray(sums, to + 24);
        s4.intoArray(sums, to + 32);
        s5.intoArray(sums, to + 48);
        s6.intoArray(sums, to + 40);
        s7.intoArray(sums, to + 56);
      }
    }
  }

  /** As {@link #halves}, with activations as they are. */
  static void brainFloats(
      long first, long tileBytes, int tiles, int n, float[] x, int xOffset, float[] sums) {
    for (int i = 0; i < n; i += BRAINS) {
      for (int t = 0; t < tiles; t++) {
        int to = t * ROWS;
        FloatVector s0 = FloatVector.fromArray(FLOATS, sums, to);
        FloatVector s1 = FloatVector.fromArray(FLOATS, sums, to + 16);
        FloatVector s2 = FloatVector.fromArray(FLOATS, sums, to + 8);
        FloatVector s3 = FloatVector.fromArray(FLOATS, sums, to + 24);
        FloatVector s4 = FloatVector.fromArray(FLOATS, sums, to + 32);
        FloatVector s5 = FloatVector.fromArray(FLOATS, sums, to + 48);
        FloatVector s6 = FloatVector.fromArray(FLOATS, sums, to + 40);
        FloatVector s7 = FloatVector.fromArray(FLOATS, sums, to + 56);
        long input = (first + i * (long) INPUT_BYTES + t * tileBytes) & RawMemory.MASK;
        for (int k = 0; k < BRAINS; k++) {
          FloatVector u = FloatVector.broadcast(FLOATS, x[xOffset + i + k]);
          long at = input + k * (long) INPUT_BYTES;
          IntVector v = IntVector.fromMemorySegment(INTS, RawMemory.ALL, at, ORDER);
          s0 = v.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(u, s0);
          s1 = v.and(Lanes.HIGH_HALF).reinterpretAsFloats().fma(u, s1);
          v = IntVector.fromMemorySegment(INTS, RawMemory.ALL, at + 32, ORDER);
          s2 = v.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(u, s2);
          s3 = v.and(Lanes.HIGH_HALF).reinterpretAsFloats().fma(u, s3);
          v = IntVector.fromMemorySegment(INTS, RawMemory.ALL, at + 64, ORDER);
          s4 = v.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(u, s4);
          s5 = v.and(Lanes.HIGH_HALF).reinterpretAsFloats().fma(u, s5);
          v = IntVector.fromMemorySegment(INTS, RawMemory.ALL, at + 96, ORDER);
          s6 = v.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(u, s6);
          s7 = v.and(Lanes.HIGH_HALF).reinterpretAsFloats().fma(u, s7);
        }
        s0.intoArray(sums, to);
        s1.intoArray(sums, to + 16);
        s2.intoArray(sums, to + 8);
        s3.intoArray(sums, to + 24);
        s4.intoArray(sums, to + 32);
        s5.intoArray(sums, to + 48);
        s6.intoArray(sums, to + 40);
        s7.intoArray(sums, to + 56);
      }
    }
  }
}
