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
 *     64 inputs │ 4 strips of 128 bytes │   warp 0        a scale for 32 inputs of an output
 *     …                                     16 or 8 warps take turns
 * </pre>
 */
public final class MatrixVectorQ8 {
  private MatrixVectorQ8() {}

  /** Threads of a group: sixteen warps. */
  public static final int GROUP = MatrixVector.GROUP;

  private static final int WARP = 32;

  /** Warps of a group. */
  public static final int WARPS = GROUP / WARP;

  private static final int BLOCK = WeightTiles.OUTPUTS;

  /**
   * {@code out[o] = sum over i of weights[o, i] * x[i]}, summed in floats; with an activation
   * {@code gated[j] = activation(gate[j] · x) * (up[j] · x)} instead.
   *
   * @param quants as {@link QuantTiles} has them; gate and up interleaved if there is an activation
   * @param scales likewise
   * @param x [inputs]
   * @param out [outputs], a multiple of 8, if there is no activation
   * @param gated [outputs / 2], if there is one
   * @param warps that share a block: {@value #WARPS}, which keeps a device busy with few outputs,
   *     or half of them; half of them if there is an activation
   * @param activation one of {@link Activations}
   */
  public static void multiply(
      KernelContext context,
      IntArray quants,
      HalfFloatArray scales,
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
    int from = block * 2 * padded + lane;
    int scale = block * (padded / 4) + lane % 2 * 4;
    float a = 0.0f;
    float b = 0.0f;
    float c = 0.0f;
    float d = 0.0f;
    for (int depth = warp % warps * 64; depth < padded; depth += warps * 64) {
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

  /** Groups for all outputs, those of gate and up together. The reference is MatrixVector's. */
  public static WorkerGrid grid(int outputs, int warps) {
    return MatrixVector.grid(outputs, warps);
  }
}
