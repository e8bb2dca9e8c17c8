package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * 17 rows and more of activations times a weight matrix in Q8_0, on tensor cores; tiles as {@link
 * TiledQuads} has them.
 *
 * <pre>
 *   panel p      products of A and B in local memory; then
 *   panel p + 1  its quants and scales, out of registers, become halves in the other B
 *   panel p + 2  its activations are on their way to the third A, its quants and scales to registers
 *   panel p + 3  its quants and scales set out: three panels of them are under way
 * </pre>
 */
public final class TiledProductQ8 {
  private TiledProductQ8() {}

  /** Threads of a group: four warps. */
  public static final int GROUP = TiledQuads.GROUP;

  /** Rows of activations that a group handles. */
  public static final int TILE_ROWS = TiledQuads.TILE_ROWS;

  /** Outputs that a group handles. */
  public static final int TILE_OUTPUTS = TiledQuads.TILE_OUTPUTS;

  private static final int DEPTH = 64;
  private static final int A_INTS = TILE_ROWS * DEPTH / 2;
  private static final int B_INTS = TILE_OUTPUTS * DEPTH / 2;

  /**
   * As {@link TiledQuads#multiplyQuads}, with weights in Q8_0.
   *
   * @param quants as {@link QuantTiles} has them
   * @param scales as {@link QuantTiles} has them
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
    int[] a = context.allocateIntLocalArray(3 * A_INTS);
    int[] b = context.allocateIntLocalArray(2 * B_INTS);
    int thread = context.localIdx;
    int lane = thread % 32;
    int warp = thread / 32;
    int padded = (inputs + 63) / 64 * 64;
    int panels = padded / DEPTH;
    int panel = context.groupIdz * panels / splits;
    int count = (context.groupIdz + 1) * panels / splits - panel;
    int aFrom = (firstRow + thread / 8) * inputs;
    int aTo = thread / 8 * 32 + (thread % 8 ^ thread / 8 % 8) * 4;
    int block = context.groupIdx * (TILE_OUTPUTS / 8) + warp;
    int qFrom = QuantTiles.START + block * 2 * padded + lane;
    int sFrom = block * (padded / 4) + lane % 2 * 4;
    int bTo = warp * 256 + 2 * lane;
    for (int p = 0; p < 2; p++) {
      int depth = (panel + TornadoMath.min(p, count - 1)) * DEPTH;
      int input = depth + thread % 8 * 8;
      int from = aFrom + (inputs % 64 == 0 ? input : TornadoMath.min(input, inputs - 8));
      for (int i = 0; i < 4; i++) {
        int row = from + i * 16 * inputs;
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(a, p * A_INTS + aTo + i * 512 + j, x, row + 2 * j);
        }
      }
      context.asyncCopyCommit();
    }
    int start = panel * DEPTH;
    int q00 = quants.get(qFrom + 2 * start);
    int q01 = quants.get(qFrom + 2 * start + 32);
    int q02 = quants.get(qFrom + 2 * start + 64);
    int q03 = quants.get(qFrom + 2 * start + 96);
    Half2 d00 = scales.getHalf2(sFrom + start / 4);
    Half2 e00 = scales.getHalf2(sFrom + start / 4 + 2);
    Half2 d01 = scales.getHalf2(sFrom + start / 4 + 8);
    Half2 e01 = scales.getHalf2(sFrom + start / 4 + 10);
    b[bTo] = QuantTiles.pair(q00 << 24 >> 24, q00 << 16 >> 24, d00);
    b[bTo + 1] = QuantTiles.pair(q00 << 8 >> 24, q00 >> 24, e00);
    b[bTo + 64] = QuantTiles.pair(q01 << 24 >> 24, q01 << 16 >> 24, d00);
    b[bTo + 64 + 1] = QuantTiles.pair(q01 << 8 >> 24, q01 >> 24, e00);
    b[bTo + 128] = QuantTiles.pair(q02 << 24 >> 24, q02 << 16 >> 24, d01);
    b[bTo + 128 + 1] = QuantTiles.pair(q02 << 8 >> 24, q02 >> 24, e01);
    b[bTo + 192] = QuantTiles.pair(q03 << 24 >> 24, q03 << 16 >> 24, d01);
    b[bTo + 192 + 1] = QuantTiles.pair(q03 << 8 >> 24, q03 >> 24, e01);
    int q10 = quants.get(qFrom + 2 * start + 8 * padded);
    int q11 = quants.get(qFrom + 2 * start + 8 * padded + 32);
    int q12 = quants.get(qFrom + 2 * start + 8 * padded + 64);
    int q13 = quants.get(qFrom + 2 * start + 8 * padded + 96);
    Half2 d10 = scales.getHalf2(sFrom + start / 4 + padded);
    Half2 e10 = scales.getHalf2(sFrom + start / 4 + padded + 2);
    Half2 d11 = scales.getHalf2(sFrom + start / 4 + padded + 8);
    Half2 e11 = scales.getHalf2(sFrom + start / 4 + padded + 10);
    b[bTo + 1024] = QuantTiles.pair(q10 << 24 >> 24, q10 << 16 >> 24, d10);
    b[bTo + 1024 + 1] = QuantTiles.pair(q10 << 8 >> 24, q10 >> 24, e10);
    b[bTo + 1088] = QuantTiles.pair(q11 << 24 >> 24, q11 << 16 >> 24, d10);
    b[bTo + 1088 + 1] = QuantTiles.pair(q11 << 8 >> 24, q11 >> 24, e10);
    b[bTo + 1152] = QuantTiles.pair(q12 << 24 >> 24, q12 << 16 >> 24, d11);
    b[bTo + 1152 + 1] = QuantTiles.pair(q12 << 8 >> 24, q12 >> 24, e11);
    b[bTo + 1216] = QuantTiles.pair(q13 << 24 >> 24, q13 << 16 >> 24, d11);
    b[bTo + 1216 + 1] = QuantTiles.pair(q13 << 8 >> 24, q13 >> 24, e11);
    int next = (panel + TornadoMath.min(1, count - 1)) * DEPTH;
    int n00 = quants.get(qFrom + 2 * next);
    int n01 = quants.get(qFrom + 2 * next + 32);
    int n02 = quants.get(qFrom + 2 * next + 64);
    int n03 = quants.get(qFrom + 2 * next + 96);
    int n10 = quants.get(qFrom + 2 * next + 8 * padded);
    int n11 = quants.get(qFrom + 2 * next + 8 * padded + 32);
    int n12 = quants.get(qFrom + 2 * next + 8 * padded + 64);
    int n13 = quants.get(qFrom + 2 * next + 8 * padded + 96);
    Half2 u00 = scales.getHalf2(sFrom + next / 4);
    Half2 v00 = scales.getHalf2(sFrom + next / 4 + 2);
    Half2 u01 = scales.getHalf2(sFrom + next / 4 + 8);
    Half2 v01 = scales.getHalf2(sFrom + next / 4 + 10);
    Half2 u10 = scales.getHalf2(sFrom + next / 4 + padded);
    Half2 v10 = scales.getHalf2(sFrom + next / 4 + padded + 2);
    Half2 u11 = scales.getHalf2(sFrom + next / 4 + padded + 8);
    Half2 v11 = scales.getHalf2(sFrom + next / 4 + padded + 10);
    int third = (panel + TornadoMath.min(2, count - 1)) * DEPTH;
    int r00 = quants.get(qFrom + 2 * third);
    int r01 = quants.get(qFrom + 2 * third + 32);
    int r02 = quants.get(qFrom + 2 * third + 64);
    int r03 = quants.get(qFrom + 2 * third + 96);
    int r10 = quants.get(qFrom + 2 * third + 8 * padded);
    int r11 = quants.get(qFrom + 2 * third + 8 * padded + 32);
    int r12 = quants.get(qFrom + 2 * third + 8 * padded + 64);
    int r13 = quants.get(qFrom + 2 * third + 8 * padded + 96);
    Half2 g00 = scales.getHalf2(sFrom + third / 4);
    Half2 h00 = scales.getHalf2(sFrom + third / 4 + 2);
    Half2 g01 = scales.getHalf2(sFrom + third / 4 + 8);
    Half2 h01 = scales.getHalf2(sFrom + third / 4 + 10);
    Half2 g10 = scales.getHalf2(sFrom + third / 4 + padded);
    Half2 h10 = scales.getHalf2(sFrom + third / 4 + padded + 2);
    Half2 g11 = scales.getHalf2(sFrom + third / 4 + padded + 8);
    Half2 h11 = scales.getHalf2(sFrom + third / 4 + padded + 10);
    int matrix = lane / 8;
    int row16 = lane % 8 + matrix % 2 * 8;
    int chunk = matrix / 2 ^ lane % 8;
    int aBase = warp / 2 * 4096 + row16 * 128 - (row16 * 32 + matrix / 2 * 16);
    int bBase = warp % 2 * 4096;
    float[] c00 = context.mmaFragment(0.0f);
    float[] c01 = context.mmaFragment(0.0f);
    float[] c02 = context.mmaFragment(0.0f);
    float[] c03 = context.mmaFragment(0.0f);
    float[] c10 = context.mmaFragment(0.0f);
    float[] c11 = context.mmaFragment(0.0f);
    float[] c12 = context.mmaFragment(0.0f);
    float[] c13 = context.mmaFragment(0.0f);
    for (int p = 0; p < count; p++) {
      context.asyncCopyWaitGroup(1);
      context.localBarrier();
      int depth = (panel + TornadoMath.min(p + 2, count - 1)) * DEPTH;
      int input = depth + thread % 8 * 8;
      int from = aFrom + (inputs % 64 == 0 ? input : TornadoMath.min(input, inputs - 8));
      int stage = (p + 2) % 3;
      for (int i = 0; i < 4; i++) {
        int row = from + i * 16 * inputs;
        for (int j = 0; j < 4; j++) {
          context.asyncCopyToLocal(a, stage * A_INTS + aTo + i * 512 + j, x, row + 2 * j);
        }
      }
      context.asyncCopyCommit();
      int later = (panel + TornadoMath.min(p + 3, count - 1)) * DEPTH;
      int m00 = quants.get(qFrom + 2 * later);
      int m01 = quants.get(qFrom + 2 * later + 32);
      int m02 = quants.get(qFrom + 2 * later + 64);
      int m03 = quants.get(qFrom + 2 * later + 96);
      int m10 = quants.get(qFrom + 2 * later + 8 * padded);
      int m11 = quants.get(qFrom + 2 * later + 8 * padded + 32);
      int m12 = quants.get(qFrom + 2 * later + 8 * padded + 64);
      int m13 = quants.get(qFrom + 2 * later + 8 * padded + 96);
      Half2 s00 = scales.getHalf2(sFrom + later / 4);
      Half2 t00 = scales.getHalf2(sFrom + later / 4 + 2);
      Half2 s01 = scales.getHalf2(sFrom + later / 4 + 8);
      Half2 t01 = scales.getHalf2(sFrom + later / 4 + 10);
      Half2 s10 = scales.getHalf2(sFrom + later / 4 + padded);
      Half2 t10 = scales.getHalf2(sFrom + later / 4 + padded + 2);
      Half2 s11 = scales.getHalf2(sFrom + later / 4 + padded + 8);
      Half2 t11 = scales.getHalf2(sFrom + later / 4 + padded + 10);
      for (int step = 0; step < 4; step++) {
        int aAt = p % 3 * (4 * A_INTS) + aBase + (chunk ^ 2 * step) * 16;
        int bAt = p % 2 * (4 * B_INTS) + bBase + step * 256;
        HalfFloat[] a0 = context.mmaLoadA(a, 16, aAt);
        HalfFloat[] a1 = context.mmaLoadA(a, 16, aAt + 2048);
        HalfFloat[] b0 = context.mmaLoadB(b, 16, bAt);
        c00 = context.mma(a0, b0, c00, MMAShape.M16N8K16);
        c10 = context.mma(a1, b0, c10, MMAShape.M16N8K16);
        HalfFloat[] b1 = context.mmaLoadB(b, 16, bAt + 1024);
        c01 = context.mma(a0, b1, c01, MMAShape.M16N8K16);
        c11 = context.mma(a1, b1, c11, MMAShape.M16N8K16);
        HalfFloat[] b2 = context.mmaLoadB(b, 16, bAt + 2048);
        c02 = context.mma(a0, b2, c02, MMAShape.M16N8K16);
        c12 = context.mma(a1, b2, c12, MMAShape.M16N8K16);
        HalfFloat[] b3 = context.mmaLoadB(b, 16, bAt + 3072);
        c03 = context.mma(a0, b3, c03, MMAShape.M16N8K16);
        c13 = context.mma(a1, b3, c13, MMAShape.M16N8K16);
      }
      int into = (p + 1) % 2 * B_INTS;
      b[into + bTo] = QuantTiles.pair(n00 << 24 >> 24, n00 << 16 >> 24, u00);
      b[into + bTo + 1] = QuantTiles.pair(n00 << 8 >> 24, n00 >> 24, v00);
      b[into + bTo + 64] = QuantTiles.pair(n01 << 24 >> 24, n01 << 16 >> 24, u00);
      b[into + bTo + 64 + 1] = QuantTiles.pair(n01 << 8 >> 24, n01 >> 24, v00);
      b[into + bTo + 128] = QuantTiles.pair(n02 << 24 >> 24, n02 << 16 >> 24, u01);
      b[into + bTo + 128 + 1] = QuantTiles.pair(n02 << 8 >> 24, n02 >> 24, v01);
      b[into + bTo + 192] = QuantTiles.pair(n03 << 24 >> 24, n03 << 16 >> 24, u01);
      b[into + bTo + 192 + 1] = QuantTiles.pair(n03 << 8 >> 24, n03 >> 24, v01);
      b[into + bTo + 1024] = QuantTiles.pair(n10 << 24 >> 24, n10 << 16 >> 24, u10);
      b[into + bTo + 1024 + 1] = QuantTiles.pair(n10 << 8 >> 24, n10 >> 24, v10);
      b[into + bTo + 1088] = QuantTiles.pair(n11 << 24 >> 24, n11 << 16 >> 24, u10);
      b[into + bTo + 1088 + 1] = QuantTiles.pair(n11 << 8 >> 24, n11 >> 24, v10);
      b[into + bTo + 1152] = QuantTiles.pair(n12 << 24 >> 24, n12 << 16 >> 24, u11);
      b[into + bTo + 1152 + 1] = QuantTiles.pair(n12 << 8 >> 24, n12 >> 24, v11);
      b[into + bTo + 1216] = QuantTiles.pair(n13 << 24 >> 24, n13 << 16 >> 24, u11);
      b[into + bTo + 1216 + 1] = QuantTiles.pair(n13 << 8 >> 24, n13 >> 24, v11);
      n00 = r00;
      r00 = m00;
      n01 = r01;
      r01 = m01;
      n02 = r02;
      r02 = m02;
      n03 = r03;
      r03 = m03;
      n10 = r10;
      r10 = m10;
      n11 = r11;
      r11 = m11;
      n12 = r12;
      r12 = m12;
      n13 = r13;
      r13 = m13;
      u00 = g00;
      v00 = h00;
      g00 = s00;
      h00 = t00;
      u01 = g01;
      v01 = h01;
      g01 = s01;
      h01 = t01;
      u10 = g10;
      v10 = h10;
      g10 = s10;
      h10 = t10;
      u11 = g11;
      v11 = h11;
      g11 = s11;
      h11 = t11;
    }
    context.asyncCopyWaitGroup(0);
    int row = firstRow + warp / 2 * 32;
    int column = context.groupIdx * TILE_OUTPUTS + warp % 2 * 32;
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
      for (int i = thread; i < TILE_ROWS * TILE_OUTPUTS / 4; i += GROUP) {
        int r = firstRow + i / (TILE_OUTPUTS / 4);
        int j = i % (TILE_OUTPUTS / 4) * 2;
        int gate = context.groupIdx * TILE_OUTPUTS + j / 8 * 16 + j % 8;
        if (r < rows && gate < outputs) {
          int at = r * outputs + gate;
          float first = Activations.apply(activation, out.get(at), out.get(at + 8));
          float second = Activations.apply(activation, out.get(at + 1), out.get(at + 9));
          gated.setHalf2(
              r * (outputs / 2) + context.groupIdx * (TILE_OUTPUTS / 2) + j,
              Half2.fromFloats(first, second));
        }
      }
    }
  }

  /** Groups as those of {@link TiledQuads}. The reference is MatrixVector's. */
  public static WorkerGrid grid(int rows, int outputs, int splits) {
    return TiledQuads.grid(rows, outputs, splits);
  }
}
