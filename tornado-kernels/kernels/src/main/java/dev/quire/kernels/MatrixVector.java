package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * One row of activations times a weight matrix.
 *
 * <pre>
 *   a block of 8 outputs, as WeightTiles has it:      lane 4k+j: outputs 2j, 2j+1 of input k
 *     64 inputs │ 8 strips of 128 bytes under way │   warp 0
 *     64 inputs │                                 │   warp 1
 *     …                                               8 warps take turns
 *   sums of a lane ── shuffles: over the 8 lanes of an output ── local memory: over the 8 warps
 * </pre>
 *
 * A group has one block, or two, one after the other, where gate and up are interleaved. Sums are
 * always added in the same order. It takes any shape; {@link MatrixVectorShared} is faster on those
 * that it takes.
 */
public final class MatrixVector {
  private MatrixVector() {}

  /** Threads of a group: eight warps. */
  public static final int GROUP = 256;

  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;
  private static final int BLOCK = WeightTiles.OUTPUTS;

  /**
   * {@code out[o] = sum over i of weights[o, i] * x[i]}, summed in floats.
   *
   * @param weights as {@link WeightTiles} has them
   * @param x [inputs]
   * @param out [outputs], a multiple of 8
   */
  public static void multiply(
      KernelContext context, HalfFloatArray weights, HalfFloatArray x, FloatArray out, int inputs) {
    float[] parts = context.allocateFloatLocalArray(WARPS * BLOCK);
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int padded = (inputs + 63) / 64 * 64;
    int last = inputs - 1;
    int from = WeightTiles.START + context.groupIdx * BLOCK * padded + 2 * lane;
    float a = 0.0f;
    float b = 0.0f;
    for (int depth = warp * 64; depth < padded; depth += WARPS * 64) {
      int at = depth * BLOCK;
      int input = depth + lane / 4;
      Half2 w0 = weights.getHalf2(from + at);
      Half2 w1 = weights.getHalf2(from + at + 64);
      Half2 w2 = weights.getHalf2(from + at + 128);
      Half2 w3 = weights.getHalf2(from + at + 192);
      Half2 w4 = weights.getHalf2(from + at + 256);
      Half2 w5 = weights.getHalf2(from + at + 320);
      Half2 w6 = weights.getHalf2(from + at + 384);
      Half2 w7 = weights.getHalf2(from + at + 448);
      float x0 = x.get(inputs % 64 == 0 ? input : TornadoMath.min(input, last)).getFloat32();
      float x1 =
          x.get(inputs % 64 == 0 ? input + 8 : TornadoMath.min(input + 8, last)).getFloat32();
      float x2 =
          x.get(inputs % 64 == 0 ? input + 16 : TornadoMath.min(input + 16, last)).getFloat32();
      float x3 =
          x.get(inputs % 64 == 0 ? input + 24 : TornadoMath.min(input + 24, last)).getFloat32();
      float x4 =
          x.get(inputs % 64 == 0 ? input + 32 : TornadoMath.min(input + 32, last)).getFloat32();
      float x5 =
          x.get(inputs % 64 == 0 ? input + 40 : TornadoMath.min(input + 40, last)).getFloat32();
      float x6 =
          x.get(inputs % 64 == 0 ? input + 48 : TornadoMath.min(input + 48, last)).getFloat32();
      float x7 =
          x.get(inputs % 64 == 0 ? input + 56 : TornadoMath.min(input + 56, last)).getFloat32();
      a += Half2.lowFloat(w0) * x0;
      a += Half2.lowFloat(w1) * x1;
      a += Half2.lowFloat(w2) * x2;
      a += Half2.lowFloat(w3) * x3;
      a += Half2.lowFloat(w4) * x4;
      a += Half2.lowFloat(w5) * x5;
      a += Half2.lowFloat(w6) * x6;
      a += Half2.lowFloat(w7) * x7;
      b += Half2.highFloat(w0) * x0;
      b += Half2.highFloat(w1) * x1;
      b += Half2.highFloat(w2) * x2;
      b += Half2.highFloat(w3) * x3;
      b += Half2.highFloat(w4) * x4;
      b += Half2.highFloat(w5) * x5;
      b += Half2.highFloat(w6) * x6;
      b += Half2.highFloat(w7) * x7;
    }
    a += context.simdShuffleDown(a, 16);
    b += context.simdShuffleDown(b, 16);
    a += context.simdShuffleDown(a, 8);
    b += context.simdShuffleDown(b, 8);
    a += context.simdShuffleDown(a, 4);
    b += context.simdShuffleDown(b, 4);
    if (lane < 4) {
      parts[warp * BLOCK + 2 * lane] = a;
      parts[warp * BLOCK + 2 * lane + 1] = b;
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
   * {@code gated[j] = activation(gate[j] · x) * (up[j] · x)}.
   *
   * @param weights of gate and up, interleaved as {@link WeightTiles#interleaved} says
   * @param x [inputs]
   * @param gated [outputs / 2], where outputs are those of both
   * @param activation one of {@link Activations}, not NONE
   */
  public static void multiplyGated(
      KernelContext context,
      HalfFloatArray weights,
      HalfFloatArray x,
      HalfFloatArray gated,
      int inputs,
      int activation) {
    float[] parts = context.allocateFloatLocalArray(2 * WARPS * BLOCK);
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int padded = (inputs + 63) / 64 * 64;
    int last = inputs - 1;
    int gate = WeightTiles.START + 2 * context.groupIdx * BLOCK * padded + 2 * lane;
    int up = gate + BLOCK * padded;
    float a = 0.0f;
    float b = 0.0f;
    float c = 0.0f;
    float d = 0.0f;
    for (int depth = warp * 64; depth < padded; depth += WARPS * 64) {
      int at = depth * BLOCK;
      int input = depth + lane / 4;
      Half2 g0 = weights.getHalf2(gate + at);
      Half2 g1 = weights.getHalf2(gate + at + 64);
      Half2 g2 = weights.getHalf2(gate + at + 128);
      Half2 g3 = weights.getHalf2(gate + at + 192);
      Half2 g4 = weights.getHalf2(gate + at + 256);
      Half2 g5 = weights.getHalf2(gate + at + 320);
      Half2 g6 = weights.getHalf2(gate + at + 384);
      Half2 g7 = weights.getHalf2(gate + at + 448);
      float x0 = x.get(inputs % 64 == 0 ? input : TornadoMath.min(input, last)).getFloat32();
      float x1 =
          x.get(inputs % 64 == 0 ? input + 8 : TornadoMath.min(input + 8, last)).getFloat32();
      float x2 =
          x.get(inputs % 64 == 0 ? input + 16 : TornadoMath.min(input + 16, last)).getFloat32();
      float x3 =
          x.get(inputs % 64 == 0 ? input + 24 : TornadoMath.min(input + 24, last)).getFloat32();
      float x4 =
          x.get(inputs % 64 == 0 ? input + 32 : TornadoMath.min(input + 32, last)).getFloat32();
      float x5 =
          x.get(inputs % 64 == 0 ? input + 40 : TornadoMath.min(input + 40, last)).getFloat32();
      float x6 =
          x.get(inputs % 64 == 0 ? input + 48 : TornadoMath.min(input + 48, last)).getFloat32();
      float x7 =
          x.get(inputs % 64 == 0 ? input + 56 : TornadoMath.min(input + 56, last)).getFloat32();
      a += Half2.lowFloat(g0) * x0;
      a += Half2.lowFloat(g1) * x1;
      a += Half2.lowFloat(g2) * x2;
      a += Half2.lowFloat(g3) * x3;
      a += Half2.lowFloat(g4) * x4;
      a += Half2.lowFloat(g5) * x5;
      a += Half2.lowFloat(g6) * x6;
      a += Half2.lowFloat(g7) * x7;
      b += Half2.highFloat(g0) * x0;
      b += Half2.highFloat(g1) * x1;
      b += Half2.highFloat(g2) * x2;
      b += Half2.highFloat(g3) * x3;
      b += Half2.highFloat(g4) * x4;
      b += Half2.highFloat(g5) * x5;
      b += Half2.highFloat(g6) * x6;
      b += Half2.highFloat(g7) * x7;
    }
    for (int depth = warp * 64; depth < padded; depth += WARPS * 64) {
      int at = depth * BLOCK;
      int input = depth + lane / 4;
      Half2 u0 = weights.getHalf2(up + at);
      Half2 u1 = weights.getHalf2(up + at + 64);
      Half2 u2 = weights.getHalf2(up + at + 128);
      Half2 u3 = weights.getHalf2(up + at + 192);
      Half2 u4 = weights.getHalf2(up + at + 256);
      Half2 u5 = weights.getHalf2(up + at + 320);
      Half2 u6 = weights.getHalf2(up + at + 384);
      Half2 u7 = weights.getHalf2(up + at + 448);
      float x0 = x.get(inputs % 64 == 0 ? input : TornadoMath.min(input, last)).getFloat32();
      float x1 =
          x.get(inputs % 64 == 0 ? input + 8 : TornadoMath.min(input + 8, last)).getFloat32();
      float x2 =
          x.get(inputs % 64 == 0 ? input + 16 : TornadoMath.min(input + 16, last)).getFloat32();
      float x3 =
          x.get(inputs % 64 == 0 ? input + 24 : TornadoMath.min(input + 24, last)).getFloat32();
      float x4 =
          x.get(inputs % 64 == 0 ? input + 32 : TornadoMath.min(input + 32, last)).getFloat32();
      float x5 =
          x.get(inputs % 64 == 0 ? input + 40 : TornadoMath.min(input + 40, last)).getFloat32();
      float x6 =
          x.get(inputs % 64 == 0 ? input + 48 : TornadoMath.min(input + 48, last)).getFloat32();
      float x7 =
          x.get(inputs % 64 == 0 ? input + 56 : TornadoMath.min(input + 56, last)).getFloat32();
      c += Half2.lowFloat(u0) * x0;
      c += Half2.lowFloat(u1) * x1;
      c += Half2.lowFloat(u2) * x2;
      c += Half2.lowFloat(u3) * x3;
      c += Half2.lowFloat(u4) * x4;
      c += Half2.lowFloat(u5) * x5;
      c += Half2.lowFloat(u6) * x6;
      c += Half2.lowFloat(u7) * x7;
      d += Half2.highFloat(u0) * x0;
      d += Half2.highFloat(u1) * x1;
      d += Half2.highFloat(u2) * x2;
      d += Half2.highFloat(u3) * x3;
      d += Half2.highFloat(u4) * x4;
      d += Half2.highFloat(u5) * x5;
      d += Half2.highFloat(u6) * x6;
      d += Half2.highFloat(u7) * x7;
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
    if (lane < 4) {
      parts[warp * BLOCK + 2 * lane] = a;
      parts[warp * BLOCK + 2 * lane + 1] = b;
      parts[(WARPS + warp) * BLOCK + 2 * lane] = c;
      parts[(WARPS + warp) * BLOCK + 2 * lane + 1] = d;
    }
    context.localBarrier();
    if (thread < BLOCK) {
      float first = 0.0f;
      float second = 0.0f;
      for (int w = 0; w < WARPS; w++) {
        first += parts[w * BLOCK + thread];
        second += parts[(WARPS + w) * BLOCK + thread];
      }
      gated.set(
          context.groupIdx * BLOCK + thread,
          new HalfFloat(Activations.apply(activation, first, second)));
    }
  }

  /** Groups for {@link #multiply} and all outputs. */
  public static WorkerGrid grid(int outputs) {
    return groups(outputs / BLOCK, GROUP);
  }

  /** Groups for {@link #multiplyGated} and all outputs of gate and up together. */
  public static WorkerGrid gatedGrid(int outputs) {
    return groups(outputs / (2 * BLOCK), GROUP);
  }

  private static WorkerGrid groups(int count, int size) {
    WorkerGrid grid = new WorkerGrid1D(count * size);
    grid.setLocalWork(size, 1, 1);
    return grid;
  }

  /** Any number of rows in plain Java: {@code out[r, o]}. */
  public static float[] reference(float[] weights, float[] x, int rows, int outputs, int inputs) {
    float[] out = new float[rows * outputs];
    for (int r = 0; r < rows; r++) {
      for (int o = 0; o < outputs; o++) {
        double sum = 0;
        for (int i = 0; i < inputs; i++) {
          sum += (double) weights[o * inputs + i] * x[r * inputs + i];
        }
        out[r * outputs + o] = (float) sum;
      }
    }
    return out;
  }
}
