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
 * 17 to 32 rows of activations times a weight matrix, on tensor cores: every weight is read once.
 *
 * <pre>
 *                            128 outputs
 *               ┌ warp 0 ┬ warp 1 ┬ warp 2 ┬ warp 3 ┐   a warp: 32 rows × 32 outputs
 *    32 rows    │ 32×32  │ 32×32  │        │        │   32 deep at a time, four panels of it in
 *               └────────┴────────┴────────┴────────┘   local memory
 *   panels of A and B as WideQuads has them
 *
 *   operands of panel p in registers ── barrier ── panel p + 4 asked for, into p's place ── products
 *   group begins at an input of its own ({@link WeightTiles#beginning}), and ends before it
 * </pre>
 *
 * <p>A multiprocessor may have one group only, so all four panels are on their way while one is
 * multiplied. Groups begin at different inputs, or all would want the same rows of x at once.
 */
public final class LeanQuads {
  private LeanQuads() {}

  /** Threads of a group: four warps. */
  public static final int GROUP = 128;

  /** Rows of activations that a group handles. */
  public static final int TILE_ROWS = 32;

  /** Outputs that a group handles. */
  public static final int TILE_OUTPUTS = 128;

  private static final int DEPTH = 32;
  private static final int STAGES = 4;
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
    int turn = WeightTiles.beginning(context.groupIdx, count * DEPTH) / DEPTH;
    int aFrom = (firstRow + thread / 4) * inputs;
    int aTo = thread / 4 * 16 + (thread % 4 ^ thread / 8 % 4) * 4;
    int tile = context.groupIdx * TILE_OUTPUTS + thread / 32 * 8;
    int bFrom = WeightTiles.START + tile * padded + thread % 32 * 8;
    for (int p = 0; p < 4; p++) {
      int place = turn + TornadoMath.min(p, count - 1);
      int depth = (panel + (place < count ? place : place - count)) * DEPTH;
      int input = depth + thread % 4 * 8;
      int from = aFrom + (inputs % 64 == 0 ? input : TornadoMath.min(input, inputs - 8));
      for (int j = 0; j < 4; j++) {
        context.asyncCopyToLocal(a, p * A_INTS + aTo + j, x, from + 2 * j);
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
    int aBase = row16 * 64 - (row16 * 32 + matrix / 2 * 16);
    int bBase = warp * 2048;
    float[] c00 = context.mmaFragment(0.0f);
    float[] c01 = context.mmaFragment(0.0f);
    float[] c02 = context.mmaFragment(0.0f);
    float[] c03 = context.mmaFragment(0.0f);
    float[] c10 = context.mmaFragment(0.0f);
    float[] c11 = context.mmaFragment(0.0f);
    float[] c12 = context.mmaFragment(0.0f);
    float[] c13 = context.mmaFragment(0.0f);
    for (int p = 0; p < count; p++) {
      context.asyncCopyWaitGroup(3);
      context.localBarrier();
      int aAt = p % STAGES * (4 * A_INTS) + aBase;
      int bAt = p % STAGES * (4 * B_INTS) + bBase;
      HalfFloat[] xa0 = context.mmaLoadA(a, 16, aAt + chunk * 16);
      HalfFloat[] xa1 = context.mmaLoadA(a, 16, aAt + chunk * 16 + 1024);
      HalfFloat[] xb0 = context.mmaLoadB(b, 16, bAt);
      HalfFloat[] xb1 = context.mmaLoadB(b, 16, bAt + 512);
      HalfFloat[] xb2 = context.mmaLoadB(b, 16, bAt + 1024);
      HalfFloat[] xb3 = context.mmaLoadB(b, 16, bAt + 1536);
      HalfFloat[] ya0 = context.mmaLoadA(a, 16, aAt + (chunk ^ 2) * 16);
      HalfFloat[] ya1 = context.mmaLoadA(a, 16, aAt + (chunk ^ 2) * 16 + 1024);
      HalfFloat[] yb0 = context.mmaLoadB(b, 16, bAt + 256);
      HalfFloat[] yb1 = context.mmaLoadB(b, 16, bAt + 768);
      HalfFloat[] yb2 = context.mmaLoadB(b, 16, bAt + 1280);
      HalfFloat[] yb3 = context.mmaLoadB(b, 16, bAt + 1792);
      context.localBarrier();
      if (p + 4 < count) {
        int place = turn + p + 4;
        int depth = (panel + (place < count ? place : place - count)) * DEPTH;
        int to = (p + 4) % STAGES;
        int input = depth + thread % 4 * 8;
        int from = aFrom + (inputs % 64 == 0 ? input : TornadoMath.min(input, inputs - 8));
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(a, to * A_INTS + aTo + j, x, from + 2 * j);
        }
        for (int i = 0; i < 4; i++) {
          int block = bFrom + depth * 8 + i * 32 * padded;
          for (int j = 0; j < 4; j++) {
            context.asyncCopyToLocal(
                b, to * B_INTS + 4 * thread + i * 512 + j, weights, block + 2 * j);
          }
        }
      }
      context.asyncCopyCommit();
      c00 = context.mma(xa0, xb0, c00, MMAShape.M16N8K16);
      c10 = context.mma(xa1, xb0, c10, MMAShape.M16N8K16);
      c01 = context.mma(xa0, xb1, c01, MMAShape.M16N8K16);
      c11 = context.mma(xa1, xb1, c11, MMAShape.M16N8K16);
      c02 = context.mma(xa0, xb2, c02, MMAShape.M16N8K16);
      c12 = context.mma(xa1, xb2, c12, MMAShape.M16N8K16);
      c03 = context.mma(xa0, xb3, c03, MMAShape.M16N8K16);
      c13 = context.mma(xa1, xb3, c13, MMAShape.M16N8K16);
      c00 = context.mma(ya0, yb0, c00, MMAShape.M16N8K16);
      c10 = context.mma(ya1, yb0, c10, MMAShape.M16N8K16);
      c01 = context.mma(ya0, yb1, c01, MMAShape.M16N8K16);
      c11 = context.mma(ya1, yb1, c11, MMAShape.M16N8K16);
      c02 = context.mma(ya0, yb2, c02, MMAShape.M16N8K16);
      c12 = context.mma(ya1, yb2, c12, MMAShape.M16N8K16);
      c03 = context.mma(ya0, yb3, c03, MMAShape.M16N8K16);
      c13 = context.mma(ya1, yb3, c13, MMAShape.M16N8K16);
    }
    context.asyncCopyWaitGroup(0);
    int row = firstRow;
    int column = context.groupIdx * TILE_OUTPUTS + warp * 32;
    int store = context.groupIdz * partRows + row;
    if (row < rows) {
      if (column < outputs) {
        context.mmaStore(c00, out, store, column, outputs);
      }
      if (column + 8 < outputs) {
        context.mmaStore(c01, out, store, column + 8, outputs);
      }
      if (column + 16 < outputs) {
        context.mmaStore(c02, out, store, column + 16, outputs);
      }
      if (column + 24 < outputs) {
        context.mmaStore(c03, out, store, column + 24, outputs);
      }
    }
    if (row + 16 < rows) {
      if (column < outputs) {
        context.mmaStore(c10, out, store + 16, column, outputs);
      }
      if (column + 8 < outputs) {
        context.mmaStore(c11, out, store + 16, column + 8, outputs);
      }
      if (column + 16 < outputs) {
        context.mmaStore(c12, out, store + 16, column + 16, outputs);
      }
      if (column + 24 < outputs) {
        context.mmaStore(c13, out, store + 16, column + 24, outputs);
      }
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
