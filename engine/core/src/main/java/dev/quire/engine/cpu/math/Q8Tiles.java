package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Loops over tiles of {@link TileLayout#Q8_0}: weight = scale · level, exact in a float. */
final class Q8Tiles {
  private static final int BLOCK = 32;
  private static final int LEVELS = BLOCK * ROWS;
  private static final int BYTES = TileLayout.Q8_0.blockBytes();

  private Q8Tiles() {}

  /** The scales of a chunk of {@code n} inputs, {@code [block][64]}. */
  static void scales(MemorySegment data, long chunk, int n, float[] scales) {
    long block = chunk + LEVELS;
    for (int to = 0; to < n / BLOCK * ROWS; to += ROWS, block += BYTES) {
      for (int row = 0; row < ROWS; row += WIDTH) {
        Lanes.finiteHalves(data, block + 2 * row).intoArray(scales, to + row);
      }
    }
  }

  /** Adds four vectors of rows times a chunk of inputs; see {@link VectorTiles#product}. */
  static void product(
      MemorySegment data,
      long chunk,
      int row,
      int n,
      float[] scales,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    long block = chunk + row;
    int scale = row;
    for (int k = 0; k < n; k += BLOCK, block += BYTES, scale += ROWS) {
      FloatVector d0 = FloatVector.fromArray(FLOATS, scales, scale);
      FloatVector d1 = FloatVector.fromArray(FLOATS, scales, scale + WIDTH);
      FloatVector d2 = FloatVector.fromArray(FLOATS, scales, scale + 2 * WIDTH);
      FloatVector d3 = FloatVector.fromArray(FLOATS, scales, scale + 3 * WIDTH);
      long at = block;
      for (int i = 0; i < BLOCK; i++, at += ROWS) {
        FloatVector u = FloatVector.broadcast(FLOATS, x[xOffset + k + i]);
        s0 = Lanes.signedBytes(data, at).mul(d0).fma(u, s0);
        s1 = Lanes.signedBytes(data, at + WIDTH).mul(d1).fma(u, s1);
        s2 = Lanes.signedBytes(data, at + 2 * WIDTH).mul(d2).fma(u, s2);
        s3 = Lanes.signedBytes(data, at + 3 * WIDTH).mul(d3).fma(u, s3);
      }
    }
    Lanes.add(s0, out, outOffset);
    Lanes.add(s1, out, outOffset + WIDTH);
    Lanes.add(s2, out, outOffset + 2 * WIDTH);
    Lanes.add(s3, out, outOffset + 3 * WIDTH);
  }

  /** {@link VectorTiles#decode} of one vector of rows. */
  static void decode(
      MemorySegment data, long chunk, int row, int n, float[] scales, float[] panel) {
    long block = chunk + row;
    int to = row;
    for (int k = 0; k < n; k += BLOCK, block += BYTES) {
      FloatVector d = FloatVector.fromArray(FLOATS, scales, k / BLOCK * ROWS + row);
      long at = block;
      for (int i = 0; i < BLOCK; i++, at += ROWS, to += ROWS) {
        Lanes.signedBytes(data, at).mul(d).intoArray(panel, to);
      }
    }
  }
}
