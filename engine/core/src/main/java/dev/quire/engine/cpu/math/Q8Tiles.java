package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.CHUNK;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Loops over tiles of {@link TileLayout#Q8_0}: weight = scale · level, exact in a float. */
final class Q8Tiles {
  private static final int BLOCK = 32;
  private static final int LEVELS = BLOCK * ROWS;
  private static final int BYTES = TileLayout.Q8_0.blockBytes();

  private Q8Tiles() {}

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
        long scales = block + LEVELS + row;
        FloatVector d0 = Lanes.finiteHalves(data, scales);
        FloatVector d1 = Lanes.finiteHalves(data, scales + 2 * WIDTH);
        FloatVector d2 = Lanes.finiteHalves(data, scales + 4 * WIDTH);
        FloatVector d3 = Lanes.finiteHalves(data, scales + 6 * WIDTH);
        long at = block;
        for (int i = xOffset + k; i < xOffset + k + BLOCK; i++, at += ROWS) {
          FloatVector u = FloatVector.broadcast(FLOATS, x[i]);
          s0 = Lanes.signedBytes(data, at).mul(d0).fma(u, s0);
          s1 = Lanes.signedBytes(data, at + WIDTH).mul(d1).fma(u, s1);
          s2 = Lanes.signedBytes(data, at + 2 * WIDTH).mul(d2).fma(u, s2);
          s3 = Lanes.signedBytes(data, at + 3 * WIDTH).mul(d3).fma(u, s3);
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
    for (int k = 0; k < n; k += BLOCK, block += BYTES) {
      FloatVector d = Lanes.finiteHalves(data, block + LEVELS + row);
      long at = block;
      for (int i = 0; i < BLOCK; i++, at += ROWS, to += ROWS) {
        Lanes.signedBytes(data, at).mul(d).intoArray(panel, to);
      }
    }
  }
}
