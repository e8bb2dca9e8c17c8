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
 *     …                                               16 warps take turns; or 8, and the other 8
 *                                                     have the next block: up, where this is gate
 *   sums of a lane ── shuffles: over the 8 lanes of an output ── local memory: over the warps
 * </pre>
 *
 * Sums are always added in the same order.
 */
public final class MatrixVector {
  private MatrixVector() {}

  /** Threads of a group: sixteen warps. */
  public static final int GROUP = 512;

  private static final int WARP = 32;

  /** Warps of a group. */
  public static final int WARPS = GROUP / WARP;

  private static final int BLOCK = WeightTiles.OUTPUTS;

  /**
   * {@code out[o] = sum over i of weights[o, i] * x[i]}, summed in floats; with an activation
   * {@code gated[j] = activation(gate[j] · x) * (up[j] · x)} instead.
   *
   * @param weights as {@link WeightTiles} has them; gate and up interleaved if there is an
   *     activation
   * @param x [inputs]
   * @param out [outputs], a multiple of 8, if there is no activation
   * @param gated [outputs / 2], if there is one
   * @param warps that share a block: {@value #WARPS}, which keeps a device busy with few outputs,
   *     or half of them; half of them if there is an activation
   * @param activation one of {@link Activations}
   */
  public static void multiply(
      KernelContext context,
      HalfFloatArray weights,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      int outputs,
      int inputs,
      int warps,
      int activation) {
    float[] parts = context.allocateFloatLocalArray(WARPS * BLOCK);
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int padded = (inputs + 63) / 64 * 64;
    int last = inputs - 1;
    int block = context.groupIdx * (WARPS / warps) + warp / warps;
    int from = block * BLOCK * padded + 2 * lane;
    float a = 0.0f;
    float b = 0.0f;
    for (int depth = warp % warps * 64; depth < padded; depth += warps * 64) {
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
      b += Half2.highFloat(w0) * x0;
      a += Half2.lowFloat(w1) * x1;
      b += Half2.highFloat(w1) * x1;
      a += Half2.lowFloat(w2) * x2;
      b += Half2.highFloat(w2) * x2;
      a += Half2.lowFloat(w3) * x3;
      b += Half2.highFloat(w3) * x3;
      a += Half2.lowFloat(w4) * x4;
      b += Half2.highFloat(w4) * x4;
      a += Half2.lowFloat(w5) * x5;
      b += Half2.highFloat(w5) * x5;
      a += Half2.lowFloat(w6) * x6;
      b += Half2.highFloat(w6) * x6;
      a += Half2.lowFloat(w7) * x7;
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
    if (activation == Activations.NONE) {
      int output = context.groupIdx * (WARPS / warps) * BLOCK + thread;
      if (thread < WARPS / warps * BLOCK && output < outputs) {
        float sum = 0.0f;
        for (int w = 0; w < warps; w++) {
          sum += parts[(thread / BLOCK * warps + w) * BLOCK + thread % BLOCK];
        }
        out.set(output, sum);
      }
    } else if (thread < BLOCK) {
      float gate = 0.0f;
      float up = 0.0f;
      for (int w = 0; w < WARPS / 2; w++) {
        gate += parts[w * BLOCK + thread];
        up += parts[(WARPS / 2 + w) * BLOCK + thread];
      }
      gated.set(
          context.groupIdx * BLOCK + thread,
          new HalfFloat(Activations.apply(activation, gate, up)));
    }
  }

  /** Groups for all outputs, those of gate and up together. */
  public static WorkerGrid grid(int outputs, int warps) {
    int groups = Math.ceilDiv(outputs, WARPS / warps * BLOCK);
    WorkerGrid grid = new WorkerGrid1D(groups * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
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
