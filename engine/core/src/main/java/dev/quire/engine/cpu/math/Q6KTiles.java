package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Loops over tiles of {@link TileLayout#Q6_K}: weight = scale · level, exact in a float. There is
 * no product on the way: putting levels together takes so many operations that C2 doesn't inline
 * them beside the sums.
 */
final class Q6KTiles {
  private static final int SUPER = 256;
  private static final int BLOCK = 16;
  private static final int UPPERS = SUPER / 2 * ROWS;
  private static final int SCALES = UPPERS + SUPER / 4 * ROWS;
  private static final int HALVES = SCALES + SUPER / BLOCK * ROWS;

  private Q6KTiles() {}

  /** The scales of a chunk, {@code [16][64]}. */
  static void scales(MemorySegment data, long chunk, float[] scales) {
    for (int row = 0; row < ROWS; row += WIDTH) {
      FloatVector d = Lanes.finiteHalves(data, chunk + HALVES + 2 * row);
      long at = chunk + SCALES + row;
      for (int to = row; to < SUPER / BLOCK * ROWS; to += ROWS, at += ROWS) {
        Lanes.signedBytes(data, at).mul(d).intoArray(scales, to);
      }
    }
  }

  /** {@link VectorTiles#decode} of one vector of rows. */
  static void decode(MemorySegment data, long chunk, int row, float[] scales, float[] panel) {
    int to = row;
    for (int sub = 0; sub < SUPER / BLOCK; sub++) {
      FloatVector d = FloatVector.fromArray(FLOATS, scales, sub * ROWS + row);
      long pairs = chunk + row + sub * (BLOCK / 2 * ROWS);
      long uppers = chunk + row + UPPERS + sub * (BLOCK / 4 * ROWS);
      for (int i = 0; i < BLOCK; i += 4, pairs += 2 * ROWS, uppers += ROWS, to += 4 * ROWS) {
        IntVector p = Lanes.unsignedBytes(data, pairs);
        IntVector q = Lanes.unsignedBytes(data, pairs + ROWS);
        IntVector h = Lanes.unsignedBytes(data, uppers);
        level0(p, h).mul(d).intoArray(panel, to);
        level1(p, h).mul(d).intoArray(panel, to + ROWS);
        level2(q, h).mul(d).intoArray(panel, to + 2 * ROWS);
        level3(q, h).mul(d).intoArray(panel, to + 3 * ROWS);
      }
    }
  }

  private static FloatVector level0(IntVector pairs, IntVector uppers) {
    return level(pairs.and(15), uppers.lanewise(VectorOperators.LSHL, 4).and(48));
  }

  private static FloatVector level1(IntVector pairs, IntVector uppers) {
    return level(
        pairs.lanewise(VectorOperators.LSHR, 4), uppers.lanewise(VectorOperators.LSHL, 2).and(48));
  }

  private static FloatVector level2(IntVector pairs, IntVector uppers) {
    return level(pairs.and(15), uppers.and(48));
  }

  private static FloatVector level3(IntVector pairs, IntVector uppers) {
    return level(
        pairs.lanewise(VectorOperators.LSHR, 4), uppers.lanewise(VectorOperators.LSHR, 2).and(48));
  }

  private static FloatVector level(IntVector low, IntVector high) {
    return (FloatVector) low.or(high).sub(32).convertShape(VectorOperators.I2F, FLOATS, 0);
  }
}
