package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
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

  /** Bytes of the pairs of 32 inputs; in Q4_K these lie together. */
  static final int PAIRS = BLOCK / 2 * ROWS;

  static final int BYTES = TileLayout.Q4_0.blockBytes();

  private static final int SUPER = 256;
  private static final int SCALES = SUPER / 2 * ROWS;
  private static final int HALVES = SCALES + 2 * SUPER / BLOCK * ROWS;

  private Q4Tiles() {}

  /**
   * What a chunk of {@code n} inputs is scaled with, {@code [block][64]} each.
   *
   * @param minima what is added: less than nothing
   */
  static void scales(MemorySegment data, long chunk, int n, float[] scales, float[] minima) {
    long block = chunk + PAIRS;
    for (int to = 0; to < n / BLOCK * ROWS; to += ROWS, block += BYTES) {
      for (int row = 0; row < ROWS; row += WIDTH) {
        FloatVector d = Lanes.finiteHalves(data, block + 2 * row);
        d.intoArray(scales, to + row);
        d.mul(-8).intoArray(minima, to + row);
      }
    }
  }

  /** As {@link #scales}, of Q4_K. */
  static void scalesK(MemorySegment data, long chunk, float[] scales, float[] minima) {
    for (int row = 0; row < ROWS; row += WIDTH) {
      long halves = chunk + HALVES + 2 * row;
      FloatVector d = Lanes.finiteHalves(data, halves);
      FloatVector m = Lanes.finiteHalves(data, halves + 2 * ROWS).neg();
      long at = chunk + SCALES + row;
      for (int to = row; to < SUPER / BLOCK * ROWS; to += ROWS, at += ROWS) {
        Lanes.signedBytes(data, at).mul(d).intoArray(scales, to);
        Lanes.signedBytes(data, at + SUPER / BLOCK * ROWS).mul(m).intoArray(minima, to);
      }
    }
  }

  /**
   * Adds two vectors of rows times a chunk of inputs; see {@link VectorTiles#product}.
   *
   * @param blockBytes from one block of pairs to the next
   */
  static void product(
      MemorySegment data,
      long chunk,
      int blockBytes,
      int row,
      int n,
      float[] scales,
      float[] minima,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    long block = chunk + row;
    int scale = row;
    for (int k = 0; k < n; k += BLOCK, block += blockBytes, scale += ROWS) {
      FloatVector d0 = FloatVector.fromArray(FLOATS, scales, scale);
      FloatVector d1 = FloatVector.fromArray(FLOATS, scales, scale + WIDTH);
      FloatVector m0 = FloatVector.fromArray(FLOATS, minima, scale);
      FloatVector m1 = FloatVector.fromArray(FLOATS, minima, scale + WIDTH);
      long at = block;
      for (int i = 0; i < BLOCK; i += 2, at += ROWS) {
        FloatVector u = FloatVector.broadcast(FLOATS, x[xOffset + k + i]);
        FloatVector v = FloatVector.broadcast(FLOATS, x[xOffset + k + i + 1]);
        IntVector p = Lanes.unsignedBytes(data, at);
        s0 = low(p).fma(d0, m0).fma(u, s0);
        s0 = high(p).fma(d0, m0).fma(v, s0);
        p = Lanes.unsignedBytes(data, at + WIDTH);
        s1 = low(p).fma(d1, m1).fma(u, s1);
        s1 = high(p).fma(d1, m1).fma(v, s1);
      }
    }
    Lanes.add(s0, out, outOffset);
    Lanes.add(s1, out, outOffset + WIDTH);
  }

  /** {@link VectorTiles#decode} of one vector of rows. */
  static void decode(
      MemorySegment data,
      long chunk,
      int blockBytes,
      int row,
      int n,
      float[] scales,
      float[] minima,
      float[] panel) {
    long block = chunk + row;
    int to = row;
    int scale = row;
    for (int k = 0; k < n; k += BLOCK, block += blockBytes, scale += ROWS) {
      FloatVector d = FloatVector.fromArray(FLOATS, scales, scale);
      FloatVector m = FloatVector.fromArray(FLOATS, minima, scale);
      long at = block;
      for (int i = 0; i < BLOCK; i += 2, at += ROWS, to += 2 * ROWS) {
        IntVector p = Lanes.unsignedBytes(data, at);
        low(p).fma(d, m).intoArray(panel, to);
        high(p).fma(d, m).intoArray(panel, to + ROWS);
      }
    }
  }

  private static FloatVector low(IntVector pairs) {
    return (FloatVector) pairs.and(15).convertShape(VectorOperators.I2F, FLOATS, 0);
  }

  private static FloatVector high(IntVector pairs) {
    return (FloatVector)
        pairs.lanewise(VectorOperators.LSHR, 4).convertShape(VectorOperators.I2F, FLOATS, 0);
  }
}
