package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid3D;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * More than 64 rows of activations times a weight matrix, on tensor cores, with a large tile.
 *
 * <pre>
 *                  128 outputs
 *               ┌────────┬────────┐
 *               │ warp 0 │ warp 1 │   a warp: 64 rows × 64 outputs = 4 × 8 accumulators of 16 × 8,
 *   128 rows    ├────────┼────────┤           in registers all the way
 *               │ warp 2 │ warp 3 │   32 deep at a time, three panels of it in local memory:
 *               └────────┴────────┘   one is computed with while two are on their way
 *
 *   A, a panel of x: 128 rows of 64 bytes, four chunks of 16 bytes each
 *      row 0   │0│1│2│3│      row 2   │1│0│3│2│      chunk c of row r lies at c xor (r / 2 mod 4),
 *      row 1   │0│1│2│3│      row 3   │1│0│3│2│      so that 8 rows' chunks are in 32 banks
 *   B, a panel of weights: 16 blocks of 8 outputs × 32 inputs, as WeightTiles has them
 * </pre>
 */
public final class WideQuads {
  private WideQuads() {}

  /** Threads of a group: four warps. */
  public static final int GROUP = 128;

  /** Rows of activations that a group handles. */
  public static final int TILE_ROWS = 128;

  /** Outputs that a group handles. */
  public static final int TILE_OUTPUTS = 128;

  private static final int DEPTH = 32;
  private static final int STAGES = 3;
  private static final int A_INTS = TILE_ROWS * DEPTH / 2;
  private static final int B_INTS = TILE_OUTPUTS * DEPTH / 2;

  /**
   * {@code out[r, o] = sum over i of weights[o, i] * x[r, i]}, summed in floats; with an
   * activation, {@code gated[r, j]} of gate j and up j too.
   *
   * @param counts element 0: rows that are there; groups past them return at once
   * @param weights as {@link WeightTiles} has them; gate and up interleaved if there is an
   *     activation
   * @param x [rows up to whole tiles of {@value #TILE_ROWS}, inputs], inputs a multiple of 8; what
   *     lies in rows that aren't there doesn't matter
   * @param out [splits, partRows, outputs], outputs a multiple of 8: each split's part of the sum;
   *     rows are written in sixteens
   * @param gated [rows, outputs / 2], if there is an activation
   * @param splits parts that the inputs are cut into; 1 if there is an activation
   * @param partRows rows of a part of {@code out}, a multiple of 16
   * @param activation one of {@link Activations}
   */
  public static void multiplyQuads(
      KernelContext context,
      IntArray counts,
      HalfFloatArray weights,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      int outputs,
      int inputs,
      int splits,
      int partRows,
      int activation) {
    int rows = counts.get(0);
    int firstRow = context.groupIdy * TILE_ROWS;
    if (firstRow >= rows) {
      return;
    }
    int[] a = context.allocateIntLocalArray(STAGES * A_INTS);
    int[] b = context.allocateIntLocalArray(STAGES * B_INTS);
    int thread = context.localIdx;
    int lane = thread % 32;
    int warp = thread / 32;
    int padded = (inputs + 63) / 64 * 64;
    int panels = padded / DEPTH;
    int panel = context.groupIdz * panels / splits;
    int count = (context.groupIdz + 1) * panels / splits - panel;
    int aFrom = (firstRow + thread / 4) * inputs;
    int aTo = thread / 4 * 16 + (thread % 4 ^ thread / 8 % 4) * 4;
    int tile = context.groupIdx * TILE_OUTPUTS + thread / 32 * 8;
    int bFrom = WeightTiles.START + tile * padded + thread % 32 * 8;
    for (int p = 0; p < 2; p++) {
      int depth = (panel + TornadoMath.min(p, count - 1)) * DEPTH;
      int input = depth + thread % 4 * 8;
      int from = aFrom + (inputs % 64 == 0 ? input : TornadoMath.min(input, inputs - 8));
      for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              a, p * A_INTS + aTo + i * 512 + j, x, from + i * 32 * inputs + 2 * j);
        }
      }
      for (int i = 0; i < 4; i++) {
        int block = bFrom + depth * 8 + i * 32 * padded;
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              b, p * B_INTS + 4 * thread + i * 512 + j, weights, block + 2 * j);
        }
      }
      context.asyncCopyCommit();
    }
    int matrix = lane / 8;
    int row16 = lane % 8 + matrix % 2 * 8;
    int chunk = matrix / 2 ^ lane / 2 % 4;
    int aBase = warp / 2 * 4096 + row16 * 64 - (row16 * 32 + matrix / 2 * 16);
    int bBase = warp % 2 * 4096;
    float[] c00 = context.mmaFragment(0.0f);
    float[] c01 = context.mmaFragment(0.0f);
    float[] c02 = context.mmaFragment(0.0f);
    float[] c03 = context.mmaFragment(0.0f);
    float[] c04 = context.mmaFragment(0.0f);
    float[] c05 = context.mmaFragment(0.0f);
    float[] c06 = context.mmaFragment(0.0f);
    float[] c07 = context.mmaFragment(0.0f);
    float[] c10 = context.mmaFragment(0.0f);
    float[] c11 = context.mmaFragment(0.0f);
    float[] c12 = context.mmaFragment(0.0f);
    float[] c13 = context.mmaFragment(0.0f);
    float[] c14 = context.mmaFragment(0.0f);
    float[] c15 = context.mmaFragment(0.0f);
    float[] c16 = context.mmaFragment(0.0f);
    float[] c17 = context.mmaFragment(0.0f);
    float[] c20 = context.mmaFragment(0.0f);
    float[] c21 = context.mmaFragment(0.0f);
    float[] c22 = context.mmaFragment(0.0f);
    float[] c23 = context.mmaFragment(0.0f);
    float[] c24 = context.mmaFragment(0.0f);
    float[] c25 = context.mmaFragment(0.0f);
    float[] c26 = context.mmaFragment(0.0f);
    float[] c27 = context.mmaFragment(0.0f);
    float[] c30 = context.mmaFragment(0.0f);
    float[] c31 = context.mmaFragment(0.0f);
    float[] c32 = context.mmaFragment(0.0f);
    float[] c33 = context.mmaFragment(0.0f);
    float[] c34 = context.mmaFragment(0.0f);
    float[] c35 = context.mmaFragment(0.0f);
    float[] c36 = context.mmaFragment(0.0f);
    float[] c37 = context.mmaFragment(0.0f);
    for (int p = 0; p < count; p++) {
      context.asyncCopyWaitGroup(1);
      context.localBarrier();
      int depth = (panel + TornadoMath.min(p + 2, count - 1)) * DEPTH;
      int input = depth + thread % 4 * 8;
      int from = aFrom + (inputs % 64 == 0 ? input : TornadoMath.min(input, inputs - 8));
      int to = (p + 2) % 3;
      for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              a, to * A_INTS + aTo + i * 512 + j, x, from + i * 32 * inputs + 2 * j);
        }
      }
      for (int i = 0; i < 4; i++) {
        int block = bFrom + depth * 8 + i * 32 * padded;
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              b, to * B_INTS + 4 * thread + i * 512 + j, weights, block + 2 * j);
        }
      }
      context.asyncCopyCommit();
      for (int step = 0; step < 2; step++) {
        int aAt = p % 3 * (4 * A_INTS) + aBase + (chunk ^ 2 * step) * 16;
        int bAt = p % 3 * (4 * B_INTS) + bBase + step * 256;
        HalfFloat[] a0 = context.mmaLoadA(a, 16, aAt);
        HalfFloat[] a1 = context.mmaLoadA(a, 16, aAt + 1024);
        HalfFloat[] a2 = context.mmaLoadA(a, 16, aAt + 2048);
        HalfFloat[] a3 = context.mmaLoadA(a, 16, aAt + 3072);
        HalfFloat[] b0 = context.mmaLoadB(b, 16, bAt);
        c00 = context.mma(a0, b0, c00, MMAShape.M16N8K16);
        c10 = context.mma(a1, b0, c10, MMAShape.M16N8K16);
        c20 = context.mma(a2, b0, c20, MMAShape.M16N8K16);
        c30 = context.mma(a3, b0, c30, MMAShape.M16N8K16);
        HalfFloat[] b1 = context.mmaLoadB(b, 16, bAt + 512);
        c01 = context.mma(a0, b1, c01, MMAShape.M16N8K16);
        c11 = context.mma(a1, b1, c11, MMAShape.M16N8K16);
        c21 = context.mma(a2, b1, c21, MMAShape.M16N8K16);
        c31 = context.mma(a3, b1, c31, MMAShape.M16N8K16);
        HalfFloat[] b2 = context.mmaLoadB(b, 16, bAt + 1024);
        c02 = context.mma(a0, b2, c02, MMAShape.M16N8K16);
        c12 = context.mma(a1, b2, c12, MMAShape.M16N8K16);
        c22 = context.mma(a2, b2, c22, MMAShape.M16N8K16);
        c32 = context.mma(a3, b2, c32, MMAShape.M16N8K16);
        HalfFloat[] b3 = context.mmaLoadB(b, 16, bAt + 1536);
        c03 = context.mma(a0, b3, c03, MMAShape.M16N8K16);
        c13 = context.mma(a1, b3, c13, MMAShape.M16N8K16);
        c23 = context.mma(a2, b3, c23, MMAShape.M16N8K16);
        c33 = context.mma(a3, b3, c33, MMAShape.M16N8K16);
        HalfFloat[] b4 = context.mmaLoadB(b, 16, bAt + 2048);
        c04 = context.mma(a0, b4, c04, MMAShape.M16N8K16);
        c14 = context.mma(a1, b4, c14, MMAShape.M16N8K16);
        c24 = context.mma(a2, b4, c24, MMAShape.M16N8K16);
        c34 = context.mma(a3, b4, c34, MMAShape.M16N8K16);
        HalfFloat[] b5 = context.mmaLoadB(b, 16, bAt + 2560);
        c05 = context.mma(a0, b5, c05, MMAShape.M16N8K16);
        c15 = context.mma(a1, b5, c15, MMAShape.M16N8K16);
        c25 = context.mma(a2, b5, c25, MMAShape.M16N8K16);
        c35 = context.mma(a3, b5, c35, MMAShape.M16N8K16);
        HalfFloat[] b6 = context.mmaLoadB(b, 16, bAt + 3072);
        c06 = context.mma(a0, b6, c06, MMAShape.M16N8K16);
        c16 = context.mma(a1, b6, c16, MMAShape.M16N8K16);
        c26 = context.mma(a2, b6, c26, MMAShape.M16N8K16);
        c36 = context.mma(a3, b6, c36, MMAShape.M16N8K16);
        HalfFloat[] b7 = context.mmaLoadB(b, 16, bAt + 3584);
        c07 = context.mma(a0, b7, c07, MMAShape.M16N8K16);
        c17 = context.mma(a1, b7, c17, MMAShape.M16N8K16);
        c27 = context.mma(a2, b7, c27, MMAShape.M16N8K16);
        c37 = context.mma(a3, b7, c37, MMAShape.M16N8K16);
      }
    }
    context.asyncCopyWaitGroup(0);
    int row = firstRow + warp / 2 * 64;
    int column = context.groupIdx * TILE_OUTPUTS + warp % 2 * 64;
    int store = context.groupIdz * partRows + row;
    if (row < rows) {
      Accumulators.store(
          context, c00, c01, c02, c03, c04, c05, c06, c07, out, store, column, outputs);
    }
    if (row + 16 < rows) {
      Accumulators.store(
          context, c10, c11, c12, c13, c14, c15, c16, c17, out, store + 16, column, outputs);
    }
    if (row + 32 < rows) {
      Accumulators.store(
          context, c20, c21, c22, c23, c24, c25, c26, c27, out, store + 32, column, outputs);
    }
    if (row + 48 < rows) {
      Accumulators.store(
          context, c30, c31, c32, c33, c34, c35, c36, c37, out, store + 48, column, outputs);
    }
    if (activation != Activations.NONE) {
      context.localBarrier();
      GatedSums.activate(
          out,
          gated,
          activation,
          firstRow,
          rows,
          TILE_ROWS,
          context.groupIdx * TILE_OUTPUTS,
          TILE_OUTPUTS,
          outputs,
          thread,
          GROUP);
    }
  }

  /**
   * Groups for at most {@code rows} rows, all outputs and splits. The reference is MatrixVector's.
   */
  public static WorkerGrid grid(int rows, int outputs, int splits) {
    WorkerGrid grid =
        new WorkerGrid3D(
            (outputs + TILE_OUTPUTS - 1) / TILE_OUTPUTS * GROUP,
            (rows + TILE_ROWS - 1) / TILE_ROWS,
            splits);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }
}
