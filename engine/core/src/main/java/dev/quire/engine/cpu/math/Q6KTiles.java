package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Loops over tiles of {@link TileLayout#Q6_K}: weight = scale · level, exact in a float. */
final class Q6KTiles {
  private static final int SUPER = 256;
  private static final int BLOCK = 16;
  private static final int UPPERS = SUPER / 2 * ROWS;
  private static final int SCALES = UPPERS + SUPER / 4 * ROWS;
  private static final int HALVES = SCALES + SUPER / BLOCK * ROWS;
  private static final int BYTES = TileLayout.Q6_K.blockBytes();

  private Q6KTiles() {}

  /** Two vectors of rows against one input row; see {@link VectorTiles#product}. */
  static void product(
      MemorySegment data,
      long tile,
      int row,
      int inputs,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset) {
    FloatVector t0 = FloatVector.zero(FLOATS);
    FloatVector t1 = t0;
    long block = tile + row;
    for (int chunk = 0; chunk < inputs; chunk += SUPER, block += BYTES) {
      FloatVector s0 = FloatVector.zero(FLOATS);
      FloatVector s1 = s0;
      for (int sub = 0; sub < SUPER / BLOCK; sub++) {
        FloatVector d0 = scale(data, block, row, sub, 0);
        FloatVector d1 = scale(data, block, row, sub, WIDTH);
        long pairs = block + sub * (BLOCK / 2 * ROWS);
        long uppers = block + UPPERS + sub * (BLOCK / 4 * ROWS);
        int first = xOffset + chunk + sub * BLOCK;
        for (int i = first; i < first + BLOCK; i += 4, pairs += 2 * ROWS, uppers += ROWS) {
          FloatVector u0 = FloatVector.broadcast(FLOATS, x[i]);
          FloatVector u1 = FloatVector.broadcast(FLOATS, x[i + 1]);
          FloatVector u2 = FloatVector.broadcast(FLOATS, x[i + 2]);
          FloatVector u3 = FloatVector.broadcast(FLOATS, x[i + 3]);
          IntVector p = Lanes.unsignedBytes(data, pairs);
          IntVector q = Lanes.unsignedBytes(data, pairs + ROWS);
          IntVector h = Lanes.unsignedBytes(data, uppers);
          s0 = level0(p, h).mul(d0).fma(u0, s0);
          s0 = level1(p, h).mul(d0).fma(u1, s0);
          s0 = level2(q, h).mul(d0).fma(u2, s0);
          s0 = level3(q, h).mul(d0).fma(u3, s0);
          p = Lanes.unsignedBytes(data, pairs + WIDTH);
          q = Lanes.unsignedBytes(data, pairs + ROWS + WIDTH);
          h = Lanes.unsignedBytes(data, uppers + WIDTH);
          s1 = level0(p, h).mul(d1).fma(u0, s1);
          s1 = level1(p, h).mul(d1).fma(u1, s1);
          s1 = level2(q, h).mul(d1).fma(u2, s1);
          s1 = level3(q, h).mul(d1).fma(u3, s1);
        }
      }
      t0 = t0.add(s0);
      t1 = t1.add(s1);
    }
    t0.intoArray(out, outOffset);
    t1.intoArray(out, outOffset + WIDTH);
  }

  /** {@link VectorTiles#decode} of one vector of rows. */
  static void decode(MemorySegment data, long chunk, int row, float[] panel) {
    long block = chunk + row;
    int to = row;
    for (int sub = 0; sub < SUPER / BLOCK; sub++) {
      FloatVector d = scale(data, block, row, sub, 0);
      long pairs = block + sub * (BLOCK / 2 * ROWS);
      long uppers = block + UPPERS + sub * (BLOCK / 4 * ROWS);
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

  /**
   * @param block where the block's first byte of the vector's rows lies
   * @param more rows to go on from there
   */
  private static FloatVector scale(MemorySegment data, long block, int row, int sub, int more) {
    FloatVector d = Lanes.finiteHalves(data, block + HALVES + row + 2 * more);
    return Lanes.signedBytes(data, block + SCALES + sub * ROWS + more).mul(d);
  }
}
