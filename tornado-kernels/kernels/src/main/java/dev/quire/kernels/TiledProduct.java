package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid2D;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Many rows of activations times a weight matrix, on tensor cores.
 *
 * <pre>
 *                   64 outputs
 *               ┌─────────┬─────────┐
 *    64 rows    │ warp 0  │ warp 1  │   a warp: 32 rows × 32 outputs = 2 × 4 fragments
 *               ├─────────┼─────────┤   32 deep at a time
 *               │ warp 2  │ warp 3  │
 *               └─────────┴─────────┘
 *    A: x, 16 rows × 16 halves a tile              B: weights, sub-tiles of 16 (depth) × 8 outputs
 * </pre>
 */
public final class TiledProduct {
  private TiledProduct() {}

  /** Threads of a group: four warps. */
  public static final int GROUP = 128;

  /** Rows of activations that a group handles. */
  public static final int TILE_ROWS = 64;

  /** Outputs that a group handles. */
  public static final int TILE_OUTPUTS = 64;

  private static final int DEPTH = 32;

  /**
   * {@code out[r, o] = sum over i of weights[o, i] * x[r, i]}, summed in floats.
   *
   * @param counts element 0: rows that are there; the rest of the last tile becomes zero
   * @param weights [outputs, inputs], inputs even
   * @param x [rows, inputs]
   * @param out [rows up to whole tiles of {@value #TILE_ROWS}, outputs], outputs a multiple of 8
   */
  public static void multiply(
      KernelContext context,
      IntArray counts,
      HalfFloatArray weights,
      HalfFloatArray x,
      FloatArray out,
      int outputs,
      int inputs) {
    int rows = counts.get(0);
    int firstRow = context.groupIdy * TILE_ROWS;
    if (firstRow >= rows) {
      return;
    }
    int[] aTile = context.allocateIntLocalArray(TILE_ROWS * DEPTH / 2);
    int[] bTile = context.allocateIntLocalArray(TILE_OUTPUTS * DEPTH / 2);
    int thread = context.localIdx;
    int warp = thread / 32;
    int firstOutput = context.groupIdx * TILE_OUTPUTS;
    float[] c00 = context.mmaFragment(0.0f);
    float[] c01 = context.mmaFragment(0.0f);
    float[] c02 = context.mmaFragment(0.0f);
    float[] c03 = context.mmaFragment(0.0f);
    float[] c10 = context.mmaFragment(0.0f);
    float[] c11 = context.mmaFragment(0.0f);
    float[] c12 = context.mmaFragment(0.0f);
    float[] c13 = context.mmaFragment(0.0f);
    for (int depth = 0; depth < inputs; depth += DEPTH) {
      for (int i = thread; i < TILE_ROWS * DEPTH / 2; i += GROUP) {
        int r = i / (DEPTH / 2);
        int k = i % (DEPTH / 2) * 2;
        int packed = 0;
        if (firstRow + r < rows && depth + k < inputs) {
          int at0 = (firstRow + r) * inputs + depth + k;
          packed = pack(x.get(at0), x.get(at0 + 1));
        }
        aTile[((k / 16) * (TILE_ROWS / 16) + r / 16) * 128 + r % 16 * 8 + k % 16 / 2] = packed;
      }
      for (int i = thread; i < TILE_OUTPUTS / 2 * DEPTH / 2; i += GROUP) {
        int n = i / (DEPTH / 2) * 2;
        int k = i % (DEPTH / 2) * 2;
        int first = 0;
        int second = 0;
        if (firstOutput + n < outputs && depth + k < inputs) {
          int from = (firstOutput + n) * inputs + depth + k;
          int leftAt = from;
          int rightAt = from + inputs;
          first = pack(weights.get(leftAt), weights.get(rightAt));
          second = pack(weights.get(leftAt + 1), weights.get(rightAt + 1));
        }
        int at = ((k / 16) * (TILE_OUTPUTS / 8) + n / 8) * 64 + k % 16 * 4 + n % 8 / 2;
        bTile[at] = first;
        bTile[at + 4] = second;
      }
      context.localBarrier();
      for (int step = 0; step < DEPTH / 16; step++) {
        int a = (step * (TILE_ROWS / 16) + 2 * (warp / 2)) * 512;
        int b = (step * (TILE_OUTPUTS / 8) + 4 * (warp % 2)) * 256;
        HalfFloat[] a0 = context.mmaLoadA(aTile, 16, a);
        HalfFloat[] a1 = context.mmaLoadA(aTile, 16, a + 512);
        HalfFloat[] b0 = context.mmaLoadB(bTile, 16, b + 0);
        c00 = context.mma(a0, b0, c00, MMAShape.M16N8K16);
        c10 = context.mma(a1, b0, c10, MMAShape.M16N8K16);
        HalfFloat[] b1 = context.mmaLoadB(bTile, 16, b + 256);
        c01 = context.mma(a0, b1, c01, MMAShape.M16N8K16);
        c11 = context.mma(a1, b1, c11, MMAShape.M16N8K16);
        HalfFloat[] b2 = context.mmaLoadB(bTile, 16, b + 512);
        c02 = context.mma(a0, b2, c02, MMAShape.M16N8K16);
        c12 = context.mma(a1, b2, c12, MMAShape.M16N8K16);
        HalfFloat[] b3 = context.mmaLoadB(bTile, 16, b + 768);
        c03 = context.mma(a0, b3, c03, MMAShape.M16N8K16);
        c13 = context.mma(a1, b3, c13, MMAShape.M16N8K16);
      }
      context.localBarrier();
    }
    int row = firstRow + 32 * (warp / 2);
    int column = firstOutput + 32 * (warp % 2);
    if (column + 0 < outputs) {
      context.mmaStore(c00, out, row, column + 0, outputs);
      context.mmaStore(c10, out, row + 16, column + 0, outputs);
    }
    if (column + 8 < outputs) {
      context.mmaStore(c01, out, row, column + 8, outputs);
      context.mmaStore(c11, out, row + 16, column + 8, outputs);
    }
    if (column + 16 < outputs) {
      context.mmaStore(c02, out, row, column + 16, outputs);
      context.mmaStore(c12, out, row + 16, column + 16, outputs);
    }
    if (column + 24 < outputs) {
      context.mmaStore(c03, out, row, column + 24, outputs);
      context.mmaStore(c13, out, row + 16, column + 24, outputs);
    }
  }

  /**
   * {@code out[r, o] = sum over i of weights[o, i] * x[r, i]}, summed in floats.
   *
   * @param counts element 0: rows that are there; the rest of the last tile becomes zero
   * @param quants [outputs, inputs / 4], as {@link Pack} leaves them; inputs a multiple of 32
   * @param scales [outputs, inputs / 32]
   * @param x [rows, inputs]
   * @param out [rows up to whole tiles of {@value #TILE_ROWS}, outputs], outputs a multiple of 8
   */
  public static void multiplyQ8(
      KernelContext context,
      IntArray counts,
      IntArray quants,
      HalfFloatArray scales,
      HalfFloatArray x,
      FloatArray out,
      int outputs,
      int inputs) {
    int rows = counts.get(0);
    int firstRow = context.groupIdy * TILE_ROWS;
    if (firstRow >= rows) {
      return;
    }
    int[] aTile = context.allocateIntLocalArray(TILE_ROWS * DEPTH / 2);
    int[] bTile = context.allocateIntLocalArray(TILE_OUTPUTS * DEPTH / 2);
    int thread = context.localIdx;
    int warp = thread / 32;
    int firstOutput = context.groupIdx * TILE_OUTPUTS;
    float[] c00 = context.mmaFragment(0.0f);
    float[] c01 = context.mmaFragment(0.0f);
    float[] c02 = context.mmaFragment(0.0f);
    float[] c03 = context.mmaFragment(0.0f);
    float[] c10 = context.mmaFragment(0.0f);
    float[] c11 = context.mmaFragment(0.0f);
    float[] c12 = context.mmaFragment(0.0f);
    float[] c13 = context.mmaFragment(0.0f);
    for (int depth = 0; depth < inputs; depth += DEPTH) {
      for (int i = thread; i < TILE_ROWS * DEPTH / 2; i += GROUP) {
        int r = i / (DEPTH / 2);
        int k = i % (DEPTH / 2) * 2;
        int packed = 0;
        if (firstRow + r < rows && depth + k < inputs) {
          int at0 = (firstRow + r) * inputs + depth + k;
          packed = pack(x.get(at0), x.get(at0 + 1));
        }
        aTile[((k / 16) * (TILE_ROWS / 16) + r / 16) * 128 + r % 16 * 8 + k % 16 / 2] = packed;
      }
      for (int i = thread; i < TILE_OUTPUTS / 2 * DEPTH / 2; i += GROUP) {
        int n = i / (DEPTH / 2) * 2;
        int k = i % (DEPTH / 2) * 2;
        int first = 0;
        int second = 0;
        if (firstOutput + n < outputs && depth + k < inputs) {
          int from = (firstOutput + n) * inputs + depth + k;
          float leftScale = scales.get(from / 32).getFloat32();
          float rightScale = scales.get((from + inputs) / 32).getFloat32();
          int shift = 8 * (k % 4);
          int left = quants.get(from / 4) >> shift;
          int right = quants.get((from + inputs) / 4) >> shift;
          first =
              pack(
                  new HalfFloat(leftScale * (left << 24 >> 24)),
                  new HalfFloat(rightScale * (right << 24 >> 24)));
          second =
              pack(
                  new HalfFloat(leftScale * (left << 16 >> 24)),
                  new HalfFloat(rightScale * (right << 16 >> 24)));
        }
        int at = ((k / 16) * (TILE_OUTPUTS / 8) + n / 8) * 64 + k % 16 * 4 + n % 8 / 2;
        bTile[at] = first;
        bTile[at + 4] = second;
      }
      context.localBarrier();
      for (int step = 0; step < DEPTH / 16; step++) {
        int a = (step * (TILE_ROWS / 16) + 2 * (warp / 2)) * 512;
        int b = (step * (TILE_OUTPUTS / 8) + 4 * (warp % 2)) * 256;
        HalfFloat[] a0 = context.mmaLoadA(aTile, 16, a);
        HalfFloat[] a1 = context.mmaLoadA(aTile, 16, a + 512);
        HalfFloat[] b0 = context.mmaLoadB(bTile, 16, b + 0);
        c00 = context.mma(a0, b0, c00, MMAShape.M16N8K16);
        c10 = context.mma(a1, b0, c10, MMAShape.M16N8K16);
        HalfFloat[] b1 = context.mmaLoadB(bTile, 16, b + 256);
        c01 = context.mma(a0, b1, c01, MMAShape.M16N8K16);
        c11 = context.mma(a1, b1, c11, MMAShape.M16N8K16);
        HalfFloat[] b2 = context.mmaLoadB(bTile, 16, b + 512);
        c02 = context.mma(a0, b2, c02, MMAShape.M16N8K16);
        c12 = context.mma(a1, b2, c12, MMAShape.M16N8K16);
        HalfFloat[] b3 = context.mmaLoadB(bTile, 16, b + 768);
        c03 = context.mma(a0, b3, c03, MMAShape.M16N8K16);
        c13 = context.mma(a1, b3, c13, MMAShape.M16N8K16);
      }
      context.localBarrier();
    }
    int row = firstRow + 32 * (warp / 2);
    int column = firstOutput + 32 * (warp % 2);
    if (column + 0 < outputs) {
      context.mmaStore(c00, out, row, column + 0, outputs);
      context.mmaStore(c10, out, row + 16, column + 0, outputs);
    }
    if (column + 8 < outputs) {
      context.mmaStore(c01, out, row, column + 8, outputs);
      context.mmaStore(c11, out, row + 16, column + 8, outputs);
    }
    if (column + 16 < outputs) {
      context.mmaStore(c02, out, row, column + 16, outputs);
      context.mmaStore(c12, out, row + 16, column + 16, outputs);
    }
    if (column + 24 < outputs) {
      context.mmaStore(c03, out, row, column + 24, outputs);
      context.mmaStore(c13, out, row + 16, column + 24, outputs);
    }
  }

  private static int pack(HalfFloat low, HalfFloat high) {
    return (low.getHalfFloatValue() & 0xFFFF) | (high.getHalfFloatValue() & 0xFFFF) << 16;
  }

  /** Groups for at most {@code rows} rows and all outputs. The reference is MatrixVector's. */
  public static WorkerGrid grid(int rows, int outputs) {
    WorkerGrid grid =
        new WorkerGrid2D(
            (outputs + TILE_OUTPUTS - 1) / TILE_OUTPUTS * GROUP,
            (rows + TILE_ROWS - 1) / TILE_ROWS);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }
}
