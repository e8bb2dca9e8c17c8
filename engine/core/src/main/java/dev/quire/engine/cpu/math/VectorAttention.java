package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Arithmetic.LANES;
import static dev.quire.engine.cpu.math.Arithmetic.POSITION_TILE;
import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.ORDER;
import static dev.quire.engine.cpu.math.Lanes.PARTS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Attention's products and softmax. A lane is a position's score or a column of the values, so that
 * no sum crosses lanes; four rows share what is loaded of a panel:
 *
 * <pre>
 *               panel [n][16]
 *             ┌──────┬──────┐   one step: 2 loads, 4 broadcasts, 8 multiply-adds
 *   a[4][n]   │  b0  │  b1  │   (vectors of 256 bits)
 *    ─────▶   └──────┴──────┘
 *             c[4][16], in registers
 * </pre>
 */
final class VectorAttention {
  /** Rows at a time. */
  private static final int SHARED = 4;

  /** Vectors of a row of scores. */
  private static final int VECTORS = POSITION_TILE / WIDTH;

  private VectorAttention() {}

  /** {@link Arithmetic#addPanel}. */
  static void addPanel(
      float[] a,
      int aOffset,
      int aStride,
      int rows,
      int n,
      MemorySegment panel,
      long from,
      float[] c,
      int cOffset,
      int cStride) {
    int r = 0;
    for (; r + SHARED <= rows; r += SHARED) {
      int row = aOffset + r * aStride;
      int to = cOffset + r * cStride;
      if (PARTS == 1) {
        fourByOne(a, row, aStride, n, panel, from, c, to, cStride);
      } else {
        for (int lane = 0; lane < LANES; lane += 2 * WIDTH) {
          long at = from + (long) lane * Float.BYTES;
          fourByTwo(a, row, aStride, n, panel, at, c, to + lane, cStride);
        }
      }
    }
    for (; r < rows; r++) {
      for (int lane = 0; lane < LANES; lane += WIDTH) {
        long at = from + (long) lane * Float.BYTES;
        one(a, aOffset + r * aStride, n, panel, at, c, cOffset + r * cStride + lane);
      }
    }
  }

  private static void fourByTwo(
      float[] a,
      int a0,
      int aStride,
      int n,
      MemorySegment panel,
      long from,
      float[] c,
      int c0,
      int cStride) {
    int a1 = a0 + aStride;
    int a2 = a1 + aStride;
    int a3 = a2 + aStride;
    int c1 = c0 + cStride;
    int c2 = c1 + cStride;
    int c3 = c2 + cStride;
    FloatVector s0 = FloatVector.fromArray(FLOATS, c, c0);
    FloatVector s1 = FloatVector.fromArray(FLOATS, c, c1);
    FloatVector s2 = FloatVector.fromArray(FLOATS, c, c2);
    FloatVector s3 = FloatVector.fromArray(FLOATS, c, c3);
    FloatVector t0 = FloatVector.fromArray(FLOATS, c, c0 + WIDTH);
    FloatVector t1 = FloatVector.fromArray(FLOATS, c, c1 + WIDTH);
    FloatVector t2 = FloatVector.fromArray(FLOATS, c, c2 + WIDTH);
    FloatVector t3 = FloatVector.fromArray(FLOATS, c, c3 + WIDTH);
    long at = from;
    for (int i = 0; i < n; i++, at += LANES * Float.BYTES) {
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, panel, at, ORDER);
      FloatVector b1 =
          FloatVector.fromMemorySegment(FLOATS, panel, at + WIDTH * Float.BYTES, ORDER);
      FloatVector x = FloatVector.broadcast(FLOATS, a[a0 + i]);
      s0 = b0.fma(x, s0);
      t0 = b1.fma(x, t0);
      x = FloatVector.broadcast(FLOATS, a[a1 + i]);
      s1 = b0.fma(x, s1);
      t1 = b1.fma(x, t1);
      x = FloatVector.broadcast(FLOATS, a[a2 + i]);
      s2 = b0.fma(x, s2);
      t2 = b1.fma(x, t2);
      x = FloatVector.broadcast(FLOATS, a[a3 + i]);
      s3 = b0.fma(x, s3);
      t3 = b1.fma(x, t3);
    }
    s0.intoArray(c, c0);
    s1.intoArray(c, c1);
    s2.intoArray(c, c2);
    s3.intoArray(c, c3);
    t0.intoArray(c, c0 + WIDTH);
    t1.intoArray(c, c1 + WIDTH);
    t2.intoArray(c, c2 + WIDTH);
    t3.intoArray(c, c3 + WIDTH);
  }

  private static void fourByOne(
      float[] a,
      int a0,
      int aStride,
      int n,
      MemorySegment panel,
      long from,
      float[] c,
      int c0,
      int cStride) {
    int a1 = a0 + aStride;
    int a2 = a1 + aStride;
    int a3 = a2 + aStride;
    int c1 = c0 + cStride;
    int c2 = c1 + cStride;
    int c3 = c2 + cStride;
    FloatVector s0 = FloatVector.fromArray(FLOATS, c, c0);
    FloatVector s1 = FloatVector.fromArray(FLOATS, c, c1);
    FloatVector s2 = FloatVector.fromArray(FLOATS, c, c2);
    FloatVector s3 = FloatVector.fromArray(FLOATS, c, c3);
    long at = from;
    for (int i = 0; i < n; i++, at += LANES * Float.BYTES) {
      FloatVector b = FloatVector.fromMemorySegment(FLOATS, panel, at, ORDER);
      s0 = b.fma(FloatVector.broadcast(FLOATS, a[a0 + i]), s0);
      s1 = b.fma(FloatVector.broadcast(FLOATS, a[a1 + i]), s1);
      s2 = b.fma(FloatVector.broadcast(FLOATS, a[a2 + i]), s2);
      s3 = b.fma(FloatVector.broadcast(FLOATS, a[a3 + i]), s3);
    }
    s0.intoArray(c, c0);
    s1.intoArray(c, c1);
    s2.intoArray(c, c2);
    s3.intoArray(c, c3);
  }

  private static void one(
      float[] a, int a0, int n, MemorySegment panel, long from, float[] c, int c0) {
    FloatVector s = FloatVector.fromArray(FLOATS, c, c0);
    long at = from;
    for (int i = 0; i < n; i++, at += LANES * Float.BYTES) {
      FloatVector b = FloatVector.fromMemorySegment(FLOATS, panel, at, ORDER);
      s = b.fma(FloatVector.broadcast(FLOATS, a[a0 + i]), s);
    }
    s.intoArray(c, c0);
  }

  /** {@link Arithmetic#soften}. */
  static void soften(
      float[] p, int first, int rows, float[] maxima, float[] totals, float[] sums, int width) {
    for (int r = first; r < first + rows; r++) {
      float before = maxima[r];
      FloatVector greatest = FloatVector.fromArray(FLOATS, p, r * POSITION_TILE);
      for (int i = WIDTH; i < POSITION_TILE; i += WIDTH) {
        greatest = greatest.max(FloatVector.fromArray(FLOATS, p, r * POSITION_TILE + i));
      }
      if (greatest.compare(VectorOperators.GT, before).anyTrue()) {
        float max = greatest.reduceLanes(VectorOperators.MAX);
        float factor = ScalarMath.exp(before - max);
        scale(totals, r * LANES, LANES, factor);
        scale(sums, r * width, width, factor);
        maxima[r] = max;
      }
    }
    exponentials(p, first * VECTORS, rows * VECTORS, maxima, totals);
  }

  private static void scale(float[] x, int from, int n, float factor) {
    for (int i = 0; i < n; i += WIDTH) {
      FloatVector.fromArray(FLOATS, x, from + i).mul(factor).intoArray(x, from + i);
    }
  }

  /** One loop over the vectors of all rows: inner loops of a few turns cost more than they do. */
  private static void exponentials(float[] p, int first, int n, float[] maxima, float[] totals) {
    for (int v = first; v < first + n; v++) {
      int row = v / VECTORS;
      FloatVector max = FloatVector.broadcast(FLOATS, maxima[row]);
      FloatVector e = Lanes.exp(FloatVector.fromArray(FLOATS, p, v * WIDTH).sub(max));
      e.intoArray(p, v * WIDTH);
      int total = row * LANES + v % PARTS * WIDTH;
      FloatVector.fromArray(FLOATS, totals, total).add(e).intoArray(totals, total);
    }
  }
}
