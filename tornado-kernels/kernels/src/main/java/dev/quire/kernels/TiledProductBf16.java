package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Several rows of activations times a weight matrix in BF16, on tensor cores; tiles as {@link
 * TiledQuads} has them.
 *
 * <pre>
 *   a half          │ sign │ exponent: 5 │ 7 bits of the mantissa │ 3 bits │
 *                            upper: these, as BF16                  lower: their value, as BF16
 *   a panel of x    two tiles A: upper, lower       x · w = upper · w + lower · w, exactly
 * </pre>
 *
 * Weights beyond a half's range are rare; so panels are neither copied ahead nor overlapped with
 * products.
 */
public final class TiledProductBf16 {
  private TiledProductBf16() {}

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
   * As {@link TiledQuads#multiplyQuads}, without an activation.
   *
   * @param weights pairs of BF16, in the places of {@link WeightTiles}' halves
   * @param x [rows up to whole tiles of {@value #TILE_ROWS}, inputs], inputs even; what lies in
   *     rows that aren't there doesn't matter; halves below 2^-14 count as 0
   */
  public static void multiply(
      KernelContext context,
      IntArray counts,
      IntArray weights,
      HalfFloatArray x,
      FloatArray out,
      int outputs,
      int inputs,
      int splits,
      int partRows) {
    int rows = counts.get(0);
    int firstRow = context.groupIdy * TILE_ROWS;
    if (firstRow >= rows) {
      return;
    }
    int[] upper = context.allocateIntLocalArray(A_INTS);
    int[] lower = context.allocateIntLocalArray(A_INTS);
    int[] b = context.allocateIntLocalArray(B_INTS);
    int thread = context.localIdx;
    int lane = thread % 32;
    int warp = thread / 32;
    int padded = (inputs + 63) / 64 * 64;
    int panels = padded / DEPTH;
    int panel = context.groupIdz * panels / splits;
    int count = (context.groupIdz + 1) * panels / splits - panel;
    int bFrom =
        MatrixVectorBf16.START
            + context.groupIdx * (TILE_OUTPUTS / 2) * padded
            + thread / 64 * 4 * padded
            + thread % 64;
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
      int depth = (panel + p) * DEPTH;
      int input = TornadoMath.min(depth + 2 * lane, inputs - 2);
      context.localBarrier();
      for (int i = 0; i < 16; i++) {
        int row = warp + 4 * i;
        int to = row * 32 + (lane / 4 ^ row % 8) * 4 + lane % 4;
        int at = (firstRow + row) * inputs + input;
        int left = x.get(at).getHalfFloatValue() & 0xFFFF;
        int right = x.get(at + 1).getHalfFloatValue() & 0xFFFF;
        upper[to] = upper(left) | upper(right) << 16;
        lower[to] = lower(left) | lower(right) << 16;
      }
      for (int i = 0; i < 16; i++) {
        int at = bFrom + depth * 4 + i / 4 * 8 * padded + i % 4 * 64;
        b[thread / 64 * 256 + thread % 64 + i / 4 * 512 + i % 4 * 64] = weights.get(at);
      }
      context.localBarrier();
      for (int step = 0; step < 4; step++) {
        int aAt = aBase + (chunk ^ 2 * step) * 16;
        int bAt = bBase + step * 256;
        HalfFloat[] a0 = context.mmaLoadA(upper, 16, aAt);
        HalfFloat[] a1 = context.mmaLoadA(upper, 16, aAt + 2048);
        HalfFloat[] s0 = context.mmaLoadA(lower, 16, aAt);
        HalfFloat[] s1 = context.mmaLoadA(lower, 16, aAt + 2048);
        HalfFloat[] b0 = context.mmaLoadB(b, 16, bAt);
        c00 = context.mmaBF16(a0, b0, c00, MMAShape.M16N8K16);
        c00 = context.mmaBF16(s0, b0, c00, MMAShape.M16N8K16);
        c10 = context.mmaBF16(a1, b0, c10, MMAShape.M16N8K16);
        c10 = context.mmaBF16(s1, b0, c10, MMAShape.M16N8K16);
        HalfFloat[] b1 = context.mmaLoadB(b, 16, bAt + 1024);
        c01 = context.mmaBF16(a0, b1, c01, MMAShape.M16N8K16);
        c01 = context.mmaBF16(s0, b1, c01, MMAShape.M16N8K16);
        c11 = context.mmaBF16(a1, b1, c11, MMAShape.M16N8K16);
        c11 = context.mmaBF16(s1, b1, c11, MMAShape.M16N8K16);
        HalfFloat[] b2 = context.mmaLoadB(b, 16, bAt + 2048);
        c02 = context.mmaBF16(a0, b2, c02, MMAShape.M16N8K16);
        c02 = context.mmaBF16(s0, b2, c02, MMAShape.M16N8K16);
        c12 = context.mmaBF16(a1, b2, c12, MMAShape.M16N8K16);
        c12 = context.mmaBF16(s1, b2, c12, MMAShape.M16N8K16);
        HalfFloat[] b3 = context.mmaLoadB(b, 16, bAt + 3072);
        c03 = context.mmaBF16(a0, b3, c03, MMAShape.M16N8K16);
        c03 = context.mmaBF16(s0, b3, c03, MMAShape.M16N8K16);
        c13 = context.mmaBF16(a1, b3, c13, MMAShape.M16N8K16);
        c13 = context.mmaBF16(s1, b3, c13, MMAShape.M16N8K16);
      }
    }
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
  }

  /** The upper 8 bits of a half's significand, as BF16: its exponent counts from 127, not 15. */
  private static int upper(int half) {
    int size = half & 0x7FFF;
    int there = size >= 0x400 ? 1 : 0;
    return there * ((half & 0x8000) | (size / 8 + (112 << 7)));
  }

  /** The three bits below those: of value m · 2^(exponent − 25), which is normalised here. */
  private static int lower(int half) {
    int exponent = (half & 0x7FFF) / 1024;
    int m = half & 7;
    int there = exponent * m > 0 ? 1 : 0;
    int shifted = m >= 2 ? 64 * m : 0;
    int normal = m >= 4 ? 128 + 32 * m : shifted;
    return there * ((half & 0x8000) | ((exponent + 102) * 128 + normal));
  }

  /** Groups as those of {@link TiledQuads}. The reference is MatrixVector's. */
  public static WorkerGrid grid(int rows, int outputs, int splits) {
    return TiledQuads.grid(rows, outputs, splits);
  }
}
