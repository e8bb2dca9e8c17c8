package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Loops over tiles of weights without scales: floats, halves and brain floats. */
final class ElementTiles {
  private ElementTiles() {}

  /** Adds four vectors of rows times a chunk of inputs; see {@link VectorTiles#product}. */
  static void halves(
      MemorySegment data,
      long chunk,
      int row,
      int n,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    long at = chunk + 2 * row;
    for (int i = 0; i < n; i++, at += 2 * ROWS) {
      FloatVector u = FloatVector.broadcast(FLOATS, x[xOffset + i]);
      s0 = Lanes.finiteHalves(data, at).fma(u, s0);
      s1 = Lanes.finiteHalves(data, at + 2 * WIDTH).fma(u, s1);
      s2 = Lanes.finiteHalves(data, at + 4 * WIDTH).fma(u, s2);
      s3 = Lanes.finiteHalves(data, at + 6 * WIDTH).fma(u, s3);
    }
    Lanes.add(s0, out, outOffset);
    Lanes.add(s1, out, outOffset + WIDTH);
    Lanes.add(s2, out, outOffset + 2 * WIDTH);
    Lanes.add(s3, out, outOffset + 3 * WIDTH);
  }

  /** As {@link #halves}. */
  static void brainFloats(
      MemorySegment data,
      long chunk,
      int row,
      int n,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    long at = chunk + 2 * row;
    for (int i = 0; i < n; i++, at += 2 * ROWS) {
      FloatVector u = FloatVector.broadcast(FLOATS, x[xOffset + i]);
      s0 = Lanes.brainFloats(data, at).fma(u, s0);
      s1 = Lanes.brainFloats(data, at + 2 * WIDTH).fma(u, s1);
      s2 = Lanes.brainFloats(data, at + 4 * WIDTH).fma(u, s2);
      s3 = Lanes.brainFloats(data, at + 6 * WIDTH).fma(u, s3);
    }
    Lanes.add(s0, out, outOffset);
    Lanes.add(s1, out, outOffset + WIDTH);
    Lanes.add(s2, out, outOffset + 2 * WIDTH);
    Lanes.add(s3, out, outOffset + 3 * WIDTH);
  }

  /** As {@link #halves}. */
  static void floats(
      MemorySegment data,
      long chunk,
      int row,
      int n,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    long at = chunk + 4 * row;
    for (int i = 0; i < n; i++, at += 4 * ROWS) {
      FloatVector u = FloatVector.broadcast(FLOATS, x[xOffset + i]);
      s0 = Lanes.floats(data, at).fma(u, s0);
      s1 = Lanes.floats(data, at + 4 * WIDTH).fma(u, s1);
      s2 = Lanes.floats(data, at + 8 * WIDTH).fma(u, s2);
      s3 = Lanes.floats(data, at + 12 * WIDTH).fma(u, s3);
    }
    Lanes.add(s0, out, outOffset);
    Lanes.add(s1, out, outOffset + WIDTH);
    Lanes.add(s2, out, outOffset + 2 * WIDTH);
    Lanes.add(s3, out, outOffset + 3 * WIDTH);
  }

  /** {@link VectorTiles#decode}, all rows. */
  static void decodeHalves(MemorySegment data, long chunk, int n, float[] panel) {
    long at = chunk;
    for (int i = 0; i < n * ROWS; i += WIDTH, at += 2 * WIDTH) {
      Lanes.finiteHalves(data, at).intoArray(panel, i);
    }
  }

  /** As {@link #decodeHalves}. */
  static void decodeBrainFloats(MemorySegment data, long chunk, int n, float[] panel) {
    long at = chunk;
    for (int i = 0; i < n * ROWS; i += WIDTH, at += 2 * WIDTH) {
      Lanes.brainFloats(data, at).intoArray(panel, i);
    }
  }
}
