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
 * 17 rows and more of activations times a weight matrix of four bits a weight, on tensor cores;
 * tiles as {@link TiledQuads} has them.
 *
 * <pre>
 *   panel p      products of A and B in local memory; then
 *   panel p + 1  its nibbles and steps, out of registers, become halves in the other B
 *   panel p + 2  its activations are on their way to the third A, its nibbles and steps to registers
 *   panel p + 3  its nibbles and steps set out: three panels of them are under way
 *
 *   a lane's int     inputs 4q … 4q+3 of outputs 2p and 2p+1: four pairs of halves, stored from the
 *                    (q / 2)-th on, so that a warp's 32 stores go to 32 banks
 * </pre>
 */
public final class TiledProductQ4 {
  private TiledProductQ4() {}

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
   * As {@link TiledQuads#multiplyQuads}, with weights of four bits a weight.
   *
   * @param nibbles as {@link NibbleTiles} has them
   * @param steps as {@link NibbleTiles} has them
   */
  public static void multiplyQuads(
      KernelContext context,
      IntArray counts,
      IntArray nibbles,
      HalfFloatArray steps,
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
    int stride = (inputs + 127) / 128 * 128;
    int qFrom = NibbleTiles.START + block * stride + lane;
    int sFrom = block * (stride / 2) + lane % 4 * 4;
    int bTo = warp * 256 + lane / 4 * 16 + lane % 4;
    int t0 = lane / 8 * 4;
    int t1 = (t0 + 4) % 16;
    int t2 = (t0 + 8) % 16;
    int t3 = (t0 + 12) % 16;
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
    int q00 = nibbles.get(qFrom + start);
    int q01 = nibbles.get(qFrom + start + 32);
    Half2 e00 = steps.getHalf2(sFrom + start / 2);
    Half2 o00 = steps.getHalf2(sFrom + start / 2 + 2);
    Half2 e01 = steps.getHalf2(sFrom + start / 2 + 16);
    Half2 o01 = steps.getHalf2(sFrom + start / 2 + 18);
    int q10 = nibbles.get(qFrom + start + 4 * stride);
    int q11 = nibbles.get(qFrom + start + 4 * stride + 32);
    Half2 e10 = steps.getHalf2(sFrom + start / 2 + 2 * stride);
    Half2 o10 = steps.getHalf2(sFrom + start / 2 + 2 * stride + 2);
    Half2 e11 = steps.getHalf2(sFrom + start / 2 + 2 * stride + 16);
    Half2 o11 = steps.getHalf2(sFrom + start / 2 + 2 * stride + 18);
    b[bTo + t0] = NibbleTiles.pair(q00 >> t0, e00, o00);
    b[bTo + t1] = NibbleTiles.pair(q00 >> t1, e00, o00);
    b[bTo + t2] = NibbleTiles.pair(q00 >> t2, e00, o00);
    b[bTo + t3] = NibbleTiles.pair(q00 >> t3, e00, o00);
    b[bTo + 128 + t0] = NibbleTiles.pair(q01 >> t0, e01, o01);
    b[bTo + 128 + t1] = NibbleTiles.pair(q01 >> t1, e01, o01);
    b[bTo + 128 + t2] = NibbleTiles.pair(q01 >> t2, e01, o01);
    b[bTo + 128 + t3] = NibbleTiles.pair(q01 >> t3, e01, o01);
    b[bTo + 1024 + t0] = NibbleTiles.pair(q10 >> t0, e10, o10);
    b[bTo + 1024 + t1] = NibbleTiles.pair(q10 >> t1, e10, o10);
    b[bTo + 1024 + t2] = NibbleTiles.pair(q10 >> t2, e10, o10);
    b[bTo + 1024 + t3] = NibbleTiles.pair(q10 >> t3, e10, o10);
    b[bTo + 1152 + t0] = NibbleTiles.pair(q11 >> t0, e11, o11);
    b[bTo + 1152 + t1] = NibbleTiles.pair(q11 >> t1, e11, o11);
    b[bTo + 1152 + t2] = NibbleTiles.pair(q11 >> t2, e11, o11);
    b[bTo + 1152 + t3] = NibbleTiles.pair(q11 >> t3, e11, o11);
    int next = (panel + TornadoMath.min(1, count - 1)) * DEPTH;
    int n00 = nibbles.get(qFrom + next);
    int n01 = nibbles.get(qFrom + next + 32);
    Half2 u00 = steps.getHalf2(sFrom + next / 2);
    Half2 v00 = steps.getHalf2(sFrom + next / 2 + 2);
    Half2 u01 = steps.getHalf2(sFrom + next / 2 + 16);
    Half2 v01 = steps.getHalf2(sFrom + next / 2 + 18);
    int n10 = nibbles.get(qFrom + next + 4 * stride);
    int n11 = nibbles.get(qFrom + next + 4 * stride + 32);
    Half2 u10 = steps.getHalf2(sFrom + next / 2 + 2 * stride);
    Half2 v10 = steps.getHalf2(sFrom + next / 2 + 2 * stride + 2);
    Half2 u11 = steps.getHalf2(sFrom + next / 2 + 2 * stride + 16);
    Half2 v11 = steps.getHalf2(sFrom + next / 2 + 2 * stride + 18);
    int third = (panel + TornadoMath.min(2, count - 1)) * DEPTH;
    int r00 = nibbles.get(qFrom + third);
    int r01 = nibbles.get(qFrom + third + 32);
    Half2 g00 = steps.getHalf2(sFrom + third / 2);
    Half2 h00 = steps.getHalf2(sFrom + third / 2 + 2);
    Half2 g01 = steps.getHalf2(sFrom + third / 2 + 16);
    Half2 h01 = steps.getHalf2(sFrom + third / 2 + 18);
    int r10 = nibbles.get(qFrom + third + 4 * stride);
    int r11 = nibbles.get(qFrom + third + 4 * stride + 32);
    Half2 g10 = steps.getHalf2(sFrom + third / 2 + 2 * stride);
    Half2 h10 = steps.getHalf2(sFrom + third / 2 + 2 * stride + 2);
    Half2 g11 = steps.getHalf2(sFrom + third / 2 + 2 * stride + 16);
    Half2 h11 = steps.getHalf2(sFrom + third / 2 + 2 * stride + 18);
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
      int m00 = nibbles.get(qFrom + later);
      int m01 = nibbles.get(qFrom + later + 32);
      Half2 s00 = steps.getHalf2(sFrom + later / 2);
      Half2 t00 = steps.getHalf2(sFrom + later / 2 + 2);
      Half2 s01 = steps.getHalf2(sFrom + later / 2 + 16);
      Half2 t01 = steps.getHalf2(sFrom + later / 2 + 18);
      int m10 = nibbles.get(qFrom + later + 4 * stride);
      int m11 = nibbles.get(qFrom + later + 4 * stride + 32);
      Half2 s10 = steps.getHalf2(sFrom + later / 2 + 2 * stride);
      Half2 t10 = steps.getHalf2(sFrom + later / 2 + 2 * stride + 2);
      Half2 s11 = steps.getHalf2(sFrom + later / 2 + 2 * stride + 16);
      Half2 t11 = steps.getHalf2(sFrom + later / 2 + 2 * stride + 18);
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
      b[into + bTo + t0] = NibbleTiles.pair(n00 >> t0, u00, v00);
      b[into + bTo + t1] = NibbleTiles.pair(n00 >> t1, u00, v00);
      b[into + bTo + t2] = NibbleTiles.pair(n00 >> t2, u00, v00);
      b[into + bTo + t3] = NibbleTiles.pair(n00 >> t3, u00, v00);
      b[into + bTo + 128 + t0] = NibbleTiles.pair(n01 >> t0, u01, v01);
      b[into + bTo + 128 + t1] = NibbleTiles.pair(n01 >> t1, u01, v01);
      b[into + bTo + 128 + t2] = NibbleTiles.pair(n01 >> t2, u01, v01);
      b[into + bTo + 128 + t3] = NibbleTiles.pair(n01 >> t3, u01, v01);
      b[into + bTo + 1024 + t0] = NibbleTiles.pair(n10 >> t0, u10, v10);
      b[into + bTo + 1024 + t1] = NibbleTiles.pair(n10 >> t1, u10, v10);
      b[into + bTo + 1024 + t2] = NibbleTiles.pair(n10 >> t2, u10, v10);
      b[into + bTo + 1024 + t3] = NibbleTiles.pair(n10 >> t3, u10, v10);
      b[into + bTo + 1152 + t0] = NibbleTiles.pair(n11 >> t0, u11, v11);
      b[into + bTo + 1152 + t1] = NibbleTiles.pair(n11 >> t1, u11, v11);
      b[into + bTo + 1152 + t2] = NibbleTiles.pair(n11 >> t2, u11, v11);
      b[into + bTo + 1152 + t3] = NibbleTiles.pair(n11 >> t3, u11, v11);
      n00 = r00;
      r00 = m00;
      n01 = r01;
      r01 = m01;
      n10 = r10;
      r10 = m10;
      n11 = r11;
      r11 = m11;
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
