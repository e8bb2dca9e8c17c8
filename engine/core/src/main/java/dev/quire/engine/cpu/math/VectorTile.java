package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Arithmetic.LANES;
import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.PARTS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;

import jdk.incubator.vector.FloatVector;

/**
 * Register tiles of the matrix product: four weight rows by up to six input rows, every pair with a
 * vector of partial sums that stays in its register from the first input to the last.
 *
 * <pre>
 *          x0   x1   x2   x3   x4   x5
 *   w0    s00  s01  s02  s03  s04  s05       24 sums, 4 weights and 1 input of 32 registers;
 *   w1    s10   …                            24 multiply-adds for 10 loads
 *   w2    s20   …
 *   w3    s30   …
 * </pre>
 *
 * <p>With narrower vectors there are sixteen registers, so a tile has two input rows.
 *
 * <p>The sums are single variables, not an array, because only those become registers.
 */
final class VectorTile {
  private VectorTile() {}

  /** {@link Arithmetic#tile}. */
  static void tile(
      float[] w,
      int wOffset,
      int wStride,
      int outputs,
      float[] x,
      int xOffset,
      int xStride,
      int rows,
      int length,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    if (outputs < Arithmetic.TILE_OUTPUTS) {
      for (int r = 0; r < rows; r++) {
        for (int o = 0; o < outputs; o++) {
          out[outOffset + r * outStride + o] =
              dot(w, wOffset + o * wStride, x, xOffset + r * xStride, length, s.sums(LANES));
        }
      }
      return;
    }
    float[] lanes = s.sums(Arithmetic.TILE_OUTPUTS * Arithmetic.TILE_ROWS * LANES);
    int left = rows;
    int from = xOffset;
    int to = outOffset;
    while (left > 0) {
      int taken = PARTS == 1 && left >= 6 ? 6 : PARTS == 1 && left >= 4 ? 4 : left >= 2 ? 2 : 1;
      for (int part = 0; part < PARTS; part++) {
        switch (taken) {
          case 6 -> tile6(w, wOffset, wStride, x, from, xStride, length, part, lanes);
          case 4 -> tile4(w, wOffset, wStride, x, from, xStride, length, part, lanes);
          case 2 -> tile2(w, wOffset, wStride, x, from, xStride, length, part, lanes);
          default -> tile1(w, wOffset, wStride, x, from, xStride, length, part, lanes);
        }
      }
      totals(lanes, taken, out, to, outStride);
      left -= taken;
      from += taken * xStride;
      to += taken * outStride;
    }
  }

  private static float dot(
      float[] w, int wOffset, float[] x, int xOffset, int length, float[] lanes) {
    for (int part = 0; part < PARTS; part++) {
      FloatVector sums = FloatVector.zero(FLOATS);
      for (int i = part * WIDTH; i < length; i += LANES) {
        FloatVector v = FloatVector.fromArray(FLOATS, w, wOffset + i);
        sums = v.fma(FloatVector.fromArray(FLOATS, x, xOffset + i), sums);
      }
      sums.intoArray(lanes, part * WIDTH);
    }
    return Lanes.total(lanes, 0);
  }

  /**
   * Puts the partial sums of a tile together. A loop over memory, because two dozen copies of the
   * sum in one method are more than C2 inlines.
   */
  private static void totals(float[] lanes, int rows, float[] out, int outOffset, int outStride) {
    for (int r = 0; r < rows; r++) {
      for (int o = 0; o < Arithmetic.TILE_OUTPUTS; o++) {
        int at = (r * Arithmetic.TILE_OUTPUTS + o) * LANES;
        out[outOffset + r * outStride + o] = Lanes.total(lanes, at);
      }
    }
  }

  private static void tile6(
      float[] w,
      int wOffset,
      int wStride,
      float[] x,
      int xOffset,
      int xStride,
      int length,
      int part,
      float[] lanes) {
    int w1 = wOffset + wStride;
    int w2 = w1 + wStride;
    int w3 = w2 + wStride;
    int x1 = xOffset + xStride;
    int x2 = x1 + xStride;
    int x3 = x2 + xStride;
    int x4 = x3 + xStride;
    int x5 = x4 + xStride;
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector s00 = zero;
    FloatVector s10 = zero;
    FloatVector s20 = zero;
    FloatVector s30 = zero;
    FloatVector s01 = zero;
    FloatVector s11 = zero;
    FloatVector s21 = zero;
    FloatVector s31 = zero;
    FloatVector s02 = zero;
    FloatVector s12 = zero;
    FloatVector s22 = zero;
    FloatVector s32 = zero;
    FloatVector s03 = zero;
    FloatVector s13 = zero;
    FloatVector s23 = zero;
    FloatVector s33 = zero;
    FloatVector s04 = zero;
    FloatVector s14 = zero;
    FloatVector s24 = zero;
    FloatVector s34 = zero;
    FloatVector s05 = zero;
    FloatVector s15 = zero;
    FloatVector s25 = zero;
    FloatVector s35 = zero;
    for (int i = part * WIDTH; i < length; i += LANES) {
      FloatVector v0 = FloatVector.fromArray(FLOATS, w, wOffset + i);
      FloatVector v1 = FloatVector.fromArray(FLOATS, w, w1 + i);
      FloatVector v2 = FloatVector.fromArray(FLOATS, w, w2 + i);
      FloatVector v3 = FloatVector.fromArray(FLOATS, w, w3 + i);
      FloatVector u = FloatVector.fromArray(FLOATS, x, xOffset + i);
      s00 = v0.fma(u, s00);
      s10 = v1.fma(u, s10);
      s20 = v2.fma(u, s20);
      s30 = v3.fma(u, s30);
      u = FloatVector.fromArray(FLOATS, x, x1 + i);
      s01 = v0.fma(u, s01);
      s11 = v1.fma(u, s11);
      s21 = v2.fma(u, s21);
      s31 = v3.fma(u, s31);
      u = FloatVector.fromArray(FLOATS, x, x2 + i);
      s02 = v0.fma(u, s02);
      s12 = v1.fma(u, s12);
      s22 = v2.fma(u, s22);
      s32 = v3.fma(u, s32);
      u = FloatVector.fromArray(FLOATS, x, x3 + i);
      s03 = v0.fma(u, s03);
      s13 = v1.fma(u, s13);
      s23 = v2.fma(u, s23);
      s33 = v3.fma(u, s33);
      u = FloatVector.fromArray(FLOATS, x, x4 + i);
      s04 = v0.fma(u, s04);
      s14 = v1.fma(u, s14);
      s24 = v2.fma(u, s24);
      s34 = v3.fma(u, s34);
      u = FloatVector.fromArray(FLOATS, x, x5 + i);
      s05 = v0.fma(u, s05);
      s15 = v1.fma(u, s15);
      s25 = v2.fma(u, s25);
      s35 = v3.fma(u, s35);
    }
    int at = part * WIDTH;
    s00.intoArray(lanes, at + 0 * LANES);
    s10.intoArray(lanes, at + 1 * LANES);
    s20.intoArray(lanes, at + 2 * LANES);
    s30.intoArray(lanes, at + 3 * LANES);
    s01.intoArray(lanes, at + 4 * LANES);
    s11.intoArray(lanes, at + 5 * LANES);
    s21.intoArray(lanes, at + 6 * LANES);
    s31.intoArray(lanes, at + 7 * LANES);
    s02.intoArray(lanes, at + 8 * LANES);
    s12.intoArray(lanes, at + 9 * LANES);
    s22.intoArray(lanes, at + 10 * LANES);
    s32.intoArray(lanes, at + 11 * LANES);
    s03.intoArray(lanes, at + 12 * LANES);
    s13.intoArray(lanes, at + 13 * LANES);
    s23.intoArray(lanes, at + 14 * LANES);
    s33.intoArray(lanes, at + 15 * LANES);
    s04.intoArray(lanes, at + 16 * LANES);
    s14.intoArray(lanes, at + 17 * LANES);
    s24.intoArray(lanes, at + 18 * LANES);
    s34.intoArray(lanes, at + 19 * LANES);
    s05.intoArray(lanes, at + 20 * LANES);
    s15.intoArray(lanes, at + 21 * LANES);
    s25.intoArray(lanes, at + 22 * LANES);
    s35.intoArray(lanes, at + 23 * LANES);
  }

  private static void tile4(
      float[] w,
      int wOffset,
      int wStride,
      float[] x,
      int xOffset,
      int xStride,
      int length,
      int part,
      float[] lanes) {
    int w1 = wOffset + wStride;
    int w2 = w1 + wStride;
    int w3 = w2 + wStride;
    int x1 = xOffset + xStride;
    int x2 = x1 + xStride;
    int x3 = x2 + xStride;
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector s00 = zero;
    FloatVector s10 = zero;
    FloatVector s20 = zero;
    FloatVector s30 = zero;
    FloatVector s01 = zero;
    FloatVector s11 = zero;
    FloatVector s21 = zero;
    FloatVector s31 = zero;
    FloatVector s02 = zero;
    FloatVector s12 = zero;
    FloatVector s22 = zero;
    FloatVector s32 = zero;
    FloatVector s03 = zero;
    FloatVector s13 = zero;
    FloatVector s23 = zero;
    FloatVector s33 = zero;
    for (int i = part * WIDTH; i < length; i += LANES) {
      FloatVector v0 = FloatVector.fromArray(FLOATS, w, wOffset + i);
      FloatVector v1 = FloatVector.fromArray(FLOATS, w, w1 + i);
      FloatVector v2 = FloatVector.fromArray(FLOATS, w, w2 + i);
      FloatVector v3 = FloatVector.fromArray(FLOATS, w, w3 + i);
      FloatVector u = FloatVector.fromArray(FLOATS, x, xOffset + i);
      s00 = v0.fma(u, s00);
      s10 = v1.fma(u, s10);
      s20 = v2.fma(u, s20);
      s30 = v3.fma(u, s30);
      u = FloatVector.fromArray(FLOATS, x, x1 + i);
      s01 = v0.fma(u, s01);
      s11 = v1.fma(u, s11);
      s21 = v2.fma(u, s21);
      s31 = v3.fma(u, s31);
      u = FloatVector.fromArray(FLOATS, x, x2 + i);
      s02 = v0.fma(u, s02);
      s12 = v1.fma(u, s12);
      s22 = v2.fma(u, s22);
      s32 = v3.fma(u, s32);
      u = FloatVector.fromArray(FLOATS, x, x3 + i);
      s03 = v0.fma(u, s03);
      s13 = v1.fma(u, s13);
      s23 = v2.fma(u, s23);
      s33 = v3.fma(u, s33);
    }
    int at = part * WIDTH;
    s00.intoArray(lanes, at + 0 * LANES);
    s10.intoArray(lanes, at + 1 * LANES);
    s20.intoArray(lanes, at + 2 * LANES);
    s30.intoArray(lanes, at + 3 * LANES);
    s01.intoArray(lanes, at + 4 * LANES);
    s11.intoArray(lanes, at + 5 * LANES);
    s21.intoArray(lanes, at + 6 * LANES);
    s31.intoArray(lanes, at + 7 * LANES);
    s02.intoArray(lanes, at + 8 * LANES);
    s12.intoArray(lanes, at + 9 * LANES);
    s22.intoArray(lanes, at + 10 * LANES);
    s32.intoArray(lanes, at + 11 * LANES);
    s03.intoArray(lanes, at + 12 * LANES);
    s13.intoArray(lanes, at + 13 * LANES);
    s23.intoArray(lanes, at + 14 * LANES);
    s33.intoArray(lanes, at + 15 * LANES);
  }

  private static void tile2(
      float[] w,
      int wOffset,
      int wStride,
      float[] x,
      int xOffset,
      int xStride,
      int length,
      int part,
      float[] lanes) {
    int w1 = wOffset + wStride;
    int w2 = w1 + wStride;
    int w3 = w2 + wStride;
    int x1 = xOffset + xStride;
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector s00 = zero;
    FloatVector s10 = zero;
    FloatVector s20 = zero;
    FloatVector s30 = zero;
    FloatVector s01 = zero;
    FloatVector s11 = zero;
    FloatVector s21 = zero;
    FloatVector s31 = zero;
    for (int i = part * WIDTH; i < length; i += LANES) {
      FloatVector v0 = FloatVector.fromArray(FLOATS, w, wOffset + i);
      FloatVector v1 = FloatVector.fromArray(FLOATS, w, w1 + i);
      FloatVector v2 = FloatVector.fromArray(FLOATS, w, w2 + i);
      FloatVector v3 = FloatVector.fromArray(FLOATS, w, w3 + i);
      FloatVector u = FloatVector.fromArray(FLOATS, x, xOffset + i);
      s00 = v0.fma(u, s00);
      s10 = v1.fma(u, s10);
      s20 = v2.fma(u, s20);
      s30 = v3.fma(u, s30);
      u = FloatVector.fromArray(FLOATS, x, x1 + i);
      s01 = v0.fma(u, s01);
      s11 = v1.fma(u, s11);
      s21 = v2.fma(u, s21);
      s31 = v3.fma(u, s31);
    }
    int at = part * WIDTH;
    s00.intoArray(lanes, at + 0 * LANES);
    s10.intoArray(lanes, at + 1 * LANES);
    s20.intoArray(lanes, at + 2 * LANES);
    s30.intoArray(lanes, at + 3 * LANES);
    s01.intoArray(lanes, at + 4 * LANES);
    s11.intoArray(lanes, at + 5 * LANES);
    s21.intoArray(lanes, at + 6 * LANES);
    s31.intoArray(lanes, at + 7 * LANES);
  }

  private static void tile1(
      float[] w,
      int wOffset,
      int wStride,
      float[] x,
      int xOffset,
      int xStride,
      int length,
      int part,
      float[] lanes) {
    int w1 = wOffset + wStride;
    int w2 = w1 + wStride;
    int w3 = w2 + wStride;
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector s00 = zero;
    FloatVector s10 = zero;
    FloatVector s20 = zero;
    FloatVector s30 = zero;
    for (int i = part * WIDTH; i < length; i += LANES) {
      FloatVector v0 = FloatVector.fromArray(FLOATS, w, wOffset + i);
      FloatVector v1 = FloatVector.fromArray(FLOATS, w, w1 + i);
      FloatVector v2 = FloatVector.fromArray(FLOATS, w, w2 + i);
      FloatVector v3 = FloatVector.fromArray(FLOATS, w, w3 + i);
      FloatVector u = FloatVector.fromArray(FLOATS, x, xOffset + i);
      s00 = v0.fma(u, s00);
      s10 = v1.fma(u, s10);
      s20 = v2.fma(u, s20);
      s30 = v3.fma(u, s30);
    }
    int at = part * WIDTH;
    s00.intoArray(lanes, at + 0 * LANES);
    s10.intoArray(lanes, at + 1 * LANES);
    s20.intoArray(lanes, at + 2 * LANES);
    s30.intoArray(lanes, at + 3 * LANES);
  }
}
