package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.CHUNK;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Loops over tiles of {@link TileLayout#Q4_0} and {@link TileLayout#Q4_K}: weight = scale · nibble
 * − minimum, where Q4_0's minimum is eight times its scale. The product is exact in a float, so one
 * fused multiply-add gives what the file's codec gives.
 */
final class Q4Tiles {
  private static final int BLOCK = 32;
  private static final int PAIRS = BLOCK / 2 * ROWS;
  private static final int BYTES = TileLayout.Q4_0.blockBytes();

  private static final int SUPER = 256;
  private static final int SCALES = SUPER / 2 * ROWS;
  private static final int MINIMA = SCALES + SUPER / BLOCK * ROWS;
  private static final int HALVES = MINIMA + SUPER / BLOCK * ROWS;
  private static final int SUPER_BYTES = TileLayout.Q4_K.blockBytes();

  private Q4Tiles() {}

  /** Four vectors of rows against one input row; see {@link VectorTiles#product}. */
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
    FloatVector t2 = t0;
    FloatVector t3 = t0;
    long block = tile + row;
    for (int chunk = 0; chunk < inputs; chunk += CHUNK) {
      FloatVector s0 = FloatVector.zero(FLOATS);
      FloatVector s1 = s0;
      FloatVector s2 = s0;
      FloatVector s3 = s0;
      int end = Math.min(inputs, chunk + CHUNK);
      for (int k = chunk; k < end; k += BLOCK, block += BYTES) {
        long scales = block + PAIRS + row;
        FloatVector d0 = Lanes.finiteHalves(data, scales);
        FloatVector d1 = Lanes.finiteHalves(data, scales + 2 * WIDTH);
        FloatVector d2 = Lanes.finiteHalves(data, scales + 4 * WIDTH);
        FloatVector d3 = Lanes.finiteHalves(data, scales + 6 * WIDTH);
        FloatVector m0 = d0.mul(-8);
        FloatVector m1 = d1.mul(-8);
        FloatVector m2 = d2.mul(-8);
        FloatVector m3 = d3.mul(-8);
        long at = block;
        for (int i = xOffset + k; i < xOffset + k + BLOCK; i += 2, at += ROWS) {
          FloatVector u = FloatVector.broadcast(FLOATS, x[i]);
          FloatVector v = FloatVector.broadcast(FLOATS, x[i + 1]);
          IntVector p = Lanes.unsignedBytes(data, at);
          s0 = low(p).fma(d0, m0).fma(u, s0);
          s0 = high(p).fma(d0, m0).fma(v, s0);
          p = Lanes.unsignedBytes(data, at + WIDTH);
          s1 = low(p).fma(d1, m1).fma(u, s1);
          s1 = high(p).fma(d1, m1).fma(v, s1);
          p = Lanes.unsignedBytes(data, at + 2 * WIDTH);
          s2 = low(p).fma(d2, m2).fma(u, s2);
          s2 = high(p).fma(d2, m2).fma(v, s2);
          p = Lanes.unsignedBytes(data, at + 3 * WIDTH);
          s3 = low(p).fma(d3, m3).fma(u, s3);
          s3 = high(p).fma(d3, m3).fma(v, s3);
        }
      }
      t0 = t0.add(s0);
      t1 = t1.add(s1);
      t2 = t2.add(s2);
      t3 = t3.add(s3);
    }
    t0.intoArray(out, outOffset);
    t1.intoArray(out, outOffset + WIDTH);
    t2.intoArray(out, outOffset + 2 * WIDTH);
    t3.intoArray(out, outOffset + 3 * WIDTH);
  }

  /** As {@link #product}, of Q4_K: a chunk is a block. */
  static void productK(
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
    FloatVector t2 = t0;
    FloatVector t3 = t0;
    long block = tile + row;
    for (int chunk = 0; chunk < inputs; chunk += SUPER, block += SUPER_BYTES) {
      FloatVector s0 = FloatVector.zero(FLOATS);
      FloatVector s1 = s0;
      FloatVector s2 = s0;
      FloatVector s3 = s0;
      for (int sub = 0; sub < SUPER / BLOCK; sub++) {
        FloatVector d0 = scale(data, block, row, sub, 0);
        FloatVector d1 = scale(data, block, row, sub, WIDTH);
        FloatVector d2 = scale(data, block, row, sub, 2 * WIDTH);
        FloatVector d3 = scale(data, block, row, sub, 3 * WIDTH);
        FloatVector m0 = minimum(data, block, row, sub, 0);
        FloatVector m1 = minimum(data, block, row, sub, WIDTH);
        FloatVector m2 = minimum(data, block, row, sub, 2 * WIDTH);
        FloatVector m3 = minimum(data, block, row, sub, 3 * WIDTH);
        long at = block + sub * PAIRS;
        int first = xOffset + chunk + sub * BLOCK;
        for (int i = first; i < first + BLOCK; i += 2, at += ROWS) {
          FloatVector u = FloatVector.broadcast(FLOATS, x[i]);
          FloatVector v = FloatVector.broadcast(FLOATS, x[i + 1]);
          IntVector p = Lanes.unsignedBytes(data, at);
          s0 = low(p).fma(d0, m0).fma(u, s0);
          s0 = high(p).fma(d0, m0).fma(v, s0);
          p = Lanes.unsignedBytes(data, at + WIDTH);
          s1 = low(p).fma(d1, m1).fma(u, s1);
          s1 = high(p).fma(d1, m1).fma(v, s1);
          p = Lanes.unsignedBytes(data, at + 2 * WIDTH);
          s2 = low(p).fma(d2, m2).fma(u, s2);
          s2 = high(p).fma(d2, m2).fma(v, s2);
          p = Lanes.unsignedBytes(data, at + 3 * WIDTH);
          s3 = low(p).fma(d3, m3).fma(u, s3);
          s3 = high(p).fma(d3, m3).fma(v, s3);
        }
      }
      t0 = t0.add(s0);
      t1 = t1.add(s1);
      t2 = t2.add(s2);
      t3 = t3.add(s3);
    }
    t0.intoArray(out, outOffset);
    t1.intoArray(out, outOffset + WIDTH);
    t2.intoArray(out, outOffset + 2 * WIDTH);
    t3.intoArray(out, outOffset + 3 * WIDTH);
  }

  /** {@link VectorTiles#decode} of one vector of rows. */
  static void decode(MemorySegment data, long chunk, int row, int n, float[] panel) {
    long block = chunk + row;
    int to = row;
    for (int k = 0; k < n; k += BLOCK, block += BYTES, to += BLOCK * ROWS) {
      FloatVector d = Lanes.finiteHalves(data, block + PAIRS + row);
      decode(data, block, d, d.mul(-8), panel, to);
    }
  }

  /** As {@link #decode}, of Q4_K. */
  static void decodeK(MemorySegment data, long chunk, int row, float[] panel) {
    long block = chunk + row;
    for (int sub = 0; sub < SUPER / BLOCK; sub++) {
      FloatVector d = scale(data, block, row, sub, 0);
      FloatVector m = minimum(data, block, row, sub, 0);
      decode(data, block + sub * PAIRS, d, m, panel, row + sub * BLOCK * ROWS);
    }
  }

  private static void decode(
      MemorySegment data, long pairs, FloatVector d, FloatVector m, float[] panel, int offset) {
    long at = pairs;
    int to = offset;
    for (int i = 0; i < BLOCK; i += 2, at += ROWS, to += 2 * ROWS) {
      IntVector p = Lanes.unsignedBytes(data, at);
      low(p).fma(d, m).intoArray(panel, to);
      high(p).fma(d, m).intoArray(panel, to + ROWS);
    }
  }

  private static FloatVector low(IntVector pairs) {
    return (FloatVector) pairs.and(15).convertShape(VectorOperators.I2F, FLOATS, 0);
  }

  private static FloatVector high(IntVector pairs) {
    return (FloatVector)
        pairs.lanewise(VectorOperators.LSHR, 4).convertShape(VectorOperators.I2F, FLOATS, 0);
  }

  /**
   * @param block where the block's first byte of the vector's rows lies
   * @param more rows to go on from there
   */
  private static FloatVector scale(MemorySegment data, long block, int row, int sub, int more) {
    FloatVector d = Lanes.finiteHalves(data, block + HALVES + row + 2 * more);
    return Lanes.signedBytes(data, block + SCALES + sub * ROWS + more).mul(d);
  }

  /** What is added: less than nothing. */
  private static FloatVector minimum(MemorySegment data, long block, int row, int sub, int more) {
    FloatVector d = Lanes.finiteHalves(data, block + HALVES + 2 * ROWS + row + 2 * more);
    return Lanes.signedBytes(data, block + MINIMA + sub * ROWS + more).mul(d.neg());
  }
}
