package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.PARTS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import jdk.incubator.vector.FloatVector;

/**
 * Register tiles of the matrix product: two vectors of weight rows by up to eight input rows, every
 * pair with a vector of sums that stays in its register over a chunk of inputs.
 *
 * <pre>
 *        x0  x1  x2  x3  x4  x5  x6  x7
 *   a    a0  a1  a2  a3  a4  a5  a6  a7      16 sums, 2 weights and 8 inputs of 32 registers:
 *   b    b0  b1  b2  b3  b4  b5  b6  b7      16 multiply-adds for 10 loads. C2 loads all the
 *                                            inputs first, so that 24 sums don't fit any more.
 * </pre>
 *
 * <p>Narrower vectors may come with sixteen registers, so there a tile has four input rows.
 *
 * <p>The sums are single variables, not an array, because only those become registers.
 */
final class VectorPanel {
  private VectorPanel() {}

  /** {@link Arithmetic#multiply}. */
  static void multiply(
      float[] panel,
      int n,
      float[] x,
      int xOffset,
      int rows,
      float[] out,
      int outOffset,
      int outStride) {
    for (int row = 0; row < ROWS; row += 2 * WIDTH) {
      int to = outOffset + row;
      switch (rows) {
        case 8 -> {
          if (PARTS == 1) {
            tile8(panel, row, n, x, xOffset, 8, out, to, outStride);
          } else {
            tile4(panel, row, n, x, xOffset, 8, out, to, outStride);
            tile4(panel, row, n, x, xOffset + 4, 8, out, to + 4 * outStride, outStride);
          }
        }
        case 4 -> tile4(panel, row, n, x, xOffset, 4, out, to, outStride);
        case 2 -> tile2(panel, row, n, x, xOffset, 2, out, to, outStride);
        case 1 -> tile1(panel, row, n, x, xOffset, 1, out, to, outStride);
        default -> throw new IllegalArgumentException("no tile of " + rows + " rows");
      }
    }
  }

  private static void tile8(
      float[] panel,
      int row,
      int n,
      float[] x,
      int xOffset,
      int xStep,
      float[] out,
      int outOffset,
      int outStride) {
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector a0 = zero;
    FloatVector b0 = zero;
    FloatVector a1 = zero;
    FloatVector b1 = zero;
    FloatVector a2 = zero;
    FloatVector b2 = zero;
    FloatVector a3 = zero;
    FloatVector b3 = zero;
    FloatVector a4 = zero;
    FloatVector b4 = zero;
    FloatVector a5 = zero;
    FloatVector b5 = zero;
    FloatVector a6 = zero;
    FloatVector b6 = zero;
    FloatVector a7 = zero;
    FloatVector b7 = zero;
    int at = row;
    int from = xOffset;
    for (int k = 0; k < n; k++, at += ROWS, from += xStep) {
      FloatVector a = FloatVector.fromArray(FLOATS, panel, at);
      FloatVector b = FloatVector.fromArray(FLOATS, panel, at + WIDTH);
      FloatVector u = FloatVector.broadcast(FLOATS, x[from]);
      a0 = a.fma(u, a0);
      b0 = b.fma(u, b0);
      u = FloatVector.broadcast(FLOATS, x[from + 1]);
      a1 = a.fma(u, a1);
      b1 = b.fma(u, b1);
      u = FloatVector.broadcast(FLOATS, x[from + 2]);
      a2 = a.fma(u, a2);
      b2 = b.fma(u, b2);
      u = FloatVector.broadcast(FLOATS, x[from + 3]);
      a3 = a.fma(u, a3);
      b3 = b.fma(u, b3);
      u = FloatVector.broadcast(FLOATS, x[from + 4]);
      a4 = a.fma(u, a4);
      b4 = b.fma(u, b4);
      u = FloatVector.broadcast(FLOATS, x[from + 5]);
      a5 = a.fma(u, a5);
      b5 = b.fma(u, b5);
      u = FloatVector.broadcast(FLOATS, x[from + 6]);
      a6 = a.fma(u, a6);
      b6 = b.fma(u, b6);
      u = FloatVector.broadcast(FLOATS, x[from + 7]);
      a7 = a.fma(u, a7);
      b7 = b.fma(u, b7);
    }
    int to = outOffset;
    Lanes.add(a0, out, to);
    Lanes.add(b0, out, to + WIDTH);
    to += outStride;
    Lanes.add(a1, out, to);
    Lanes.add(b1, out, to + WIDTH);
    to += outStride;
    Lanes.add(a2, out, to);
    Lanes.add(b2, out, to + WIDTH);
    to += outStride;
    Lanes.add(a3, out, to);
    Lanes.add(b3, out, to + WIDTH);
    to += outStride;
    Lanes.add(a4, out, to);
    Lanes.add(b4, out, to + WIDTH);
    to += outStride;
    Lanes.add(a5, out, to);
    Lanes.add(b5, out, to + WIDTH);
    to += outStride;
    Lanes.add(a6, out, to);
    Lanes.add(b6, out, to + WIDTH);
    to += outStride;
    Lanes.add(a7, out, to);
    Lanes.add(b7, out, to + WIDTH);
  }

  private static void tile4(
      float[] panel,
      int row,
      int n,
      float[] x,
      int xOffset,
      int xStep,
      float[] out,
      int outOffset,
      int outStride) {
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector a0 = zero;
    FloatVector b0 = zero;
    FloatVector a1 = zero;
    FloatVector b1 = zero;
    FloatVector a2 = zero;
    FloatVector b2 = zero;
    FloatVector a3 = zero;
    FloatVector b3 = zero;
    int at = row;
    int from = xOffset;
    for (int k = 0; k < n; k++, at += ROWS, from += xStep) {
      FloatVector a = FloatVector.fromArray(FLOATS, panel, at);
      FloatVector b = FloatVector.fromArray(FLOATS, panel, at + WIDTH);
      FloatVector u = FloatVector.broadcast(FLOATS, x[from]);
      a0 = a.fma(u, a0);
      b0 = b.fma(u, b0);
      u = FloatVector.broadcast(FLOATS, x[from + 1]);
      a1 = a.fma(u, a1);
      b1 = b.fma(u, b1);
      u = FloatVector.broadcast(FLOATS, x[from + 2]);
      a2 = a.fma(u, a2);
      b2 = b.fma(u, b2);
      u = FloatVector.broadcast(FLOATS, x[from + 3]);
      a3 = a.fma(u, a3);
      b3 = b.fma(u, b3);
    }
    int to = outOffset;
    Lanes.add(a0, out, to);
    Lanes.add(b0, out, to + WIDTH);
    to += outStride;
    Lanes.add(a1, out, to);
    Lanes.add(b1, out, to + WIDTH);
    to += outStride;
    Lanes.add(a2, out, to);
    Lanes.add(b2, out, to + WIDTH);
    to += outStride;
    Lanes.add(a3, out, to);
    Lanes.add(b3, out, to + WIDTH);
  }

  private static void tile2(
      float[] panel,
      int row,
      int n,
      float[] x,
      int xOffset,
      int xStep,
      float[] out,
      int outOffset,
      int outStride) {
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector a0 = zero;
    FloatVector b0 = zero;
    FloatVector a1 = zero;
    FloatVector b1 = zero;
    int at = row;
    int from = xOffset;
    for (int k = 0; k < n; k++, at += ROWS, from += xStep) {
      FloatVector a = FloatVector.fromArray(FLOATS, panel, at);
      FloatVector b = FloatVector.fromArray(FLOATS, panel, at + WIDTH);
      FloatVector u = FloatVector.broadcast(FLOATS, x[from]);
      a0 = a.fma(u, a0);
      b0 = b.fma(u, b0);
      u = FloatVector.broadcast(FLOATS, x[from + 1]);
      a1 = a.fma(u, a1);
      b1 = b.fma(u, b1);
    }
    int to = outOffset;
    Lanes.add(a0, out, to);
    Lanes.add(b0, out, to + WIDTH);
    to += outStride;
    Lanes.add(a1, out, to);
    Lanes.add(b1, out, to + WIDTH);
  }

  private static void tile1(
      float[] panel,
      int row,
      int n,
      float[] x,
      int xOffset,
      int xStep,
      float[] out,
      int outOffset,
      int outStride) {
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector a0 = zero;
    FloatVector b0 = zero;
    int at = row;
    int from = xOffset;
    for (int k = 0; k < n; k++, at += ROWS, from += xStep) {
      FloatVector a = FloatVector.fromArray(FLOATS, panel, at);
      FloatVector b = FloatVector.fromArray(FLOATS, panel, at + WIDTH);
      FloatVector u = FloatVector.broadcast(FLOATS, x[from]);
      a0 = a.fma(u, a0);
      b0 = b.fma(u, b0);
    }
    int to = outOffset;
    Lanes.add(a0, out, to);
    Lanes.add(b0, out, to + WIDTH);
  }
}
