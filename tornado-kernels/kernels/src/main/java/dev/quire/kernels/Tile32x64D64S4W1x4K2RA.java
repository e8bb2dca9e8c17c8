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

/** 32 rows × 64 outputs a group, 4 panels 64 deep, 1 × 4 × 2 warps. */
public final class Tile32x64D64S4W1x4K2RA {
  private Tile32x64D64S4W1x4K2RA() {}

  private static final int GROUP = 256;
  private static final int TILE_ROWS = 32;
  private static final int TILE_OUTPUTS = 64;
  private static final int DEPTH = 64;
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
    int aRow = thread / 8;
    int aFrom = (firstRow + aRow) * inputs;
    int aTo = aRow * 32 + (thread % 8 ^ aRow % 8) * 4;
    int tile = context.groupIdx * TILE_OUTPUTS + thread / 64 * 8;
    int bFrom = WeightTiles.START + tile * padded + thread % 64 * 8;
    for (int p = 0; p < 3; p++) {
      int place = turned + TornadoMath.min(p, count - 1);
      int depth = (panel + (place < count ? place : place - count)) * DEPTH;
      int input = depth + thread % 8 * 8;
      int from = aFrom + (inputs % 64 == 0 ? input : TornadoMath.min(input, inputs - 8));
      for (int i = 0; i < 1; i++) {
        int row = from + i * 32 * inputs;
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(a, p * A_INTS + aTo + i * 1024 + j, x, row + 2 * j);
        }
      }
      for (int i = 0; i < 2; i++) {
        int block = bFrom + depth * 8 + i * 32 * padded;
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              b, p * B_INTS + 4 * thread + i * 1024 + j, weights, block + 2 * j);
        }
      }
      context.asyncCopyCommit();
    }
    int half = warp / 4;
    int matrix = lane / 8;
    int row16 = lane % 8 + matrix % 2 * 8;
    int chunk = matrix / 2 ^ lane % 8;
    int aBase = row16 * 128 - (row16 * 32 + matrix / 2 * 16);
    int bBase = warp % 4 * 2048;
    float[] c00 = context.mmaFragment(0.0f);
    float[] c01 = context.mmaFragment(0.0f);
    float[] c10 = context.mmaFragment(0.0f);
    float[] c11 = context.mmaFragment(0.0f);
    for (int p = 0; p < count; p++) {
      context.asyncCopyWaitGroup(2);
      context.localBarrier();
      int aAtx0 = p % STAGES * (4 * A_INTS) + aBase + (chunk ^ 2 * (0 + half * 2)) * 16;
      int bAtx0 = p % STAGES * (4 * B_INTS) + bBase + (0 + half * 2) * 256;
      HalfFloat[] a0x0 = context.mmaLoadA(a, 16, aAtx0);
      HalfFloat[] a1x0 = context.mmaLoadA(a, 16, aAtx0 + 2048);
      HalfFloat[] b0x0 = context.mmaLoadB(b, 16, bAtx0);
      HalfFloat[] b1x0 = context.mmaLoadB(b, 16, bAtx0 + 1024);
      int aAtx1 = p % STAGES * (4 * A_INTS) + aBase + (chunk ^ 2 * (1 + half * 2)) * 16;
      int bAtx1 = p % STAGES * (4 * B_INTS) + bBase + (1 + half * 2) * 256;
      HalfFloat[] a0x1 = context.mmaLoadA(a, 16, aAtx1);
      HalfFloat[] a1x1 = context.mmaLoadA(a, 16, aAtx1 + 2048);
      HalfFloat[] b0x1 = context.mmaLoadB(b, 16, bAtx1);
      HalfFloat[] b1x1 = context.mmaLoadB(b, 16, bAtx1 + 1024);
      int place = turned + TornadoMath.min(p + 3, count - 1);
      int depth = (panel + (place < count ? place : place - count)) * DEPTH;
      int to = (p + 3) % STAGES;
      int input = depth + thread % 8 * 8;
      int from = aFrom + (inputs % 64 == 0 ? input : TornadoMath.min(input, inputs - 8));
      for (int i = 0; i < 1; i++) {
        int row = from + i * 32 * inputs;
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(a, to * A_INTS + aTo + i * 1024 + j, x, row + 2 * j);
        }
      }
      for (int i = 0; i < 2; i++) {
        int block = bFrom + depth * 8 + i * 32 * padded;
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              b, to * B_INTS + 4 * thread + i * 1024 + j, weights, block + 2 * j);
        }
      }
      context.asyncCopyCommit();
      c00 = context.mma(a0x0, b0x0, c00, MMAShape.M16N8K16);
      c10 = context.mma(a1x0, b0x0, c10, MMAShape.M16N8K16);
      c01 = context.mma(a0x0, b1x0, c01, MMAShape.M16N8K16);
      c11 = context.mma(a1x0, b1x0, c11, MMAShape.M16N8K16);
      c00 = context.mma(a0x1, b0x1, c00, MMAShape.M16N8K16);
      c10 = context.mma(a1x1, b0x1, c10, MMAShape.M16N8K16);
      c01 = context.mma(a0x1, b1x1, c01, MMAShape.M16N8K16);
      c11 = context.mma(a1x1, b1x1, c11, MMAShape.M16N8K16);
    }
    context.asyncCopyWaitGroup(0);
    int row = firstRow;
    int column = context.groupIdx * TILE_OUTPUTS + warp % 4 * 16;
    int store = (context.groupIdz * 2 + half) * partRows + row;
    if (row + 0 < rows) {
      if (column + 0 < outputs) {
        context.mmaStore(c00, out, store + 0, column + 0, outputs);
      }
      if (column + 8 < outputs) {
        context.mmaStore(c01, out, store + 0, column + 8, outputs);
      }
    }
    if (row + 16 < rows) {
      if (column + 0 < outputs) {
        context.mmaStore(c10, out, store + 16, column + 0, outputs);
      }
      if (column + 8 < outputs) {
        context.mmaStore(c11, out, store + 16, column + 8, outputs);
      }
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
