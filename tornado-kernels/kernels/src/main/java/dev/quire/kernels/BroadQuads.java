package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid2D;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * More than 64 rows of activations times a weight matrix, on tensor cores, with a tile as high as
 * the rows want it: 64, 128, 192 or 256, so that up to 256 rows read the weights once, and 160 of
 * them cost 192.
 *
 * <pre>
 *                     128 outputs
 *                  ┌────────┬────────┐
 *                  │ warp 0 │ warp 1 │   a warp: 16 to 64 rows × 64 outputs = 1 to 4 × 8 accumulators
 *    64 to 256     ├────────┼────────┤           of 16 × 8, in registers all the way
 *      rows        │ warp 2 │ warp 3 │
 *                  ├────────┼────────┤   16 deep at a time; four panels of it in local memory, six
 *                  │ warp 4 │ warp 5 │   where they are small
 *                  ├────────┼────────┤
 *                  │ warp 6 │ warp 7 │
 *                  └────────┴────────┘
 *
 *   copies       panel p + 4 ─► the place of p      p + 5
 *   operands     panel p + 1                        p + 2
 *   products     panel p                            p + 1
 *         wait, barrier                     wait, barrier
 *
 *   A, a panel of x: rows of 32 bytes, two chunks of 16 bytes each; chunk c of row r lies at
 *      c xor (r / 4 mod 2), so that 8 rows' chunks are in 32 banks
 *   B, a panel of weights: 16 blocks of 8 outputs × 16 inputs, as WeightTiles has them
 * </pre>
 *
 * <p>A panel's operands are in registers before it is multiplied, so that no product waits for
 * local memory, and none for the barrier. Groups of other outputs begin at other inputs, or all
 * would want the same rows of x at once.
 */
public final class BroadQuads {
  private BroadQuads() {}

  /** Threads of a group: eight warps. */
  public static final int GROUP = 256;

  /** The most rows of activations that a group handles. */
  public static final int MOST_ROWS = 256;

  /** Outputs that a group handles. */
  public static final int TILE_OUTPUTS = 128;

  private static final int DEPTH = 16;
  private static final int B_INTS = TILE_OUTPUTS * DEPTH / 2;

  // Four panels of 256 rows, six of 128.
  private static final int LOCAL_INTS = 12288;

  /**
   * {@code out[r, o] = sum over i of weights[o, i] * x[r, i]}, summed in floats; with an
   * activation, {@code gated[r, j]} of gate j and up j too.
   *
   * @param counts element 0: rows that are there; groups past them return at once
   * @param weights as {@link WeightTiles} has them; gate and up interleaved if there is an
   *     activation
   * @param x [rows up to whole tiles of {@link #tileRows}, inputs], inputs a multiple of 8; what
   *     lies in rows that aren't there doesn't matter
   * @param out [splits, partRows, outputs], outputs a multiple of 8: each split's part of the sum;
   *     rows are written in sixteens
   * @param gated [rows, outputs / 2], if there is an activation
   * @param splits parts that the inputs are cut into; 1 if there is an activation
   * @param partRows rows of a part of {@code out}, a multiple of 16; these are dealt evenly to
   *     tiles
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
    int tileRows = tileRows(partRows);
    int tiles = (partRows + tileRows - 1) / tileRows;
    int firstRow = context.groupIdx % tiles * tileRows;
    int firstOutput = context.groupIdx / tiles * TILE_OUTPUTS;
    if (firstRow >= rows || firstOutput >= outputs) {
      return;
    }
    int[] panels = context.allocateIntLocalArray(LOCAL_INTS);
    int thread = context.localIdx;
    int lane = thread % 32;
    int warp = thread / 32;
    int padded = (inputs + 63) / 64 * 64;
    int pairs = padded / (2 * DEPTH);
    int first = context.groupIdy * pairs / splits;
    int count = (context.groupIdy + 1) * pairs / splits - first;
    int turn = WeightTiles.beginning(context.groupIdx / tiles, 2 * count * DEPTH) / DEPTH;
    int aInts = tileRows * DEPTH / 2;
    int ints = aInts + B_INTS;
    int stages = tileRows > 128 ? 4 : 6;
    int aFrom = (firstRow + thread / 2) * inputs;
    int aTo = thread / 2 * 8 + (thread % 2 ^ thread / 8 % 2) * 4;
    int bFrom = WeightTiles.START + (firstOutput + thread / 16 * 8) * padded + thread % 16 * 8;
    for (int p = 0; p < stages; p++) {
      int place = turn + TornadoMath.min(p, 2 * count - 1);
      int depth = (2 * first + (place < 2 * count ? place : place - 2 * count)) * DEPTH;
      int input = depth + thread % 2 * 8;
      int from = aFrom + (inputs % 64 == 0 ? input : TornadoMath.min(input, inputs - 8));
      for (int i = 0; i < tileRows / 128; i++) {
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              panels, p * ints + aTo + i * 1024 + j, x, from + i * 128 * inputs + 2 * j);
        }
      }
      if (tileRows % 128 != 0 && thread < 128) {
        int i = tileRows / 128;
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              panels, p * ints + aTo + i * 1024 + j, x, from + i * 128 * inputs + 2 * j);
        }
      }
      for (int j = 0; j < 4; j++) {
        context.asyncCopyToLocal(
            panels, p * ints + aInts + 4 * thread + j, weights, bFrom + depth * 8 + 2 * j);
      }
      context.asyncCopyCommit();
    }
    int matrix = lane / 8;
    int row16 = lane % 8 + matrix % 2 * 8;
    int chunk = matrix / 2 ^ row16 / 4 % 2;
    int aAt = warp / 2 * (tileRows * 8) + (chunk - matrix / 2) * 16;
    int bAt = 4 * aInts + warp % 2 * 2048;
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
    if (stages > 4) {
      context.asyncCopyWaitGroup(5);
    } else {
      context.asyncCopyWaitGroup(3);
    }
    context.localBarrier();

    HalfFloat[] xa0 = context.mmaLoadA(panels, 16, aAt);
    HalfFloat[] xa1 = tileRows > 64 ? context.mmaLoadA(panels, 16, aAt + 512) : xa0;
    HalfFloat[] xa2 = tileRows > 128 ? context.mmaLoadA(panels, 16, aAt + 1024) : xa0;
    HalfFloat[] xa3 = tileRows > 192 ? context.mmaLoadA(panels, 16, aAt + 1536) : xa0;
    HalfFloat[] xb0 = context.mmaLoadB(panels, 16, bAt);
    HalfFloat[] xb1 = context.mmaLoadB(panels, 16, bAt + 256);
    HalfFloat[] xb2 = context.mmaLoadB(panels, 16, bAt + 512);
    HalfFloat[] xb3 = context.mmaLoadB(panels, 16, bAt + 768);
    HalfFloat[] xb4 = context.mmaLoadB(panels, 16, bAt + 1024);
    HalfFloat[] xb5 = context.mmaLoadB(panels, 16, bAt + 1280);
    HalfFloat[] xb6 = context.mmaLoadB(panels, 16, bAt + 1536);
    HalfFloat[] xb7 = context.mmaLoadB(panels, 16, bAt + 1792);
    for (int p = 0; p < count; p++) {
      if (stages > 4) {
        context.asyncCopyWaitGroup(4);
      } else {
        context.asyncCopyWaitGroup(2);
      }
      context.localBarrier();
      int odd = (2 * p + 1) % stages * (4 * ints);
      HalfFloat[] ya0 = context.mmaLoadA(panels, 16, odd + aAt);
      HalfFloat[] ya1 = tileRows > 64 ? context.mmaLoadA(panels, 16, odd + aAt + 512) : ya0;
      HalfFloat[] ya2 = tileRows > 128 ? context.mmaLoadA(panels, 16, odd + aAt + 1024) : ya0;
      HalfFloat[] ya3 = tileRows > 192 ? context.mmaLoadA(panels, 16, odd + aAt + 1536) : ya0;
      HalfFloat[] yb0 = context.mmaLoadB(panels, 16, odd + bAt);
      HalfFloat[] yb1 = context.mmaLoadB(panels, 16, odd + bAt + 256);
      HalfFloat[] yb2 = context.mmaLoadB(panels, 16, odd + bAt + 512);
      HalfFloat[] yb3 = context.mmaLoadB(panels, 16, odd + bAt + 768);
      HalfFloat[] yb4 = context.mmaLoadB(panels, 16, odd + bAt + 1024);
      HalfFloat[] yb5 = context.mmaLoadB(panels, 16, odd + bAt + 1280);
      HalfFloat[] yb6 = context.mmaLoadB(panels, 16, odd + bAt + 1536);
      HalfFloat[] yb7 = context.mmaLoadB(panels, 16, odd + bAt + 1792);
      int place0 = turn + TornadoMath.min(2 * p + stages, 2 * count - 1);
      int depth0 = (2 * first + (place0 < 2 * count ? place0 : place0 - 2 * count)) * DEPTH;
      int input0 = depth0 + thread % 2 * 8;
      int from0 = aFrom + (inputs % 64 == 0 ? input0 : TornadoMath.min(input0, inputs - 8));
      int to0 = 2 * p % stages * ints;
      for (int i = 0; i < tileRows / 128; i++) {
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              panels, to0 + aTo + i * 1024 + j, x, from0 + i * 128 * inputs + 2 * j);
        }
      }
      if (tileRows % 128 != 0 && thread < 128) {
        int i = tileRows / 128;
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              panels, to0 + aTo + i * 1024 + j, x, from0 + i * 128 * inputs + 2 * j);
        }
      }
      for (int j = 0; j < 4; j++) {
        context.asyncCopyToLocal(
            panels, to0 + aInts + 4 * thread + j, weights, bFrom + depth0 * 8 + 2 * j);
      }
      context.asyncCopyCommit();
      c00 = context.mma(xa0, xb0, c00, MMAShape.M16N8K16);
      c01 = context.mma(xa0, xb1, c01, MMAShape.M16N8K16);
      c02 = context.mma(xa0, xb2, c02, MMAShape.M16N8K16);
      c03 = context.mma(xa0, xb3, c03, MMAShape.M16N8K16);
      c04 = context.mma(xa0, xb4, c04, MMAShape.M16N8K16);
      c05 = context.mma(xa0, xb5, c05, MMAShape.M16N8K16);
      c06 = context.mma(xa0, xb6, c06, MMAShape.M16N8K16);
      c07 = context.mma(xa0, xb7, c07, MMAShape.M16N8K16);
      if (tileRows > 64) {
        c10 = context.mma(xa1, xb0, c10, MMAShape.M16N8K16);
        c11 = context.mma(xa1, xb1, c11, MMAShape.M16N8K16);
        c12 = context.mma(xa1, xb2, c12, MMAShape.M16N8K16);
        c13 = context.mma(xa1, xb3, c13, MMAShape.M16N8K16);
        c14 = context.mma(xa1, xb4, c14, MMAShape.M16N8K16);
        c15 = context.mma(xa1, xb5, c15, MMAShape.M16N8K16);
        c16 = context.mma(xa1, xb6, c16, MMAShape.M16N8K16);
        c17 = context.mma(xa1, xb7, c17, MMAShape.M16N8K16);
      }
      if (tileRows > 128) {
        c20 = context.mma(xa2, xb0, c20, MMAShape.M16N8K16);
        c21 = context.mma(xa2, xb1, c21, MMAShape.M16N8K16);
        c22 = context.mma(xa2, xb2, c22, MMAShape.M16N8K16);
        c23 = context.mma(xa2, xb3, c23, MMAShape.M16N8K16);
        c24 = context.mma(xa2, xb4, c24, MMAShape.M16N8K16);
        c25 = context.mma(xa2, xb5, c25, MMAShape.M16N8K16);
        c26 = context.mma(xa2, xb6, c26, MMAShape.M16N8K16);
        c27 = context.mma(xa2, xb7, c27, MMAShape.M16N8K16);
      }
      if (tileRows > 192) {
        c30 = context.mma(xa3, xb0, c30, MMAShape.M16N8K16);
        c31 = context.mma(xa3, xb1, c31, MMAShape.M16N8K16);
        c32 = context.mma(xa3, xb2, c32, MMAShape.M16N8K16);
        c33 = context.mma(xa3, xb3, c33, MMAShape.M16N8K16);
        c34 = context.mma(xa3, xb4, c34, MMAShape.M16N8K16);
        c35 = context.mma(xa3, xb5, c35, MMAShape.M16N8K16);
        c36 = context.mma(xa3, xb6, c36, MMAShape.M16N8K16);
        c37 = context.mma(xa3, xb7, c37, MMAShape.M16N8K16);
      }
      if (stages > 4) {
        context.asyncCopyWaitGroup(4);
      } else {
        context.asyncCopyWaitGroup(2);
      }
      context.localBarrier();
      int even = (2 * p + 2) % stages * (4 * ints);
      xa0 = context.mmaLoadA(panels, 16, even + aAt);
      xa1 = tileRows > 64 ? context.mmaLoadA(panels, 16, even + aAt + 512) : xa0;
      xa2 = tileRows > 128 ? context.mmaLoadA(panels, 16, even + aAt + 1024) : xa0;
      xa3 = tileRows > 192 ? context.mmaLoadA(panels, 16, even + aAt + 1536) : xa0;
      xb0 = context.mmaLoadB(panels, 16, even + bAt);
      xb1 = context.mmaLoadB(panels, 16, even + bAt + 256);
      xb2 = context.mmaLoadB(panels, 16, even + bAt + 512);
      xb3 = context.mmaLoadB(panels, 16, even + bAt + 768);
      xb4 = context.mmaLoadB(panels, 16, even + bAt + 1024);
      xb5 = context.mmaLoadB(panels, 16, even + bAt + 1280);
      xb6 = context.mmaLoadB(panels, 16, even + bAt + 1536);
      xb7 = context.mmaLoadB(panels, 16, even + bAt + 1792);
      int place1 = turn + TornadoMath.min((2 * p + 1) + stages, 2 * count - 1);
      int depth1 = (2 * first + (place1 < 2 * count ? place1 : place1 - 2 * count)) * DEPTH;
      int input1 = depth1 + thread % 2 * 8;
      int from1 = aFrom + (inputs % 64 == 0 ? input1 : TornadoMath.min(input1, inputs - 8));
      int to1 = (2 * p + 1) % stages * ints;
      for (int i = 0; i < tileRows / 128; i++) {
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              panels, to1 + aTo + i * 1024 + j, x, from1 + i * 128 * inputs + 2 * j);
        }
      }
      if (tileRows % 128 != 0 && thread < 128) {
        int i = tileRows / 128;
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              panels, to1 + aTo + i * 1024 + j, x, from1 + i * 128 * inputs + 2 * j);
        }
      }
      for (int j = 0; j < 4; j++) {
        context.asyncCopyToLocal(
            panels, to1 + aInts + 4 * thread + j, weights, bFrom + depth1 * 8 + 2 * j);
      }
      context.asyncCopyCommit();
      c00 = context.mma(ya0, yb0, c00, MMAShape.M16N8K16);
      c01 = context.mma(ya0, yb1, c01, MMAShape.M16N8K16);
      c02 = context.mma(ya0, yb2, c02, MMAShape.M16N8K16);
      c03 = context.mma(ya0, yb3, c03, MMAShape.M16N8K16);
      c04 = context.mma(ya0, yb4, c04, MMAShape.M16N8K16);
      c05 = context.mma(ya0, yb5, c05, MMAShape.M16N8K16);
      c06 = context.mma(ya0, yb6, c06, MMAShape.M16N8K16);
      c07 = context.mma(ya0, yb7, c07, MMAShape.M16N8K16);
      if (tileRows > 64) {
        c10 = context.mma(ya1, yb0, c10, MMAShape.M16N8K16);
        c11 = context.mma(ya1, yb1, c11, MMAShape.M16N8K16);
        c12 = context.mma(ya1, yb2, c12, MMAShape.M16N8K16);
        c13 = context.mma(ya1, yb3, c13, MMAShape.M16N8K16);
        c14 = context.mma(ya1, yb4, c14, MMAShape.M16N8K16);
        c15 = context.mma(ya1, yb5, c15, MMAShape.M16N8K16);
        c16 = context.mma(ya1, yb6, c16, MMAShape.M16N8K16);
        c17 = context.mma(ya1, yb7, c17, MMAShape.M16N8K16);
      }
      if (tileRows > 128) {
        c20 = context.mma(ya2, yb0, c20, MMAShape.M16N8K16);
        c21 = context.mma(ya2, yb1, c21, MMAShape.M16N8K16);
        c22 = context.mma(ya2, yb2, c22, MMAShape.M16N8K16);
        c23 = context.mma(ya2, yb3, c23, MMAShape.M16N8K16);
        c24 = context.mma(ya2, yb4, c24, MMAShape.M16N8K16);
        c25 = context.mma(ya2, yb5, c25, MMAShape.M16N8K16);
        c26 = context.mma(ya2, yb6, c26, MMAShape.M16N8K16);
        c27 = context.mma(ya2, yb7, c27, MMAShape.M16N8K16);
      }
      if (tileRows > 192) {
        c30 = context.mma(ya3, yb0, c30, MMAShape.M16N8K16);
        c31 = context.mma(ya3, yb1, c31, MMAShape.M16N8K16);
        c32 = context.mma(ya3, yb2, c32, MMAShape.M16N8K16);
        c33 = context.mma(ya3, yb3, c33, MMAShape.M16N8K16);
        c34 = context.mma(ya3, yb4, c34, MMAShape.M16N8K16);
        c35 = context.mma(ya3, yb5, c35, MMAShape.M16N8K16);
        c36 = context.mma(ya3, yb6, c36, MMAShape.M16N8K16);
        c37 = context.mma(ya3, yb7, c37, MMAShape.M16N8K16);
      }
    }
    context.asyncCopyWaitGroup(0);
    int row = firstRow + warp / 2 * (tileRows / 4);
    int column = firstOutput + warp % 2 * 64;
    int store = context.groupIdy * partRows + row;
    if (row < rows) {
      Accumulators.store(
          context, c00, c01, c02, c03, c04, c05, c06, c07, out, store, column, outputs);
    }
    if (tileRows > 64 && row + 16 < rows) {
      Accumulators.store(
          context, c10, c11, c12, c13, c14, c15, c16, c17, out, store + 16, column, outputs);
    }
    if (tileRows > 128 && row + 32 < rows) {
      Accumulators.store(
          context, c20, c21, c22, c23, c24, c25, c26, c27, out, store + 32, column, outputs);
    }
    if (tileRows > 192 && row + 48 < rows) {
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
          tileRows,
          firstOutput,
          TILE_OUTPUTS,
          outputs,
          thread,
          GROUP);
    }
  }

  /** Rows of a tile, where {@code rows} are dealt evenly to as few tiles as hold them. */
  public static int tileRows(int rows) {
    int tiles = (rows + MOST_ROWS - 1) / MOST_ROWS;
    return (rows + tiles * 64 - 1) / (tiles * 64) * 64;
  }

  /**
   * Groups for at most {@code rows} rows, all outputs and splits; those of the same outputs follow
   * one another, so that their weights come from memory once. The reference is MatrixVector's.
   */
  public static WorkerGrid grid(int rows, int outputs, int splits) {
    int tileRows = tileRows(rows);
    int tiles = (rows + tileRows - 1) / tileRows;
    int columns = (outputs + TILE_OUTPUTS - 1) / TILE_OUTPUTS;
    WorkerGrid grid = new WorkerGrid2D(tiles * columns * GROUP, splits);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }
}
