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

/**
 * 33 to 64 rows of activations times a weight matrix of Q8_0, on tensor cores, for inputs that
 * split into whole turns of four panels.
 *
 * <pre>
 *                      64 outputs
 *               ┌ warp 0 ┬ warp 1 ┬ warp 2 ┬ warp 3 ┐   a warp: 32 rows × 16 outputs; it makes halves
 *    64 rows    ├────────┼────────┼────────┼────────┤   of the weights of 8; panels are 64 deep
 *               │ warp 4 │ warp 5 │ warp 6 │ warp 7 │
 *               └────────┴────────┴────────┴────────┘
 *   panels as LeanDeepQ8 has them
 * </pre>
 */
public final class MediumDeepQ8 {
  private MediumDeepQ8() {}

  /** Threads of a group. */
  public static final int GROUP = 256;

  /** Rows of activations that a group handles. */
  public static final int TILE_ROWS = 64;

  /** Outputs that a group handles. */
  public static final int TILE_OUTPUTS = 64;

  private static final int DEPTH = 64;
  private static final int A_INTS = TILE_ROWS * DEPTH / 2;
  private static final int B_INTS = TILE_OUTPUTS * DEPTH / 2;

  /**
   * As {@link SkinnyQuads#multiplyQuads}, with weights of Q8_0.
   *
   * @param quants as {@link QuantTiles} has them
   * @param scales as {@link QuantTiles} has them
   * @param inputs as {@link SkinnyDeepQ8#takes} wants them
   */
  public static void multiplyQuads(
      KernelContext context,
      IntArray counts,
      IntArray quants,
      HalfFloatArray scales,
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
    int[] a = context.allocateIntLocalArray(4 * A_INTS);
    int[] b = context.allocateIntLocalArray(2 * B_INTS);
    int thread = context.localIdx;
    int lane = thread % 32;
    int warp = thread / 32;
    int count = inputs / DEPTH / splits;
    int start = context.groupIdz * count * DEPTH;
    int end = start + (count - 1) * DEPTH;
    int present = TornadoMath.min(rows - firstRow, TILE_ROWS);
    int aRow = thread / 8;
    int aFrom = (firstRow + aRow) * inputs + thread % 8 * 8;
    int aTo = aRow * 32 + (thread % 8 ^ aRow % 8) * 4;
    int block = context.groupIdx * (TILE_OUTPUTS / 8) + warp * 1;
    int qFrom = QuantTiles.START + block * 2 * inputs + lane;
    int sFrom = block * (inputs / 4) + lane % 2 * 4;
    int bTo = warp * 256 + 2 * lane;
    // Rows past the last count as zeros, in all four panels of x.
    for (int i = present * 32 + thread; i < A_INTS; i += GROUP) {
      for (int stage = 0; stage < 4; stage++) {
        a[stage * A_INTS + i] = 0;
      }
    }
    // Ahead of the loop: x of panels 0 to 2 sets out, weights of panel 0 become halves, and those
    // of panels 1 to 4 set out. qPBI holds bytes of panel P of a turn, block B of the warp's
    // outputs and inputs 16 I to 16 I + 15; dPBJ and ePBJ its scales of inputs 32 J to 32 J + 31.
    if (aRow < present) {
      for (int j = 0; j < 4; j++) {
        context.asyncCopyToLocal(a, aTo + j, x, aFrom + start + 2 * j);
      }
    }
    if (aRow + 32 < present) {
      for (int j = 0; j < 4; j++) {
        context.asyncCopyToLocal(a, aTo + 1024 + j, x, aFrom + 32 * inputs + start + 2 * j);
      }
    }
    context.asyncCopyCommit();
    if (aRow < present) {
      for (int j = 0; j < 4; j++) {
        context.asyncCopyToLocal(a, A_INTS + aTo + j, x, aFrom + start + DEPTH + 2 * j);
      }
    }
    if (aRow + 32 < present) {
      for (int j = 0; j < 4; j++) {
        context.asyncCopyToLocal(
            a, A_INTS + aTo + 1024 + j, x, aFrom + 32 * inputs + start + DEPTH + 2 * j);
      }
    }
    context.asyncCopyCommit();
    if (aRow < present) {
      for (int j = 0; j < 4; j++) {
        context.asyncCopyToLocal(a, 2 * A_INTS + aTo + j, x, aFrom + start + 2 * DEPTH + 2 * j);
      }
    }
    if (aRow + 32 < present) {
      for (int j = 0; j < 4; j++) {
        context.asyncCopyToLocal(
            a, 2 * A_INTS + aTo + 1024 + j, x, aFrom + 32 * inputs + start + 2 * DEPTH + 2 * j);
      }
    }
    context.asyncCopyCommit();
    int q000 = quants.get(qFrom + 2 * start);
    int q001 = quants.get(qFrom + 2 * start + 32);
    int q002 = quants.get(qFrom + 2 * start + 64);
    int q003 = quants.get(qFrom + 2 * start + 96);
    Half2 d000 = scales.getHalf2(sFrom + start / 4);
    Half2 e000 = scales.getHalf2(sFrom + start / 4 + 2);
    Half2 d001 = scales.getHalf2(sFrom + start / 4 + 8);
    Half2 e001 = scales.getHalf2(sFrom + start / 4 + 10);
    b[bTo] = QuantTiles.pair(q000 << 24 >> 24, q000 << 16 >> 24, d000);
    b[bTo + 1] = QuantTiles.pair(q000 << 8 >> 24, q000 >> 24, e000);
    b[bTo + 64] = QuantTiles.pair(q001 << 24 >> 24, q001 << 16 >> 24, d000);
    b[bTo + 64 + 1] = QuantTiles.pair(q001 << 8 >> 24, q001 >> 24, e000);
    b[bTo + 128] = QuantTiles.pair(q002 << 24 >> 24, q002 << 16 >> 24, d001);
    b[bTo + 128 + 1] = QuantTiles.pair(q002 << 8 >> 24, q002 >> 24, e001);
    b[bTo + 192] = QuantTiles.pair(q003 << 24 >> 24, q003 << 16 >> 24, d001);
    b[bTo + 192 + 1] = QuantTiles.pair(q003 << 8 >> 24, q003 >> 24, e001);
    int q100 = quants.get(qFrom + 2 * (start + DEPTH));
    int q101 = quants.get(qFrom + 2 * (start + DEPTH) + 32);
    int q102 = quants.get(qFrom + 2 * (start + DEPTH) + 64);
    int q103 = quants.get(qFrom + 2 * (start + DEPTH) + 96);
    Half2 d100 = scales.getHalf2(sFrom + (start + DEPTH) / 4);
    Half2 e100 = scales.getHalf2(sFrom + (start + DEPTH) / 4 + 2);
    Half2 d101 = scales.getHalf2(sFrom + (start + DEPTH) / 4 + 8);
    Half2 e101 = scales.getHalf2(sFrom + (start + DEPTH) / 4 + 10);
    int q200 = quants.get(qFrom + 2 * (start + 2 * DEPTH));
    int q201 = quants.get(qFrom + 2 * (start + 2 * DEPTH) + 32);
    int q202 = quants.get(qFrom + 2 * (start + 2 * DEPTH) + 64);
    int q203 = quants.get(qFrom + 2 * (start + 2 * DEPTH) + 96);
    Half2 d200 = scales.getHalf2(sFrom + (start + 2 * DEPTH) / 4);
    Half2 e200 = scales.getHalf2(sFrom + (start + 2 * DEPTH) / 4 + 2);
    Half2 d201 = scales.getHalf2(sFrom + (start + 2 * DEPTH) / 4 + 8);
    Half2 e201 = scales.getHalf2(sFrom + (start + 2 * DEPTH) / 4 + 10);
    int q300 = quants.get(qFrom + 2 * (start + 3 * DEPTH));
    int q301 = quants.get(qFrom + 2 * (start + 3 * DEPTH) + 32);
    int q302 = quants.get(qFrom + 2 * (start + 3 * DEPTH) + 64);
    int q303 = quants.get(qFrom + 2 * (start + 3 * DEPTH) + 96);
    Half2 d300 = scales.getHalf2(sFrom + (start + 3 * DEPTH) / 4);
    Half2 e300 = scales.getHalf2(sFrom + (start + 3 * DEPTH) / 4 + 2);
    Half2 d301 = scales.getHalf2(sFrom + (start + 3 * DEPTH) / 4 + 8);
    Half2 e301 = scales.getHalf2(sFrom + (start + 3 * DEPTH) / 4 + 10);
    int fifth = TornadoMath.min(start + 4 * DEPTH, end);
    q000 = quants.get(qFrom + 2 * fifth);
    q001 = quants.get(qFrom + 2 * fifth + 32);
    q002 = quants.get(qFrom + 2 * fifth + 64);
    q003 = quants.get(qFrom + 2 * fifth + 96);
    d000 = scales.getHalf2(sFrom + fifth / 4);
    e000 = scales.getHalf2(sFrom + fifth / 4 + 2);
    d001 = scales.getHalf2(sFrom + fifth / 4 + 8);
    e001 = scales.getHalf2(sFrom + fifth / 4 + 10);
    int matrix = lane / 8;
    int row16 = lane % 8 + matrix % 2 * 8;
    int chunk = matrix / 2 ^ lane % 8;
    int aBase = warp / 4 * 4096 + row16 * 128 - (row16 * 32 + matrix / 2 * 16);
    int bBase = warp % 4 * 2048;
    float[] c00 = context.mmaFragment(0.0f);
    float[] c01 = context.mmaFragment(0.0f);
    float[] c10 = context.mmaFragment(0.0f);
    float[] c11 = context.mmaFragment(0.0f);
    for (int p = 0; p < count; p += 4) {
      int depth = start + p * DEPTH;
      // Panel p: x of the panel three ahead sets out, products, then weights of the next.
      context.asyncCopyWaitGroup(2);
      context.localBarrier();
      int next0 = TornadoMath.min(depth + 3 * DEPTH, end);
      if (aRow < present) {
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(a, 3 * A_INTS + aTo + j, x, aFrom + next0 + 2 * j);
        }
      }
      if (aRow + 32 < present) {
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              a, 3 * A_INTS + aTo + 1024 + j, x, aFrom + 32 * inputs + next0 + 2 * j);
        }
      }
      context.asyncCopyCommit();
      for (int step = 0; step < 4; step++) {
        int aAt = aBase + (chunk ^ 2 * step) * 16;
        int bAt = bBase + step * 256;
        HalfFloat[] a0 = context.mmaLoadA(a, 16, aAt);
        HalfFloat[] a1 = context.mmaLoadA(a, 16, aAt + 2048);
        HalfFloat[] b0 = context.mmaLoadB(b, 16, bAt);
        c00 = context.mma(a0, b0, c00, MMAShape.M16N8K16);
        c10 = context.mma(a1, b0, c10, MMAShape.M16N8K16);
        HalfFloat[] b1 = context.mmaLoadB(b, 16, bAt + 1024);
        c01 = context.mma(a0, b1, c01, MMAShape.M16N8K16);
        c11 = context.mma(a1, b1, c11, MMAShape.M16N8K16);
      }
      b[bTo + B_INTS] = QuantTiles.pair(q100 << 24 >> 24, q100 << 16 >> 24, d100);
      b[bTo + B_INTS + 1] = QuantTiles.pair(q100 << 8 >> 24, q100 >> 24, e100);
      b[bTo + B_INTS + 64] = QuantTiles.pair(q101 << 24 >> 24, q101 << 16 >> 24, d100);
      b[bTo + B_INTS + 64 + 1] = QuantTiles.pair(q101 << 8 >> 24, q101 >> 24, e100);
      b[bTo + B_INTS + 128] = QuantTiles.pair(q102 << 24 >> 24, q102 << 16 >> 24, d101);
      b[bTo + B_INTS + 128 + 1] = QuantTiles.pair(q102 << 8 >> 24, q102 >> 24, e101);
      b[bTo + B_INTS + 192] = QuantTiles.pair(q103 << 24 >> 24, q103 << 16 >> 24, d101);
      b[bTo + B_INTS + 192 + 1] = QuantTiles.pair(q103 << 8 >> 24, q103 >> 24, e101);
      int later0 = TornadoMath.min(depth + 5 * DEPTH, end);
      q100 = quants.get(qFrom + 2 * later0);
      q101 = quants.get(qFrom + 2 * later0 + 32);
      q102 = quants.get(qFrom + 2 * later0 + 64);
      q103 = quants.get(qFrom + 2 * later0 + 96);
      d100 = scales.getHalf2(sFrom + later0 / 4);
      e100 = scales.getHalf2(sFrom + later0 / 4 + 2);
      d101 = scales.getHalf2(sFrom + later0 / 4 + 8);
      e101 = scales.getHalf2(sFrom + later0 / 4 + 10);
      // Panel p + 1: x of the panel three ahead sets out, products, then weights of the next.
      context.asyncCopyWaitGroup(2);
      context.localBarrier();
      int next1 = TornadoMath.min(depth + 4 * DEPTH, end);
      if (aRow < present) {
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(a, aTo + j, x, aFrom + next1 + 2 * j);
        }
      }
      if (aRow + 32 < present) {
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(a, aTo + 1024 + j, x, aFrom + 32 * inputs + next1 + 2 * j);
        }
      }
      context.asyncCopyCommit();
      for (int step = 0; step < 4; step++) {
        int aAt = 4 * A_INTS + aBase + (chunk ^ 2 * step) * 16;
        int bAt = 4 * B_INTS + bBase + step * 256;
        HalfFloat[] a0 = context.mmaLoadA(a, 16, aAt);
        HalfFloat[] a1 = context.mmaLoadA(a, 16, aAt + 2048);
        HalfFloat[] b0 = context.mmaLoadB(b, 16, bAt);
        c00 = context.mma(a0, b0, c00, MMAShape.M16N8K16);
        c10 = context.mma(a1, b0, c10, MMAShape.M16N8K16);
        HalfFloat[] b1 = context.mmaLoadB(b, 16, bAt + 1024);
        c01 = context.mma(a0, b1, c01, MMAShape.M16N8K16);
        c11 = context.mma(a1, b1, c11, MMAShape.M16N8K16);
      }
      b[bTo] = QuantTiles.pair(q200 << 24 >> 24, q200 << 16 >> 24, d200);
      b[bTo + 1] = QuantTiles.pair(q200 << 8 >> 24, q200 >> 24, e200);
      b[bTo + 64] = QuantTiles.pair(q201 << 24 >> 24, q201 << 16 >> 24, d200);
      b[bTo + 64 + 1] = QuantTiles.pair(q201 << 8 >> 24, q201 >> 24, e200);
      b[bTo + 128] = QuantTiles.pair(q202 << 24 >> 24, q202 << 16 >> 24, d201);
      b[bTo + 128 + 1] = QuantTiles.pair(q202 << 8 >> 24, q202 >> 24, e201);
      b[bTo + 192] = QuantTiles.pair(q203 << 24 >> 24, q203 << 16 >> 24, d201);
      b[bTo + 192 + 1] = QuantTiles.pair(q203 << 8 >> 24, q203 >> 24, e201);
      int later1 = TornadoMath.min(depth + 6 * DEPTH, end);
      q200 = quants.get(qFrom + 2 * later1);
      q201 = quants.get(qFrom + 2 * later1 + 32);
      q202 = quants.get(qFrom + 2 * later1 + 64);
      q203 = quants.get(qFrom + 2 * later1 + 96);
      d200 = scales.getHalf2(sFrom + later1 / 4);
      e200 = scales.getHalf2(sFrom + later1 / 4 + 2);
      d201 = scales.getHalf2(sFrom + later1 / 4 + 8);
      e201 = scales.getHalf2(sFrom + later1 / 4 + 10);
      // Panel p + 2: x of the panel three ahead sets out, products, then weights of the next.
      context.asyncCopyWaitGroup(2);
      context.localBarrier();
      int next2 = TornadoMath.min(depth + 5 * DEPTH, end);
      if (aRow < present) {
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(a, A_INTS + aTo + j, x, aFrom + next2 + 2 * j);
        }
      }
      if (aRow + 32 < present) {
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              a, A_INTS + aTo + 1024 + j, x, aFrom + 32 * inputs + next2 + 2 * j);
        }
      }
      context.asyncCopyCommit();
      for (int step = 0; step < 4; step++) {
        int aAt = 2 * (4 * A_INTS) + aBase + (chunk ^ 2 * step) * 16;
        int bAt = bBase + step * 256;
        HalfFloat[] a0 = context.mmaLoadA(a, 16, aAt);
        HalfFloat[] a1 = context.mmaLoadA(a, 16, aAt + 2048);
        HalfFloat[] b0 = context.mmaLoadB(b, 16, bAt);
        c00 = context.mma(a0, b0, c00, MMAShape.M16N8K16);
        c10 = context.mma(a1, b0, c10, MMAShape.M16N8K16);
        HalfFloat[] b1 = context.mmaLoadB(b, 16, bAt + 1024);
        c01 = context.mma(a0, b1, c01, MMAShape.M16N8K16);
        c11 = context.mma(a1, b1, c11, MMAShape.M16N8K16);
      }
      b[bTo + B_INTS] = QuantTiles.pair(q300 << 24 >> 24, q300 << 16 >> 24, d300);
      b[bTo + B_INTS + 1] = QuantTiles.pair(q300 << 8 >> 24, q300 >> 24, e300);
      b[bTo + B_INTS + 64] = QuantTiles.pair(q301 << 24 >> 24, q301 << 16 >> 24, d300);
      b[bTo + B_INTS + 64 + 1] = QuantTiles.pair(q301 << 8 >> 24, q301 >> 24, e300);
      b[bTo + B_INTS + 128] = QuantTiles.pair(q302 << 24 >> 24, q302 << 16 >> 24, d301);
      b[bTo + B_INTS + 128 + 1] = QuantTiles.pair(q302 << 8 >> 24, q302 >> 24, e301);
      b[bTo + B_INTS + 192] = QuantTiles.pair(q303 << 24 >> 24, q303 << 16 >> 24, d301);
      b[bTo + B_INTS + 192 + 1] = QuantTiles.pair(q303 << 8 >> 24, q303 >> 24, e301);
      int later2 = TornadoMath.min(depth + 7 * DEPTH, end);
      q300 = quants.get(qFrom + 2 * later2);
      q301 = quants.get(qFrom + 2 * later2 + 32);
      q302 = quants.get(qFrom + 2 * later2 + 64);
      q303 = quants.get(qFrom + 2 * later2 + 96);
      d300 = scales.getHalf2(sFrom + later2 / 4);
      e300 = scales.getHalf2(sFrom + later2 / 4 + 2);
      d301 = scales.getHalf2(sFrom + later2 / 4 + 8);
      e301 = scales.getHalf2(sFrom + later2 / 4 + 10);
      // Panel p + 3: x of the panel three ahead sets out, products, then weights of the next.
      context.asyncCopyWaitGroup(2);
      context.localBarrier();
      int next3 = TornadoMath.min(depth + 6 * DEPTH, end);
      if (aRow < present) {
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(a, 2 * A_INTS + aTo + j, x, aFrom + next3 + 2 * j);
        }
      }
      if (aRow + 32 < present) {
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(
              a, 2 * A_INTS + aTo + 1024 + j, x, aFrom + 32 * inputs + next3 + 2 * j);
        }
      }
      context.asyncCopyCommit();
      for (int step = 0; step < 4; step++) {
        int aAt = 3 * (4 * A_INTS) + aBase + (chunk ^ 2 * step) * 16;
        int bAt = 4 * B_INTS + bBase + step * 256;
        HalfFloat[] a0 = context.mmaLoadA(a, 16, aAt);
        HalfFloat[] a1 = context.mmaLoadA(a, 16, aAt + 2048);
        HalfFloat[] b0 = context.mmaLoadB(b, 16, bAt);
        c00 = context.mma(a0, b0, c00, MMAShape.M16N8K16);
        c10 = context.mma(a1, b0, c10, MMAShape.M16N8K16);
        HalfFloat[] b1 = context.mmaLoadB(b, 16, bAt + 1024);
        c01 = context.mma(a0, b1, c01, MMAShape.M16N8K16);
        c11 = context.mma(a1, b1, c11, MMAShape.M16N8K16);
      }
      b[bTo] = QuantTiles.pair(q000 << 24 >> 24, q000 << 16 >> 24, d000);
      b[bTo + 1] = QuantTiles.pair(q000 << 8 >> 24, q000 >> 24, e000);
      b[bTo + 64] = QuantTiles.pair(q001 << 24 >> 24, q001 << 16 >> 24, d000);
      b[bTo + 64 + 1] = QuantTiles.pair(q001 << 8 >> 24, q001 >> 24, e000);
      b[bTo + 128] = QuantTiles.pair(q002 << 24 >> 24, q002 << 16 >> 24, d001);
      b[bTo + 128 + 1] = QuantTiles.pair(q002 << 8 >> 24, q002 >> 24, e001);
      b[bTo + 192] = QuantTiles.pair(q003 << 24 >> 24, q003 << 16 >> 24, d001);
      b[bTo + 192 + 1] = QuantTiles.pair(q003 << 8 >> 24, q003 >> 24, e001);
      int later3 = TornadoMath.min(depth + 8 * DEPTH, end);
      q000 = quants.get(qFrom + 2 * later3);
      q001 = quants.get(qFrom + 2 * later3 + 32);
      q002 = quants.get(qFrom + 2 * later3 + 64);
      q003 = quants.get(qFrom + 2 * later3 + 96);
      d000 = scales.getHalf2(sFrom + later3 / 4);
      e000 = scales.getHalf2(sFrom + later3 / 4 + 2);
      d001 = scales.getHalf2(sFrom + later3 / 4 + 8);
      e001 = scales.getHalf2(sFrom + later3 / 4 + 10);
    }
    context.asyncCopyWaitGroup(0);
    // What the warp has becomes a part of the result.
    int row = firstRow + warp / 4 * 32;
    int column = context.groupIdx * TILE_OUTPUTS + warp % 4 * 16;
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
