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

/** 32 rows × 128 outputs a group, 4 panels 32 deep, 1 × 4 × 1 warps. */
public final class Tile32x128D32S4W1x4R {
  private Tile32x128D32S4W1x4R() {}

  private static final int GROUP = 128;
  private static final int TILE_ROWS = 32;
  private static final int TILE_OUTPUTS = 128;
  private static final int DEPTH = 32;
  private static final int STAGES = 4;
  private static final int A_INTS = TILE_ROWS * DEPTH / 2;
  private static final int B_INTS = TILE_OUTPUTS * DEPTH / 2;

  /** As SkinnyQuads. */
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
    int turned = context.groupIdx % count;
    int aRow = thread / 4;
    int aFrom = (firstRow + aRow) * inputs;
    int aTo = aRow * 16 + (thread % 4 ^ aRow / 2 % 4) * 4;
    int tile = context.groupIdx * TILE_OUTPUTS + thread / 32 * 8;
    int bFrom = WeightTiles.START + tile * padded + thread % 32 * 8;
    for (int p = 0; p < 3; p++) {
      int place = turned + TornadoMath.min(p, count - 1);
      int depth = (panel + (place < count ? place : place - count)) * DEPTH;
      int input = depth + thread % 4 * 8;
      int from = aFrom + (inputs % 64 == 0 ? input : TornadoMath.min(input, inputs - 8));
      for (int i = 0; i < 1; i++) {
        int row = from + i * 32 * inputs;
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(a, p * A_INTS + aTo + i * 512 + j, x, row + 2 * j);
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
      context.asyncCopyWaitGroup(2);
      context.localBarrier();
      int place = turned + TornadoMath.min(p + 3, count - 1);
      int depth = (panel + (place < count ? place : place - count)) * DEPTH;
      int to = (p + 3) % STAGES;
      int input = depth + thread % 4 * 8;
      int from = aFrom + (inputs % 64 == 0 ? input : TornadoMath.min(input, inputs - 8));
      for (int i = 0; i < 1; i++) {
        int row = from + i * 32 * inputs;
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(a, to * A_INTS + aTo + i * 512 + j, x, row + 2 * j);
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
        int aAt = p % STAGES * (4 * A_INTS) + aBase + (chunk ^ 2 * step) * 16;
        int bAt = p % STAGES * (4 * B_INTS) + bBase + step * 256;
        HalfFloat[] a0 = context.mmaLoadA(a, 16, aAt);
        HalfFloat[] a1 = context.mmaLoadA(a, 16, aAt + 1024);
        HalfFloat[] b0 = context.mmaLoadB(b, 16, bAt);
        c00 = context.mma(a0, b0, c00, MMAShape.M16N8K16);
        c10 = context.mma(a1, b0, c10, MMAShape.M16N8K16);
        HalfFloat[] b1 = context.mmaLoadB(b, 16, bAt + 512);
        c01 = context.mma(a0, b1, c01, MMAShape.M16N8K16);
        c11 = context.mma(a1, b1, c11, MMAShape.M16N8K16);
        HalfFloat[] b2 = context.mmaLoadB(b, 16, bAt + 1024);
        c02 = context.mma(a0, b2, c02, MMAShape.M16N8K16);
        c12 = context.mma(a1, b2, c12, MMAShape.M16N8K16);
        HalfFloat[] b3 = context.mmaLoadB(b, 16, bAt + 1536);
        c03 = context.mma(a0, b3, c03, MMAShape.M16N8K16);
        c13 = context.mma(a1, b3, c13, MMAShape.M16N8K16);
      }
    }
    context.asyncCopyWaitGroup(0);
    int row = firstRow;
    int column = context.groupIdx * TILE_OUTPUTS + warp * 32;
    int store = context.groupIdz * partRows + row;
    if (row + 0 < rows) {
      if (column + 0 < outputs) {
        context.mmaStore(c00, out, store + 0, column + 0, outputs);
      }
      if (column + 8 < outputs) {
        context.mmaStore(c01, out, store + 0, column + 8, outputs);
      }
      if (column + 16 < outputs) {
        context.mmaStore(c02, out, store + 0, column + 16, outputs);
      }
      if (column + 24 < outputs) {
        context.mmaStore(c03, out, store + 0, column + 24, outputs);
      }
    }
    if (row + 16 < rows) {
      if (column + 0 < outputs) {
        context.mmaStore(c10, out, store + 16, column + 0, outputs);
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

  /** Groups for at most so many rows, all outputs and splits. */
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
