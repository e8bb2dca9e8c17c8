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
      int outStride,
      Scratch s) {
    float[] sums = s.blockSums();
    sums(panel, 1, n, x, xOffset, rows, sums);
    for (int t = 0; t < rows; t++) {
      int to = outOffset + t * outStride;
      for (int row = 0; row < ROWS; row += WIDTH) {
        Lanes.add(FloatVector.fromArray(FLOATS, sums, t * ROWS + row), out, to + row);
      }
    }
  }

  /**
   * As {@link #multiply}, of levels by quantised rows: each block's sum is exact, and added with
   * its scales, block by block.
   *
   * @param minima whether the levels have minima
   * @param panel levels, whose scales and minima are in the scratch
   * @param first the first of a group of rows
   * @param from the chunk's first input
   */
  static void multiplyLevels(
      boolean minima,
      float[] panel,
      int n,
      QuantizedRows x,
      int first,
      int from,
      int rows,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    float[] sums = s.blockSums();
    int blocks = n / QuantizedRows.BLOCK;
    int input = first * x.inputs() + from * rows;
    sums(panel, blocks, QuantizedRows.BLOCK, x.interleaved(), input, rows, sums);
    for (int t = 0; t < rows; t++) {
      int to = outOffset + t * outStride;
      int scale = ((first + t) * x.inputs() + from) / QuantizedRows.BLOCK;
      for (int row = 0; row < ROWS; row += WIDTH) {
        int at = t * ROWS + row;
        if (minima) {
          addWithMinima(sums, at, blocks, s.scales(), s.minima(), row, x, scale, out, to + row);
        } else {
          addScaled(sums, at, blocks, s.scales(), row, x.scales(), scale, out, to + row);
        }
      }
    }
  }

  private static void addScaled(
      float[] sums,
      int sumsOffset,
      int blocks,
      float[] scales,
      int scalesOffset,
      float[] inputScales,
      int inputScale,
      float[] out,
      int outOffset) {
    FloatVector total = FloatVector.fromArray(FLOATS, out, outOffset);
    for (int b = 0; b < blocks; b++) {
      FloatVector d = Lanes.splat(inputScales[inputScale + b]);
      FloatVector scale = FloatVector.fromArray(FLOATS, scales, scalesOffset + b * ROWS).mul(d);
      int at = sumsOffset + b * Arithmetic.TILE_ROWS * ROWS;
      total = FloatVector.fromArray(FLOATS, sums, at).fma(scale, total);
    }
    total.intoArray(out, outOffset);
  }

  private static void addWithMinima(
      float[] sums,
      int sumsOffset,
      int blocks,
      float[] scales,
      float[] minima,
      int scalesOffset,
      QuantizedRows quantized,
      int inputScale,
      float[] out,
      int outOffset) {
    float[] inputScales = quantized.scales();
    float[] inputSums = quantized.sums();
    FloatVector total = FloatVector.fromArray(FLOATS, out, outOffset);
    for (int b = 0; b < blocks; b++) {
      FloatVector d = Lanes.splat(inputScales[inputScale + b]);
      FloatVector scale = FloatVector.fromArray(FLOATS, scales, scalesOffset + b * ROWS).mul(d);
      int at = sumsOffset + b * Arithmetic.TILE_ROWS * ROWS;
      total = FloatVector.fromArray(FLOATS, sums, at).fma(scale, total);
      FloatVector minimum = FloatVector.fromArray(FLOATS, minima, scalesOffset + b * ROWS);
      total = minimum.fma(Lanes.splat(inputSums[inputScale + b]), total);
    }
    total.intoArray(out, outOffset);
  }

  /** Sums of each block of inputs, {@code [blocks][8][64]}. */
  private static void sums(
      float[] panel, int blocks, int n, float[] x, int xOffset, int rows, float[] sums) {
    for (int row = 0; row < ROWS; row += 2 * WIDTH) {
      switch (rows) {
        case 8 -> {
          if (PARTS == 1) {
            tile8(panel, row, blocks, n, x, xOffset, 8, sums, row);
          } else {
            tile4(panel, row, blocks, n, x, xOffset, 8, sums, row);
            tile4(panel, row, blocks, n, x, xOffset + 4, 8, sums, row + 4 * ROWS);
          }
        }
        case 4 -> tile4(panel, row, blocks, n, x, xOffset, 4, sums, row);
        case 2 -> tile2(panel, row, blocks, n, x, xOffset, 2, sums, row);
        case 1 -> tile1(panel, row, blocks, n, x, xOffset, 1, sums, row);
        default -> throw new IllegalArgumentException("no tile of " + rows + " rows");
      }
    }
  }

  private static void tile8(
      float[] panel,
      int row,
      int blocks,
      int n,
      float[] x,
      int xOffset,
      int xStep,
      float[] sums,
      int sumsOffset) {
    int at = row;
    int from = xOffset;
    int to = sumsOffset;
    for (int block = 0; block < blocks; block++) {
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
      a0.intoArray(sums, to);
      b0.intoArray(sums, to + WIDTH);
      a1.intoArray(sums, to + 1 * ROWS);
      b1.intoArray(sums, to + 1 * ROWS + WIDTH);
      a2.intoArray(sums, to + 2 * ROWS);
      b2.intoArray(sums, to + 2 * ROWS + WIDTH);
      a3.intoArray(sums, to + 3 * ROWS);
      b3.intoArray(sums, to + 3 * ROWS + WIDTH);
      a4.intoArray(sums, to + 4 * ROWS);
      b4.intoArray(sums, to + 4 * ROWS + WIDTH);
      a5.intoArray(sums, to + 5 * ROWS);
      b5.intoArray(sums, to + 5 * ROWS + WIDTH);
      a6.intoArray(sums, to + 6 * ROWS);
      b6.intoArray(sums, to + 6 * ROWS + WIDTH);
      a7.intoArray(sums, to + 7 * ROWS);
      b7.intoArray(sums, to + 7 * ROWS + WIDTH);
      to += Arithmetic.TILE_ROWS * ROWS;
    }
  }

  private static void tile4(
      float[] panel,
      int row,
      int blocks,
      int n,
      float[] x,
      int xOffset,
      int xStep,
      float[] sums,
      int sumsOffset) {
    int at = row;
    int from = xOffset;
    int to = sumsOffset;
    for (int block = 0; block < blocks; block++) {
      FloatVector zero = FloatVector.zero(FLOATS);
      FloatVector a0 = zero;
      FloatVector b0 = zero;
      FloatVector a1 = zero;
      FloatVector b1 = zero;
      FloatVector a2 = zero;
      FloatVector b2 = zero;
      FloatVector a3 = zero;
      FloatVector b3 = zero;
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
      a0.intoArray(sums, to);
      b0.intoArray(sums, to + WIDTH);
      a1.intoArray(sums, to + 1 * ROWS);
      b1.intoArray(sums, to + 1 * ROWS + WIDTH);
      a2.intoArray(sums, to + 2 * ROWS);
      b2.intoArray(sums, to + 2 * ROWS + WIDTH);
      a3.intoArray(sums, to + 3 * ROWS);
      b3.intoArray(sums, to + 3 * ROWS + WIDTH);
      to += Arithmetic.TILE_ROWS * ROWS;
    }
  }

  private static void tile2(
      float[] panel,
      int row,
      int blocks,
      int n,
      float[] x,
      int xOffset,
      int xStep,
      float[] sums,
      int sumsOffset) {
    int at = row;
    int from = xOffset;
    int to = sumsOffset;
    for (int block = 0; block < blocks; block++) {
      FloatVector zero = FloatVector.zero(FLOATS);
      FloatVector a0 = zero;
      FloatVector b0 = zero;
      FloatVector a1 = zero;
      FloatVector b1 = zero;
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
      a0.intoArray(sums, to);
      b0.intoArray(sums, to + WIDTH);
      a1.intoArray(sums, to + 1 * ROWS);
      b1.intoArray(sums, to + 1 * ROWS + WIDTH);
      to += Arithmetic.TILE_ROWS * ROWS;
    }
  }

  private static void tile1(
      float[] panel,
      int row,
      int blocks,
      int n,
      float[] x,
      int xOffset,
      int xStep,
      float[] sums,
      int sumsOffset) {
    int at = row;
    int from = xOffset;
    int to = sumsOffset;
    for (int block = 0; block < blocks; block++) {
      FloatVector zero = FloatVector.zero(FLOATS);
      FloatVector a0 = zero;
      FloatVector b0 = zero;
      for (int k = 0; k < n; k++, at += ROWS, from += xStep) {
        FloatVector a = FloatVector.fromArray(FLOATS, panel, at);
        FloatVector b = FloatVector.fromArray(FLOATS, panel, at + WIDTH);
        FloatVector u = FloatVector.broadcast(FLOATS, x[from]);
        a0 = a.fma(u, a0);
        b0 = b.fma(u, b0);
      }
      a0.intoArray(sums, to);
      b0.intoArray(sums, to + WIDTH);
      to += Arithmetic.TILE_ROWS * ROWS;
    }
  }
}
