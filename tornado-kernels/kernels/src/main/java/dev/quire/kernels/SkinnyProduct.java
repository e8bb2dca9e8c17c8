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
 * 2 to 16 rows of activations times a weight matrix, on tensor cores: every weight is read once.
 *
 * <pre>
 *                      64 outputs
 *               ┌ warp 0 ┬ warp 1 ┬ warp 2 ┬ warp 3 ┐
 *    16 rows    │ 16×16  │ 16×16  │        │        │     64 deep at a time
 *               └────────┴────────┴────────┴────────┘
 *    A: x, 4 tiles of 16 rows × 16 halves          B: weights, sub-tiles of 16 (depth) × 8 outputs,
 *       (pairs along the depth in one int)            two neighbouring outputs in one int
 * </pre>
 */
public final class SkinnyProduct {
  private SkinnyProduct() {}

  /** Threads of a group: four warps. */
  public static final int GROUP = 128;

  /** Rows of activations that a group handles. */
  public static final int TILE_ROWS = 16;

  /** Outputs that a group handles. */
  public static final int TILE_OUTPUTS = 64;

  private static final int DEPTH = 64;

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
    float[] c0 = context.mmaFragment(0.0f);
    float[] c1 = context.mmaFragment(0.0f);
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
        int b = (step * (TILE_OUTPUTS / 8) + 2 * warp) * 256;
        HalfFloat[] a0 = context.mmaLoadA(aTile, 16, step * 512);
        HalfFloat[] b0 = context.mmaLoadB(bTile, 16, b);
        HalfFloat[] b1 = context.mmaLoadB(bTile, 16, b + 256);
        c0 = context.mma(a0, b0, c0, MMAShape.M16N8K16);
        c1 = context.mma(a0, b1, c1, MMAShape.M16N8K16);
      }
      context.localBarrier();
    }
    int column = firstOutput + 16 * warp;
    if (column < outputs) {
      context.mmaStore(c0, out, firstRow, column, outputs);
    }
    if (column + 8 < outputs) {
      context.mmaStore(c1, out, firstRow, column + 8, outputs);
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
    float[] c0 = context.mmaFragment(0.0f);
    float[] c1 = context.mmaFragment(0.0f);
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
        int b = (step * (TILE_OUTPUTS / 8) + 2 * warp) * 256;
        HalfFloat[] a0 = context.mmaLoadA(aTile, 16, step * 512);
        HalfFloat[] b0 = context.mmaLoadB(bTile, 16, b);
        HalfFloat[] b1 = context.mmaLoadB(bTile, 16, b + 256);
        c0 = context.mma(a0, b0, c0, MMAShape.M16N8K16);
        c1 = context.mma(a0, b1, c1, MMAShape.M16N8K16);
      }
      context.localBarrier();
    }
    int column = firstOutput + 16 * warp;
    if (column < outputs) {
      context.mmaStore(c0, out, firstRow, column, outputs);
    }
    if (column + 8 < outputs) {
      context.mmaStore(c1, out, firstRow, column + 8, outputs);
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
