package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * One row of activations times a weight matrix in Q8_0; a group as {@link MatrixVector} has it.
 *
 * <pre>
 *   a block of 8 outputs, as QuantTiles has it:   lane 2k+j: outputs 4j to 4j+3 of input k
 *     128 inputs │ 8 strips of 128 bytes under way │   warp 0     a scale for 32 inputs
 *     …                                                 8 warps take turns; 64 inputs at the end
 * </pre>
 */
public final class MatrixVectorQ8 {
  private MatrixVectorQ8() {}

  /** Threads of a group: eight warps. */
  public static final int GROUP = MatrixVector.GROUP;

  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;
  private static final int SHARED_WARPS = 16;
  private static final int BLOCK = WeightTiles.OUTPUTS;

  /**
   * {@code out[o] = sum over i of weights[o, i] * x[i]}, summed in floats.
   *
   * @param quants as {@link QuantTiles} has them
   * @param scales as {@link QuantTiles} has them
   * @param x [inputs]
   * @param out [outputs], a multiple of 8
   */
  public static void multiply(
      KernelContext context,
      IntArray quants,
      HalfFloatArray scales,
      HalfFloatArray x,
      FloatArray out,
      int inputs) {
    float[] parts = context.allocateFloatLocalArray(WARPS * BLOCK);
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int padded = (inputs + 63) / 64 * 64;
    int whole = padded / 128 * 128;
    int last = inputs - 1;
    int from = QuantTiles.START + context.groupIdx * 2 * padded + lane;
    int scale = context.groupIdx * (padded / 4) + lane % 2 * 4;
    float a = 0.0f;
    float b = 0.0f;
    float c = 0.0f;
    float d = 0.0f;
    for (int depth = warp * 128; depth < whole; depth += WARPS * 128) {
      int at = 2 * depth;
      int group = depth / 4;
      int input = depth + lane / 2;
      int q0 = quants.get(from + at);
      int q1 = quants.get(from + at + 32);
      int q2 = quants.get(from + at + 64);
      int q3 = quants.get(from + at + 96);
      int q4 = quants.get(from + at + 128);
      int q5 = quants.get(from + at + 160);
      int q6 = quants.get(from + at + 192);
      int q7 = quants.get(from + at + 224);
      float x0 = x.get(inputs % 64 == 0 ? input : TornadoMath.min(input, last)).getFloat32();
      float x1 =
          x.get(inputs % 64 == 0 ? input + 16 : TornadoMath.min(input + 16, last)).getFloat32();
      float x2 =
          x.get(inputs % 64 == 0 ? input + 32 : TornadoMath.min(input + 32, last)).getFloat32();
      float x3 =
          x.get(inputs % 64 == 0 ? input + 48 : TornadoMath.min(input + 48, last)).getFloat32();
      float x4 =
          x.get(inputs % 64 == 0 ? input + 64 : TornadoMath.min(input + 64, last)).getFloat32();
      float x5 =
          x.get(inputs % 64 == 0 ? input + 80 : TornadoMath.min(input + 80, last)).getFloat32();
      float x6 =
          x.get(inputs % 64 == 0 ? input + 96 : TornadoMath.min(input + 96, last)).getFloat32();
      float x7 =
          x.get(inputs % 64 == 0 ? input + 112 : TornadoMath.min(input + 112, last)).getFloat32();
      Half2 ql0 = scales.getHalf2(scale + group);
      Half2 qh0 = scales.getHalf2(scale + group + 2);
      Half2 ql1 = scales.getHalf2(scale + group + 8);
      Half2 qh1 = scales.getHalf2(scale + group + 10);
      Half2 ql2 = scales.getHalf2(scale + group + 16);
      Half2 qh2 = scales.getHalf2(scale + group + 18);
      Half2 ql3 = scales.getHalf2(scale + group + 24);
      Half2 qh3 = scales.getHalf2(scale + group + 26);
      a += Half2.lowFloat(ql0) * ((q0 << 24 >> 24) * x0 + (q1 << 24 >> 24) * x1);
      a += Half2.lowFloat(ql1) * ((q2 << 24 >> 24) * x2 + (q3 << 24 >> 24) * x3);
      a += Half2.lowFloat(ql2) * ((q4 << 24 >> 24) * x4 + (q5 << 24 >> 24) * x5);
      a += Half2.lowFloat(ql3) * ((q6 << 24 >> 24) * x6 + (q7 << 24 >> 24) * x7);
      b += Half2.highFloat(ql0) * ((q0 << 16 >> 24) * x0 + (q1 << 16 >> 24) * x1);
      b += Half2.highFloat(ql1) * ((q2 << 16 >> 24) * x2 + (q3 << 16 >> 24) * x3);
      b += Half2.highFloat(ql2) * ((q4 << 16 >> 24) * x4 + (q5 << 16 >> 24) * x5);
      b += Half2.highFloat(ql3) * ((q6 << 16 >> 24) * x6 + (q7 << 16 >> 24) * x7);
      c += Half2.lowFloat(qh0) * ((q0 << 8 >> 24) * x0 + (q1 << 8 >> 24) * x1);
      c += Half2.lowFloat(qh1) * ((q2 << 8 >> 24) * x2 + (q3 << 8 >> 24) * x3);
      c += Half2.lowFloat(qh2) * ((q4 << 8 >> 24) * x4 + (q5 << 8 >> 24) * x5);
      c += Half2.lowFloat(qh3) * ((q6 << 8 >> 24) * x6 + (q7 << 8 >> 24) * x7);
      d += Half2.highFloat(qh0) * ((q0 >> 24) * x0 + (q1 >> 24) * x1);
      d += Half2.highFloat(qh1) * ((q2 >> 24) * x2 + (q3 >> 24) * x3);
      d += Half2.highFloat(qh2) * ((q4 >> 24) * x4 + (q5 >> 24) * x5);
      d += Half2.highFloat(qh3) * ((q6 >> 24) * x6 + (q7 >> 24) * x7);
    }
    for (int depth = whole + warp * 64; depth < padded; depth += WARPS * 64) {
      int at = 2 * depth;
      int group = depth / 4;
      int input = depth + lane / 2;
      int q0 = quants.get(from + at);
      int q1 = quants.get(from + at + 32);
      int q2 = quants.get(from + at + 64);
      int q3 = quants.get(from + at + 96);
      float x0 = x.get(inputs % 64 == 0 ? input : TornadoMath.min(input, last)).getFloat32();
      float x1 =
          x.get(inputs % 64 == 0 ? input + 16 : TornadoMath.min(input + 16, last)).getFloat32();
      float x2 =
          x.get(inputs % 64 == 0 ? input + 32 : TornadoMath.min(input + 32, last)).getFloat32();
      float x3 =
          x.get(inputs % 64 == 0 ? input + 48 : TornadoMath.min(input + 48, last)).getFloat32();
      Half2 ql0 = scales.getHalf2(scale + group);
      Half2 qh0 = scales.getHalf2(scale + group + 2);
      Half2 ql1 = scales.getHalf2(scale + group + 8);
      Half2 qh1 = scales.getHalf2(scale + group + 10);
      a += Half2.lowFloat(ql0) * ((q0 << 24 >> 24) * x0 + (q1 << 24 >> 24) * x1);
      a += Half2.lowFloat(ql1) * ((q2 << 24 >> 24) * x2 + (q3 << 24 >> 24) * x3);
      b += Half2.highFloat(ql0) * ((q0 << 16 >> 24) * x0 + (q1 << 16 >> 24) * x1);
      b += Half2.highFloat(ql1) * ((q2 << 16 >> 24) * x2 + (q3 << 16 >> 24) * x3);
      c += Half2.lowFloat(qh0) * ((q0 << 8 >> 24) * x0 + (q1 << 8 >> 24) * x1);
      c += Half2.lowFloat(qh1) * ((q2 << 8 >> 24) * x2 + (q3 << 8 >> 24) * x3);
      d += Half2.highFloat(qh0) * ((q0 >> 24) * x0 + (q1 >> 24) * x1);
      d += Half2.highFloat(qh1) * ((q2 >> 24) * x2 + (q3 >> 24) * x3);
    }
    a += context.simdShuffleDown(a, 16);
    b += context.simdShuffleDown(b, 16);
    c += context.simdShuffleDown(c, 16);
    d += context.simdShuffleDown(d, 16);
    a += context.simdShuffleDown(a, 8);
    b += context.simdShuffleDown(b, 8);
    c += context.simdShuffleDown(c, 8);
    d += context.simdShuffleDown(d, 8);
    a += context.simdShuffleDown(a, 4);
    b += context.simdShuffleDown(b, 4);
    c += context.simdShuffleDown(c, 4);
    d += context.simdShuffleDown(d, 4);
    a += context.simdShuffleDown(a, 2);
    b += context.simdShuffleDown(b, 2);
    c += context.simdShuffleDown(c, 2);
    d += context.simdShuffleDown(d, 2);
    if (lane < 2) {
      parts[warp * BLOCK + 4 * lane] = a;
      parts[warp * BLOCK + 4 * lane + 1] = b;
      parts[warp * BLOCK + 4 * lane + 2] = c;
      parts[warp * BLOCK + 4 * lane + 3] = d;
    }
    context.localBarrier();
    if (thread < BLOCK) {
      float sum = 0.0f;
      for (int w = 0; w < WARPS; w++) {
        sum += parts[w * BLOCK + thread];
      }
      out.set(context.groupIdx * BLOCK + thread, sum);
    }
  }

  /**
   * As {@link #multiply}, by sixteen warps, as {@link MatrixVector#multiplyShared}.
   *
   * @param inputs a multiple of 128
   */
  public static void multiplyShared(
      KernelContext context,
      IntArray quants,
      HalfFloatArray scales,
      HalfFloatArray x,
      FloatArray out,
      int inputs) {
    float[] parts = context.allocateFloatLocalArray(SHARED_WARPS * BLOCK);
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int from = QuantTiles.START + context.groupIdx * 2 * inputs + lane;
    int scale = context.groupIdx * (inputs / 4) + lane % 2 * 4;
    float a = 0.0f;
    float b = 0.0f;
    float c = 0.0f;
    float d = 0.0f;
    for (int depth = warp * 128; depth < inputs; depth += SHARED_WARPS * 128) {
      int at = 2 * depth;
      int group = depth / 4;
      int input = depth + lane / 2;
      int q0 = quants.get(from + at);
      int q1 = quants.get(from + at + 32);
      int q2 = quants.get(from + at + 64);
      int q3 = quants.get(from + at + 96);
      int q4 = quants.get(from + at + 128);
      int q5 = quants.get(from + at + 160);
      int q6 = quants.get(from + at + 192);
      int q7 = quants.get(from + at + 224);
      float x0 = x.get(input).getFloat32();
      float x1 = x.get(input + 16).getFloat32();
      float x2 = x.get(input + 32).getFloat32();
      float x3 = x.get(input + 48).getFloat32();
      float x4 = x.get(input + 64).getFloat32();
      float x5 = x.get(input + 80).getFloat32();
      float x6 = x.get(input + 96).getFloat32();
      float x7 = x.get(input + 112).getFloat32();
      Half2 ql0 = scales.getHalf2(scale + group);
      Half2 qh0 = scales.getHalf2(scale + group + 2);
      Half2 ql1 = scales.getHalf2(scale + group + 8);
      Half2 qh1 = scales.getHalf2(scale + group + 10);
      Half2 ql2 = scales.getHalf2(scale + group + 16);
      Half2 qh2 = scales.getHalf2(scale + group + 18);
      Half2 ql3 = scales.getHalf2(scale + group + 24);
      Half2 qh3 = scales.getHalf2(scale + group + 26);
      a += Half2.lowFloat(ql0) * ((q0 << 24 >> 24) * x0 + (q1 << 24 >> 24) * x1);
      a += Half2.lowFloat(ql1) * ((q2 << 24 >> 24) * x2 + (q3 << 24 >> 24) * x3);
      a += Half2.lowFloat(ql2) * ((q4 << 24 >> 24) * x4 + (q5 << 24 >> 24) * x5);
      a += Half2.lowFloat(ql3) * ((q6 << 24 >> 24) * x6 + (q7 << 24 >> 24) * x7);
      b += Half2.highFloat(ql0) * ((q0 << 16 >> 24) * x0 + (q1 << 16 >> 24) * x1);
      b += Half2.highFloat(ql1) * ((q2 << 16 >> 24) * x2 + (q3 << 16 >> 24) * x3);
      b += Half2.highFloat(ql2) * ((q4 << 16 >> 24) * x4 + (q5 << 16 >> 24) * x5);
      b += Half2.highFloat(ql3) * ((q6 << 16 >> 24) * x6 + (q7 << 16 >> 24) * x7);
      c += Half2.lowFloat(qh0) * ((q0 << 8 >> 24) * x0 + (q1 << 8 >> 24) * x1);
      c += Half2.lowFloat(qh1) * ((q2 << 8 >> 24) * x2 + (q3 << 8 >> 24) * x3);
      c += Half2.lowFloat(qh2) * ((q4 << 8 >> 24) * x4 + (q5 << 8 >> 24) * x5);
      c += Half2.lowFloat(qh3) * ((q6 << 8 >> 24) * x6 + (q7 << 8 >> 24) * x7);
      d += Half2.highFloat(qh0) * ((q0 >> 24) * x0 + (q1 >> 24) * x1);
      d += Half2.highFloat(qh1) * ((q2 >> 24) * x2 + (q3 >> 24) * x3);
      d += Half2.highFloat(qh2) * ((q4 >> 24) * x4 + (q5 >> 24) * x5);
      d += Half2.highFloat(qh3) * ((q6 >> 24) * x6 + (q7 >> 24) * x7);
    }
    a += context.simdShuffleDown(a, 16);
    b += context.simdShuffleDown(b, 16);
    c += context.simdShuffleDown(c, 16);
    d += context.simdShuffleDown(d, 16);
    a += context.simdShuffleDown(a, 8);
    b += context.simdShuffleDown(b, 8);
    c += context.simdShuffleDown(c, 8);
    d += context.simdShuffleDown(d, 8);
    a += context.simdShuffleDown(a, 4);
    b += context.simdShuffleDown(b, 4);
    c += context.simdShuffleDown(c, 4);
    d += context.simdShuffleDown(d, 4);
    a += context.simdShuffleDown(a, 2);
    b += context.simdShuffleDown(b, 2);
    c += context.simdShuffleDown(c, 2);
    d += context.simdShuffleDown(d, 2);
    if (lane < 2) {
      parts[warp * BLOCK + 4 * lane] = a;
      parts[warp * BLOCK + 4 * lane + 1] = b;
      parts[warp * BLOCK + 4 * lane + 2] = c;
      parts[warp * BLOCK + 4 * lane + 3] = d;
    }
    context.localBarrier();
    if (thread < BLOCK) {
      float sum = 0.0f;
      for (int w = 0; w < SHARED_WARPS; w++) {
        sum += parts[w * BLOCK + thread];
      }
      out.set(context.groupIdx * BLOCK + thread, sum);
    }
  }

  /**
   * {@code gated[j] = activation(gate[j] · x) * (up[j] · x)}.
   *
   * @param quants of gate and up, interleaved as {@link WeightTiles#interleaved} says
   * @param scales likewise
   * @param x [inputs]
   * @param gated [outputs / 2], where outputs are those of both
   * @param activation one of {@link Activations}, not NONE
   */
  public static void multiplyGated(
      KernelContext context,
      IntArray quants,
      HalfFloatArray scales,
      HalfFloatArray x,
      HalfFloatArray gated,
      int inputs,
      int activation) {
    float[] parts = context.allocateFloatLocalArray(2 * WARPS * BLOCK);
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int padded = (inputs + 63) / 64 * 64;
    int whole = padded / 128 * 128;
    int last = inputs - 1;
    int gate = QuantTiles.START + context.groupIdx * 4 * padded + lane;
    int up = gate + 2 * padded;
    int gateScale = context.groupIdx * (padded / 2) + lane % 2 * 4;
    int upScale = gateScale + padded / 4;
    float g0 = 0.0f;
    float g1 = 0.0f;
    float g2 = 0.0f;
    float g3 = 0.0f;
    float u0 = 0.0f;
    float u1 = 0.0f;
    float u2 = 0.0f;
    float u3 = 0.0f;
    for (int depth = warp * 128; depth < whole; depth += WARPS * 128) {
      int at = 2 * depth;
      int group = depth / 4;
      int input = depth + lane / 2;
      int p0 = quants.get(gate + at);
      int p1 = quants.get(gate + at + 32);
      int p2 = quants.get(gate + at + 64);
      int p3 = quants.get(gate + at + 96);
      int p4 = quants.get(gate + at + 128);
      int p5 = quants.get(gate + at + 160);
      int p6 = quants.get(gate + at + 192);
      int p7 = quants.get(gate + at + 224);
      float x0 = x.get(inputs % 64 == 0 ? input : TornadoMath.min(input, last)).getFloat32();
      float x1 =
          x.get(inputs % 64 == 0 ? input + 16 : TornadoMath.min(input + 16, last)).getFloat32();
      float x2 =
          x.get(inputs % 64 == 0 ? input + 32 : TornadoMath.min(input + 32, last)).getFloat32();
      float x3 =
          x.get(inputs % 64 == 0 ? input + 48 : TornadoMath.min(input + 48, last)).getFloat32();
      float x4 =
          x.get(inputs % 64 == 0 ? input + 64 : TornadoMath.min(input + 64, last)).getFloat32();
      float x5 =
          x.get(inputs % 64 == 0 ? input + 80 : TornadoMath.min(input + 80, last)).getFloat32();
      float x6 =
          x.get(inputs % 64 == 0 ? input + 96 : TornadoMath.min(input + 96, last)).getFloat32();
      float x7 =
          x.get(inputs % 64 == 0 ? input + 112 : TornadoMath.min(input + 112, last)).getFloat32();
      Half2 pl0 = scales.getHalf2(gateScale + group);
      Half2 ph0 = scales.getHalf2(gateScale + group + 2);
      Half2 pl1 = scales.getHalf2(gateScale + group + 8);
      Half2 ph1 = scales.getHalf2(gateScale + group + 10);
      Half2 pl2 = scales.getHalf2(gateScale + group + 16);
      Half2 ph2 = scales.getHalf2(gateScale + group + 18);
      Half2 pl3 = scales.getHalf2(gateScale + group + 24);
      Half2 ph3 = scales.getHalf2(gateScale + group + 26);
      g0 += Half2.lowFloat(pl0) * ((p0 << 24 >> 24) * x0 + (p1 << 24 >> 24) * x1);
      g0 += Half2.lowFloat(pl1) * ((p2 << 24 >> 24) * x2 + (p3 << 24 >> 24) * x3);
      g0 += Half2.lowFloat(pl2) * ((p4 << 24 >> 24) * x4 + (p5 << 24 >> 24) * x5);
      g0 += Half2.lowFloat(pl3) * ((p6 << 24 >> 24) * x6 + (p7 << 24 >> 24) * x7);
      g1 += Half2.highFloat(pl0) * ((p0 << 16 >> 24) * x0 + (p1 << 16 >> 24) * x1);
      g1 += Half2.highFloat(pl1) * ((p2 << 16 >> 24) * x2 + (p3 << 16 >> 24) * x3);
      g1 += Half2.highFloat(pl2) * ((p4 << 16 >> 24) * x4 + (p5 << 16 >> 24) * x5);
      g1 += Half2.highFloat(pl3) * ((p6 << 16 >> 24) * x6 + (p7 << 16 >> 24) * x7);
      g2 += Half2.lowFloat(ph0) * ((p0 << 8 >> 24) * x0 + (p1 << 8 >> 24) * x1);
      g2 += Half2.lowFloat(ph1) * ((p2 << 8 >> 24) * x2 + (p3 << 8 >> 24) * x3);
      g2 += Half2.lowFloat(ph2) * ((p4 << 8 >> 24) * x4 + (p5 << 8 >> 24) * x5);
      g2 += Half2.lowFloat(ph3) * ((p6 << 8 >> 24) * x6 + (p7 << 8 >> 24) * x7);
      g3 += Half2.highFloat(ph0) * ((p0 >> 24) * x0 + (p1 >> 24) * x1);
      g3 += Half2.highFloat(ph1) * ((p2 >> 24) * x2 + (p3 >> 24) * x3);
      g3 += Half2.highFloat(ph2) * ((p4 >> 24) * x4 + (p5 >> 24) * x5);
      g3 += Half2.highFloat(ph3) * ((p6 >> 24) * x6 + (p7 >> 24) * x7);
    }
    for (int depth = whole + warp * 64; depth < padded; depth += WARPS * 64) {
      int at = 2 * depth;
      int group = depth / 4;
      int input = depth + lane / 2;
      int p0 = quants.get(gate + at);
      int p1 = quants.get(gate + at + 32);
      int p2 = quants.get(gate + at + 64);
      int p3 = quants.get(gate + at + 96);
      float x0 = x.get(inputs % 64 == 0 ? input : TornadoMath.min(input, last)).getFloat32();
      float x1 =
          x.get(inputs % 64 == 0 ? input + 16 : TornadoMath.min(input + 16, last)).getFloat32();
      float x2 =
          x.get(inputs % 64 == 0 ? input + 32 : TornadoMath.min(input + 32, last)).getFloat32();
      float x3 =
          x.get(inputs % 64 == 0 ? input + 48 : TornadoMath.min(input + 48, last)).getFloat32();
      Half2 pl0 = scales.getHalf2(gateScale + group);
      Half2 ph0 = scales.getHalf2(gateScale + group + 2);
      Half2 pl1 = scales.getHalf2(gateScale + group + 8);
      Half2 ph1 = scales.getHalf2(gateScale + group + 10);
      g0 += Half2.lowFloat(pl0) * ((p0 << 24 >> 24) * x0 + (p1 << 24 >> 24) * x1);
      g0 += Half2.lowFloat(pl1) * ((p2 << 24 >> 24) * x2 + (p3 << 24 >> 24) * x3);
      g1 += Half2.highFloat(pl0) * ((p0 << 16 >> 24) * x0 + (p1 << 16 >> 24) * x1);
      g1 += Half2.highFloat(pl1) * ((p2 << 16 >> 24) * x2 + (p3 << 16 >> 24) * x3);
      g2 += Half2.lowFloat(ph0) * ((p0 << 8 >> 24) * x0 + (p1 << 8 >> 24) * x1);
      g2 += Half2.lowFloat(ph1) * ((p2 << 8 >> 24) * x2 + (p3 << 8 >> 24) * x3);
      g3 += Half2.highFloat(ph0) * ((p0 >> 24) * x0 + (p1 >> 24) * x1);
      g3 += Half2.highFloat(ph1) * ((p2 >> 24) * x2 + (p3 >> 24) * x3);
    }
    for (int depth = warp * 128; depth < whole; depth += WARPS * 128) {
      int at = 2 * depth;
      int group = depth / 4;
      int input = depth + lane / 2;
      int q0 = quants.get(up + at);
      int q1 = quants.get(up + at + 32);
      int q2 = quants.get(up + at + 64);
      int q3 = quants.get(up + at + 96);
      int q4 = quants.get(up + at + 128);
      int q5 = quants.get(up + at + 160);
      int q6 = quants.get(up + at + 192);
      int q7 = quants.get(up + at + 224);
      float x0 = x.get(inputs % 64 == 0 ? input : TornadoMath.min(input, last)).getFloat32();
      float x1 =
          x.get(inputs % 64 == 0 ? input + 16 : TornadoMath.min(input + 16, last)).getFloat32();
      float x2 =
          x.get(inputs % 64 == 0 ? input + 32 : TornadoMath.min(input + 32, last)).getFloat32();
      float x3 =
          x.get(inputs % 64 == 0 ? input + 48 : TornadoMath.min(input + 48, last)).getFloat32();
      float x4 =
          x.get(inputs % 64 == 0 ? input + 64 : TornadoMath.min(input + 64, last)).getFloat32();
      float x5 =
          x.get(inputs % 64 == 0 ? input + 80 : TornadoMath.min(input + 80, last)).getFloat32();
      float x6 =
          x.get(inputs % 64 == 0 ? input + 96 : TornadoMath.min(input + 96, last)).getFloat32();
      float x7 =
          x.get(inputs % 64 == 0 ? input + 112 : TornadoMath.min(input + 112, last)).getFloat32();
      Half2 ql0 = scales.getHalf2(upScale + group);
      Half2 qh0 = scales.getHalf2(upScale + group + 2);
      Half2 ql1 = scales.getHalf2(upScale + group + 8);
      Half2 qh1 = scales.getHalf2(upScale + group + 10);
      Half2 ql2 = scales.getHalf2(upScale + group + 16);
      Half2 qh2 = scales.getHalf2(upScale + group + 18);
      Half2 ql3 = scales.getHalf2(upScale + group + 24);
      Half2 qh3 = scales.getHalf2(upScale + group + 26);
      u0 += Half2.lowFloat(ql0) * ((q0 << 24 >> 24) * x0 + (q1 << 24 >> 24) * x1);
      u0 += Half2.lowFloat(ql1) * ((q2 << 24 >> 24) * x2 + (q3 << 24 >> 24) * x3);
      u0 += Half2.lowFloat(ql2) * ((q4 << 24 >> 24) * x4 + (q5 << 24 >> 24) * x5);
      u0 += Half2.lowFloat(ql3) * ((q6 << 24 >> 24) * x6 + (q7 << 24 >> 24) * x7);
      u1 += Half2.highFloat(ql0) * ((q0 << 16 >> 24) * x0 + (q1 << 16 >> 24) * x1);
      u1 += Half2.highFloat(ql1) * ((q2 << 16 >> 24) * x2 + (q3 << 16 >> 24) * x3);
      u1 += Half2.highFloat(ql2) * ((q4 << 16 >> 24) * x4 + (q5 << 16 >> 24) * x5);
      u1 += Half2.highFloat(ql3) * ((q6 << 16 >> 24) * x6 + (q7 << 16 >> 24) * x7);
      u2 += Half2.lowFloat(qh0) * ((q0 << 8 >> 24) * x0 + (q1 << 8 >> 24) * x1);
      u2 += Half2.lowFloat(qh1) * ((q2 << 8 >> 24) * x2 + (q3 << 8 >> 24) * x3);
      u2 += Half2.lowFloat(qh2) * ((q4 << 8 >> 24) * x4 + (q5 << 8 >> 24) * x5);
      u2 += Half2.lowFloat(qh3) * ((q6 << 8 >> 24) * x6 + (q7 << 8 >> 24) * x7);
      u3 += Half2.highFloat(qh0) * ((q0 >> 24) * x0 + (q1 >> 24) * x1);
      u3 += Half2.highFloat(qh1) * ((q2 >> 24) * x2 + (q3 >> 24) * x3);
      u3 += Half2.highFloat(qh2) * ((q4 >> 24) * x4 + (q5 >> 24) * x5);
      u3 += Half2.highFloat(qh3) * ((q6 >> 24) * x6 + (q7 >> 24) * x7);
    }
    for (int depth = whole + warp * 64; depth < padded; depth += WARPS * 64) {
      int at = 2 * depth;
      int group = depth / 4;
      int input = depth + lane / 2;
      int q0 = quants.get(up + at);
      int q1 = quants.get(up + at + 32);
      int q2 = quants.get(up + at + 64);
      int q3 = quants.get(up + at + 96);
      float x0 = x.get(inputs % 64 == 0 ? input : TornadoMath.min(input, last)).getFloat32();
      float x1 =
          x.get(inputs % 64 == 0 ? input + 16 : TornadoMath.min(input + 16, last)).getFloat32();
      float x2 =
          x.get(inputs % 64 == 0 ? input + 32 : TornadoMath.min(input + 32, last)).getFloat32();
      float x3 =
          x.get(inputs % 64 == 0 ? input + 48 : TornadoMath.min(input + 48, last)).getFloat32();
      Half2 ql0 = scales.getHalf2(upScale + group);
      Half2 qh0 = scales.getHalf2(upScale + group + 2);
      Half2 ql1 = scales.getHalf2(upScale + group + 8);
      Half2 qh1 = scales.getHalf2(upScale + group + 10);
      u0 += Half2.lowFloat(ql0) * ((q0 << 24 >> 24) * x0 + (q1 << 24 >> 24) * x1);
      u0 += Half2.lowFloat(ql1) * ((q2 << 24 >> 24) * x2 + (q3 << 24 >> 24) * x3);
      u1 += Half2.highFloat(ql0) * ((q0 << 16 >> 24) * x0 + (q1 << 16 >> 24) * x1);
      u1 += Half2.highFloat(ql1) * ((q2 << 16 >> 24) * x2 + (q3 << 16 >> 24) * x3);
      u2 += Half2.lowFloat(qh0) * ((q0 << 8 >> 24) * x0 + (q1 << 8 >> 24) * x1);
      u2 += Half2.lowFloat(qh1) * ((q2 << 8 >> 24) * x2 + (q3 << 8 >> 24) * x3);
      u3 += Half2.highFloat(qh0) * ((q0 >> 24) * x0 + (q1 >> 24) * x1);
      u3 += Half2.highFloat(qh1) * ((q2 >> 24) * x2 + (q3 >> 24) * x3);
    }
    g0 += context.simdShuffleDown(g0, 16);
    g1 += context.simdShuffleDown(g1, 16);
    g2 += context.simdShuffleDown(g2, 16);
    g3 += context.simdShuffleDown(g3, 16);
    u0 += context.simdShuffleDown(u0, 16);
    u1 += context.simdShuffleDown(u1, 16);
    u2 += context.simdShuffleDown(u2, 16);
    u3 += context.simdShuffleDown(u3, 16);
    g0 += context.simdShuffleDown(g0, 8);
    g1 += context.simdShuffleDown(g1, 8);
    g2 += context.simdShuffleDown(g2, 8);
    g3 += context.simdShuffleDown(g3, 8);
    u0 += context.simdShuffleDown(u0, 8);
    u1 += context.simdShuffleDown(u1, 8);
    u2 += context.simdShuffleDown(u2, 8);
    u3 += context.simdShuffleDown(u3, 8);
    g0 += context.simdShuffleDown(g0, 4);
    g1 += context.simdShuffleDown(g1, 4);
    g2 += context.simdShuffleDown(g2, 4);
    g3 += context.simdShuffleDown(g3, 4);
    u0 += context.simdShuffleDown(u0, 4);
    u1 += context.simdShuffleDown(u1, 4);
    u2 += context.simdShuffleDown(u2, 4);
    u3 += context.simdShuffleDown(u3, 4);
    g0 += context.simdShuffleDown(g0, 2);
    g1 += context.simdShuffleDown(g1, 2);
    g2 += context.simdShuffleDown(g2, 2);
    g3 += context.simdShuffleDown(g3, 2);
    u0 += context.simdShuffleDown(u0, 2);
    u1 += context.simdShuffleDown(u1, 2);
    u2 += context.simdShuffleDown(u2, 2);
    u3 += context.simdShuffleDown(u3, 2);
    if (lane < 2) {
      parts[warp * (2 * BLOCK) + 4 * lane] = g0;
      parts[warp * (2 * BLOCK) + 4 * lane + BLOCK] = u0;
      parts[warp * (2 * BLOCK) + 4 * lane + 1] = g1;
      parts[warp * (2 * BLOCK) + 4 * lane + BLOCK + 1] = u1;
      parts[warp * (2 * BLOCK) + 4 * lane + 2] = g2;
      parts[warp * (2 * BLOCK) + 4 * lane + BLOCK + 2] = u2;
      parts[warp * (2 * BLOCK) + 4 * lane + 3] = g3;
      parts[warp * (2 * BLOCK) + 4 * lane + BLOCK + 3] = u3;
    }
    context.localBarrier();
    if (thread < BLOCK) {
      float first = 0.0f;
      float second = 0.0f;
      for (int w = 0; w < WARPS; w++) {
        first += parts[w * (2 * BLOCK) + thread];
        second += parts[w * (2 * BLOCK) + BLOCK + thread];
      }
      gated.set(
          context.groupIdx * BLOCK + thread,
          new HalfFloat(Activations.apply(activation, first, second)));
    }
  }

  /** Groups for {@link #multiply} and all outputs. The reference is MatrixVector's. */
  public static WorkerGrid grid(int outputs) {
    return MatrixVector.grid(outputs);
  }

  /** Groups for {@link #multiplyShared} and all outputs. */
  public static WorkerGrid sharedGrid(int outputs) {
    return MatrixVector.sharedGrid(outputs);
  }

  /** Groups for {@link #multiplyGated} and all outputs of gate and up together. */
  public static WorkerGrid gatedGrid(int outputs) {
    return MatrixVector.gatedGrid(outputs);
  }
}
