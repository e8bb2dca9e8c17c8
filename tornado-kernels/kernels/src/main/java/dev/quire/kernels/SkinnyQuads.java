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
 * 2 to 16 rows of activations times a weight matrix, on tensor cores: every weight is read once.
 *
 * <pre>
 *                      64 outputs
 *               ┌ warp 0 ┬ warp 1 ┬ warp 2 ┬ warp 3 ┐   a warp: 16 rows × 16 outputs
 *    16 rows    │ 16×16  │ 16×16  │        │        │   64 deep at a time, four panels of it in local
 *               └────────┴────────┴────────┴────────┘   memory
 *   A, a panel of x: 16 rows of 128 bytes, eight chunks of 16 bytes each;
 *      chunk c of row r lies at c xor (r mod 8), so that 8 rows' chunks are in 32 banks
 *   B, a panel of weights: 8 blocks of 8 outputs × 64 inputs, as WeightTiles has them
 *
 *   operands of panel p in registers ── barrier ── panel p + 4 asked for, into p's place ── products
 *   group begins at an input of its own ({@link WeightTiles#beginning}), and ends before it
 * </pre>
 *
 * <p>All four panels are on their way while one is multiplied. Groups begin at different inputs, or
 * all would want the same rows of x at once.
 */
public final class SkinnyQuads {
  private SkinnyQuads() {}

  /** Threads of a group: four warps. */
  public static final int GROUP = 128;

  /** Rows of activations that a group handles. */
  public static final int TILE_ROWS = 16;

  /** Outputs that a group handles. */
  public static final int TILE_OUTPUTS = 64;

  private static final int DEPTH = 64;
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
    int turn = WeightTiles.beginning(context.groupIdx / 2, count * DEPTH) / DEPTH;
    int aFrom = (firstRow + thread / 8) * inputs;
    int aTo = thread / 8 * 32 + (thread % 8 ^ thread / 8 % 8) * 4;
    int tile = context.groupIdx * TILE_OUTPUTS + thread / 64 * 8;
    int bFrom = WeightTiles.START + tile * padded + thread % 64 * 8;
    for (int p = 0; p < 4; p++) {
      int place = turn + TornadoMath.min(p, count - 1);
      int depth = (panel + (place < count ? place : place - count)) * DEPTH;
      int input = depth + thread % 8 * 8;
      int from = aFrom + (inputs % 64 == 0 ? input : TornadoMath.min(input, inputs - 8));
      for (int j = 0; j < 4; j++) {
        context.asyncCopyToLocal(a, p * A_INTS + aTo + j, x, from + 2 * j);
      }
      for (int i = 0; i < 4; i++) {
        int block = bFrom + depth * 8 + i * 16 * padded;
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              b, p * B_INTS + 4 * thread + i * 512 + j, weights, block + 2 * j);
        }
      }
      context.asyncCopyCommit();
    }
    int matrix = lane / 8;
    int row16 = lane % 8 + matrix % 2 * 8;
    int chunk = matrix / 2 ^ lane % 8;
    int aBase = row16 * 128 - (row16 * 32 + matrix / 2 * 16);
    int bBase = warp * 2048;
    float[] c00 = context.mmaFragment(0.0f);
    float[] c01 = context.mmaFragment(0.0f);
    for (int p = 0; p < count; p++) {
      context.asyncCopyWaitGroup(3);
      context.localBarrier();
      int aAt0 = p % 4 * (4 * A_INTS) + aBase + chunk * 16;
      int bAt0 = p % 4 * (4 * B_INTS) + bBase;
      HalfFloat[] xa0 = context.mmaLoadA(a, 16, aAt0);
      HalfFloat[] xb0 = context.mmaLoadB(b, 16, bAt0);
      HalfFloat[] xb1 = context.mmaLoadB(b, 16, bAt0 + 1024);
      int aAt1 = p % 4 * (4 * A_INTS) + aBase + (chunk ^ 2) * 16;
      int bAt1 = p % 4 * (4 * B_INTS) + bBase + 256;
      HalfFloat[] ya0 = context.mmaLoadA(a, 16, aAt1);
      HalfFloat[] yb0 = context.mmaLoadB(b, 16, bAt1);
      HalfFloat[] yb1 = context.mmaLoadB(b, 16, bAt1 + 1024);
      int aAt2 = p % 4 * (4 * A_INTS) + aBase + (chunk ^ 4) * 16;
      int bAt2 = p % 4 * (4 * B_INTS) + bBase + 512;
      HalfFloat[] za0 = context.mmaLoadA(a, 16, aAt2);
      HalfFloat[] zb0 = context.mmaLoadB(b, 16, bAt2);
      HalfFloat[] zb1 = context.mmaLoadB(b, 16, bAt2 + 1024);
      int aAt3 = p % 4 * (4 * A_INTS) + aBase + (chunk ^ 6) * 16;
      int bAt3 = p % 4 * (4 * B_INTS) + bBase + 768;
      HalfFloat[] va0 = context.mmaLoadA(a, 16, aAt3);
      HalfFloat[] vb0 = context.mmaLoadB(b, 16, bAt3);
      HalfFloat[] vb1 = context.mmaLoadB(b, 16, bAt3 + 1024);
      context.localBarrier();
      if (p + 4 < count) {
        int place = turn + p + 4;
        int depth = (panel + (place < count ? place : place - count)) * DEPTH;
        int input = depth + thread % 8 * 8;
        int from = aFrom + (inputs % 64 == 0 ? input : TornadoMath.min(input, inputs - 8));
        int stage = (p + 4) % 4;
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(a, stage * A_INTS + aTo + j, x, from + 2 * j);
        }
        for (int i = 0; i < 4; i++) {
          int block = bFrom + depth * 8 + i * 16 * padded;
          for (int j = 0; j < 4; j++) {
            context.asyncCopyToLocal(
                b, stage * B_INTS + 4 * thread + i * 512 + j, weights, block + 2 * j);
          }
        }
      }
      context.asyncCopyCommit();
      c00 = context.mma(xa0, xb0, c00, MMAShape.M16N8K16);
      c01 = context.mma(xa0, xb1, c01, MMAShape.M16N8K16);
      c00 = context.mma(ya0, yb0, c00, MMAShape.M16N8K16);
      c01 = context.mma(ya0, yb1, c01, MMAShape.M16N8K16);
      c00 = context.mma(za0, zb0, c00, MMAShape.M16N8K16);
      c01 = context.mma(za0, zb1, c01, MMAShape.M16N8K16);
      c00 = context.mma(va0, vb0, c00, MMAShape.M16N8K16);
      c01 = context.mma(va0, vb1, c01, MMAShape.M16N8K16);
    }
    context.asyncCopyWaitGroup(0);
    int column = context.groupIdx * TILE_OUTPUTS + warp * 16;
    int store = context.groupIdz * partRows + firstRow;
    if (firstRow < rows) {
      if (column < outputs) {
        context.mmaStore(c00, out, store, column, outputs);
      }
      if (column + 8 < outputs) {
        context.mmaStore(c01, out, store, column + 8, outputs);
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
