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
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/** 32 rows × 64 outputs a group, 5 panels 64 deep, 1 × 4 warps. */
public final class Rows32x64D64S5W1x4L {
  private Rows32x64D64S5W1x4L() {}

  private static final int GROUP = 128;
  private static final int TILE_ROWS = 32;
  private static final int TILE_OUTPUTS = 64;
  private static final int DEPTH = 64;
  private static final int STAGES = 5;
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
    int[] a = context.allocateIntLocalArray(2 * A_INTS);
    int[] b = context.allocateIntLocalArray(STAGES * B_INTS);
    int thread = context.localIdx;
    int lane = thread % 32;
    int warp = thread / 32;
    int padded = (inputs + 63) / 64 * 64;
    int panels = padded / DEPTH;
    int panel = context.groupIdz * panels / splits;
    int count = (context.groupIdz + 1) * panels / splits - panel;
    int present = TornadoMath.min(rows - firstRow, TILE_ROWS);
    int tile = context.groupIdx * TILE_OUTPUTS + thread / 64 * 8;
    int bFrom = WeightTiles.START + tile * padded + thread % 64 * 8;
    int aRow = thread / 32;
    for (int p = 0; p < 4; p++) {
      int depth = (panel + TornadoMath.min(p, count - 1)) * DEPTH;
      for (int i = 0; i < 4; i++) {
        int block = bFrom + depth * 8 + i * 16 * padded;
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              b, p * B_INTS + 4 * thread + i * 512 + j, weights, block + 2 * j);
        }
      }
      context.asyncCopyCommit();
    }
    int to0 = (aRow + 0) * 32 + (thread % 32 / 4 ^ (aRow + 0) % 8) * 4 + thread % 4;
    int to1 = (aRow + 4) * 32 + (thread % 32 / 4 ^ (aRow + 4) % 8) * 4 + thread % 4;
    int to2 = (aRow + 8) * 32 + (thread % 32 / 4 ^ (aRow + 8) % 8) * 4 + thread % 4;
    int to3 = (aRow + 12) * 32 + (thread % 32 / 4 ^ (aRow + 12) % 8) * 4 + thread % 4;
    int to4 = (aRow + 16) * 32 + (thread % 32 / 4 ^ (aRow + 16) % 8) * 4 + thread % 4;
    int to5 = (aRow + 20) * 32 + (thread % 32 / 4 ^ (aRow + 20) % 8) * 4 + thread % 4;
    int to6 = (aRow + 24) * 32 + (thread % 32 / 4 ^ (aRow + 24) % 8) * 4 + thread % 4;
    int to7 = (aRow + 28) * 32 + (thread % 32 / 4 ^ (aRow + 28) % 8) * 4 + thread % 4;
    int input = panel * DEPTH + thread % 32 * 2;
    input = inputs % 64 == 0 ? input : TornadoMath.min(input, inputs - 2);
    int at0 = (firstRow + TornadoMath.min(thread / 32 + 0, present - 1)) * inputs + input;
    int l0 = x.get(at0).getHalfFloatValue();
    int h0 = x.get(at0 + 1).getHalfFloatValue();
    int at1 = (firstRow + TornadoMath.min(thread / 32 + 4, present - 1)) * inputs + input;
    int l1 = x.get(at1).getHalfFloatValue();
    int h1 = x.get(at1 + 1).getHalfFloatValue();
    int at2 = (firstRow + TornadoMath.min(thread / 32 + 8, present - 1)) * inputs + input;
    int l2 = x.get(at2).getHalfFloatValue();
    int h2 = x.get(at2 + 1).getHalfFloatValue();
    int at3 = (firstRow + TornadoMath.min(thread / 32 + 12, present - 1)) * inputs + input;
    int l3 = x.get(at3).getHalfFloatValue();
    int h3 = x.get(at3 + 1).getHalfFloatValue();
    int at4 = (firstRow + TornadoMath.min(thread / 32 + 16, present - 1)) * inputs + input;
    int l4 = x.get(at4).getHalfFloatValue();
    int h4 = x.get(at4 + 1).getHalfFloatValue();
    int at5 = (firstRow + TornadoMath.min(thread / 32 + 20, present - 1)) * inputs + input;
    int l5 = x.get(at5).getHalfFloatValue();
    int h5 = x.get(at5 + 1).getHalfFloatValue();
    int at6 = (firstRow + TornadoMath.min(thread / 32 + 24, present - 1)) * inputs + input;
    int l6 = x.get(at6).getHalfFloatValue();
    int h6 = x.get(at6 + 1).getHalfFloatValue();
    int at7 = (firstRow + TornadoMath.min(thread / 32 + 28, present - 1)) * inputs + input;
    int l7 = x.get(at7).getHalfFloatValue();
    int h7 = x.get(at7 + 1).getHalfFloatValue();
    a[0 * A_INTS + to0] = (l0 & 0xFFFF) | h0 << 16;
    a[0 * A_INTS + to1] = (l1 & 0xFFFF) | h1 << 16;
    a[0 * A_INTS + to2] = (l2 & 0xFFFF) | h2 << 16;
    a[0 * A_INTS + to3] = (l3 & 0xFFFF) | h3 << 16;
    a[0 * A_INTS + to4] = (l4 & 0xFFFF) | h4 << 16;
    a[0 * A_INTS + to5] = (l5 & 0xFFFF) | h5 << 16;
    a[0 * A_INTS + to6] = (l6 & 0xFFFF) | h6 << 16;
    a[0 * A_INTS + to7] = (l7 & 0xFFFF) | h7 << 16;
    input = (panel + TornadoMath.min(1, count - 1)) * DEPTH + thread % 32 * 2;
    input = inputs % 64 == 0 ? input : TornadoMath.min(input, inputs - 2);
    at0 = (firstRow + TornadoMath.min(thread / 32 + 0, present - 1)) * inputs + input;
    l0 = x.get(at0).getHalfFloatValue();
    h0 = x.get(at0 + 1).getHalfFloatValue();
    at1 = (firstRow + TornadoMath.min(thread / 32 + 4, present - 1)) * inputs + input;
    l1 = x.get(at1).getHalfFloatValue();
    h1 = x.get(at1 + 1).getHalfFloatValue();
    at2 = (firstRow + TornadoMath.min(thread / 32 + 8, present - 1)) * inputs + input;
    l2 = x.get(at2).getHalfFloatValue();
    h2 = x.get(at2 + 1).getHalfFloatValue();
    at3 = (firstRow + TornadoMath.min(thread / 32 + 12, present - 1)) * inputs + input;
    l3 = x.get(at3).getHalfFloatValue();
    h3 = x.get(at3 + 1).getHalfFloatValue();
    at4 = (firstRow + TornadoMath.min(thread / 32 + 16, present - 1)) * inputs + input;
    l4 = x.get(at4).getHalfFloatValue();
    h4 = x.get(at4 + 1).getHalfFloatValue();
    at5 = (firstRow + TornadoMath.min(thread / 32 + 20, present - 1)) * inputs + input;
    l5 = x.get(at5).getHalfFloatValue();
    h5 = x.get(at5 + 1).getHalfFloatValue();
    at6 = (firstRow + TornadoMath.min(thread / 32 + 24, present - 1)) * inputs + input;
    l6 = x.get(at6).getHalfFloatValue();
    h6 = x.get(at6 + 1).getHalfFloatValue();
    at7 = (firstRow + TornadoMath.min(thread / 32 + 28, present - 1)) * inputs + input;
    l7 = x.get(at7).getHalfFloatValue();
    h7 = x.get(at7 + 1).getHalfFloatValue();
    int matrix = lane / 8;
    int row16 = lane % 8 + matrix % 2 * 8;
    int chunk = matrix / 2 ^ lane % 8;
    int aBase = row16 * 128 - (row16 * 32 + matrix / 2 * 16);
    int bBase = warp * 2048;
    float[] c00 = context.mmaFragment(0.0f);
    float[] c01 = context.mmaFragment(0.0f);
    float[] c10 = context.mmaFragment(0.0f);
    float[] c11 = context.mmaFragment(0.0f);
    for (int p = 0; p < count; p++) {
      context.asyncCopyWaitGroup(3);
      context.localBarrier();
      int depth = (panel + TornadoMath.min(p + 4, count - 1)) * DEPTH;
      int to = (p + 4) % STAGES;
      for (int i = 0; i < 4; i++) {
        int block = bFrom + depth * 8 + i * 16 * padded;
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              b, to * B_INTS + 4 * thread + i * 512 + j, weights, block + 2 * j);
        }
      }
      context.asyncCopyCommit();
      a[(p + 1) % 2 * A_INTS + to0] = (l0 & 0xFFFF) | h0 << 16;
      a[(p + 1) % 2 * A_INTS + to1] = (l1 & 0xFFFF) | h1 << 16;
      a[(p + 1) % 2 * A_INTS + to2] = (l2 & 0xFFFF) | h2 << 16;
      a[(p + 1) % 2 * A_INTS + to3] = (l3 & 0xFFFF) | h3 << 16;
      a[(p + 1) % 2 * A_INTS + to4] = (l4 & 0xFFFF) | h4 << 16;
      a[(p + 1) % 2 * A_INTS + to5] = (l5 & 0xFFFF) | h5 << 16;
      a[(p + 1) % 2 * A_INTS + to6] = (l6 & 0xFFFF) | h6 << 16;
      a[(p + 1) % 2 * A_INTS + to7] = (l7 & 0xFFFF) | h7 << 16;
      input = (panel + TornadoMath.min(p + 2, count - 1)) * DEPTH + thread % 32 * 2;
      input = inputs % 64 == 0 ? input : TornadoMath.min(input, inputs - 2);
      at0 = (firstRow + TornadoMath.min(thread / 32 + 0, present - 1)) * inputs + input;
      l0 = x.get(at0).getHalfFloatValue();
      h0 = x.get(at0 + 1).getHalfFloatValue();
      at1 = (firstRow + TornadoMath.min(thread / 32 + 4, present - 1)) * inputs + input;
      l1 = x.get(at1).getHalfFloatValue();
      h1 = x.get(at1 + 1).getHalfFloatValue();
      at2 = (firstRow + TornadoMath.min(thread / 32 + 8, present - 1)) * inputs + input;
      l2 = x.get(at2).getHalfFloatValue();
      h2 = x.get(at2 + 1).getHalfFloatValue();
      at3 = (firstRow + TornadoMath.min(thread / 32 + 12, present - 1)) * inputs + input;
      l3 = x.get(at3).getHalfFloatValue();
      h3 = x.get(at3 + 1).getHalfFloatValue();
      at4 = (firstRow + TornadoMath.min(thread / 32 + 16, present - 1)) * inputs + input;
      l4 = x.get(at4).getHalfFloatValue();
      h4 = x.get(at4 + 1).getHalfFloatValue();
      at5 = (firstRow + TornadoMath.min(thread / 32 + 20, present - 1)) * inputs + input;
      l5 = x.get(at5).getHalfFloatValue();
      h5 = x.get(at5 + 1).getHalfFloatValue();
      at6 = (firstRow + TornadoMath.min(thread / 32 + 24, present - 1)) * inputs + input;
      l6 = x.get(at6).getHalfFloatValue();
      h6 = x.get(at6 + 1).getHalfFloatValue();
      at7 = (firstRow + TornadoMath.min(thread / 32 + 28, present - 1)) * inputs + input;
      l7 = x.get(at7).getHalfFloatValue();
      h7 = x.get(at7 + 1).getHalfFloatValue();
      for (int step = 0; step < 4; step++) {
        int aAt = p % 2 * (4 * A_INTS) + aBase + (chunk ^ 2 * step) * 16;
        int bAt = p % STAGES * (4 * B_INTS) + bBase + step * 256;
        HalfFloat[] a0 = context.mmaLoadA(a, 16, aAt);
        HalfFloat[] a1 = context.mmaLoadA(a, 16, aAt + 2048);
        HalfFloat[] b0 = context.mmaLoadB(b, 16, bAt);
        c00 = context.mma(a0, b0, c00, MMAShape.M16N8K16);
        c10 = context.mma(a1, b0, c10, MMAShape.M16N8K16);
        HalfFloat[] b1 = context.mmaLoadB(b, 16, bAt + 1024);
        c01 = context.mma(a0, b1, c01, MMAShape.M16N8K16);
        c11 = context.mma(a1, b1, c11, MMAShape.M16N8K16);
      }
    }
    context.asyncCopyWaitGroup(0);
    int row = firstRow;
    int column = context.groupIdx * TILE_OUTPUTS + warp * 16;
    int store = context.groupIdz * partRows + row;
    if (row < rows) {
      if (column < outputs) {
        context.mmaStore(c00, out, store, column, outputs);
      }
      if (column + 8 < outputs) {
        context.mmaStore(c01, out, store, column + 8, outputs);
      }
    }
    if (row + 16 < rows) {
      if (column < outputs) {
        context.mmaStore(c10, out, store + 16, column, outputs);
      }
      if (column + 8 < outputs) {
        context.mmaStore(c11, out, store + 16, column + 8, outputs);
      }
    }
    if (activation != Activations.NONE) {
      context.localBarrier();
      for (int i = thread; i < TILE_ROWS * TILE_OUTPUTS / 4; i += GROUP) {
        int r = firstRow + i / (TILE_OUTPUTS / 4);
        int j = i % (TILE_OUTPUTS / 4) * 2;
        int gate = context.groupIdx * TILE_OUTPUTS + j / 8 * 16 + j % 8;
        if (r < rows && gate < outputs) {
          int at = r * outputs + gate;
          float left = Activations.apply(activation, out.get(at), out.get(at + 8));
          float right = Activations.apply(activation, out.get(at + 1), out.get(at + 9));
          gated.setHalf2(
              r * (outputs / 2) + context.groupIdx * (TILE_OUTPUTS / 2) + j,
              Half2.fromFloats(left, right));
        }
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
