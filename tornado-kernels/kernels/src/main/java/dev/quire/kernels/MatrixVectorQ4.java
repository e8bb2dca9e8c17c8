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
 * One row of activations times a weight matrix of four bits a weight; a group as {@link
 * MatrixVector} has it.
 *
 * <pre>
 *   a block of 8 outputs, as NibbleTiles has it:   lane 4q+p: inputs 4q to 4q+3 of outputs 2p, 2p+1
 *     128 inputs │ 4 strips of 128 bytes │   warp 0        a scale and a least for 32 inputs
 *     …                                      16 or 8 warps take turns
 * </pre>
 */
public final class MatrixVectorQ4 {
  private MatrixVectorQ4() {}

  /** Threads of a group: sixteen warps. */
  public static final int GROUP = MatrixVector.GROUP;

  private static final int WARP = 32;

  /** Warps of a group. */
  public static final int WARPS = GROUP / WARP;

  private static final int BLOCK = WeightTiles.OUTPUTS;

  /**
   * As {@link MatrixVector#multiply}.
   *
   * @param nibbles as {@link NibbleTiles} has them; gate and up interleaved if there is an
   *     activation
   * @param steps likewise
   */
  public static void multiply(
      KernelContext context,
      IntArray nibbles,
      HalfFloatArray steps,
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
    int padded = (inputs + 127) / 128 * 128;
    int last = inputs - 2;
    int block = context.groupIdx * (WARPS / warps) + warp / warps;
    int from = block * padded + lane;
    int step = block * (padded / 2) + lane % 4 * 4;
    float a = 0.0f;
    float b = 0.0f;
    for (int depth = warp % warps * 128; depth < padded; depth += warps * 128) {
      int input = depth + lane / 4 * 4;
      int q0 = nibbles.get(from + depth);
      int q1 = nibbles.get(from + depth + 32);
      int q2 = nibbles.get(from + depth + 64);
      int q3 = nibbles.get(from + depth + 96);
      Half2 e0 = steps.getHalf2(step + depth / 2);
      Half2 o0 = steps.getHalf2(step + depth / 2 + 2);
      Half2 e1 = steps.getHalf2(step + depth / 2 + 16);
      Half2 o1 = steps.getHalf2(step + depth / 2 + 18);
      Half2 e2 = steps.getHalf2(step + depth / 2 + 32);
      Half2 o2 = steps.getHalf2(step + depth / 2 + 34);
      Half2 e3 = steps.getHalf2(step + depth / 2 + 48);
      Half2 o3 = steps.getHalf2(step + depth / 2 + 50);
      Half2 l0 = x.getHalf2(inputs % 128 == 0 ? input : TornadoMath.min(input, last));
      Half2 h0 = x.getHalf2(inputs % 128 == 0 ? input + 2 : TornadoMath.min(input + 2, last));
      Half2 l1 = x.getHalf2(inputs % 128 == 0 ? input + 32 : TornadoMath.min(input + 32, last));
      Half2 h1 = x.getHalf2(inputs % 128 == 0 ? input + 34 : TornadoMath.min(input + 34, last));
      Half2 l2 = x.getHalf2(inputs % 128 == 0 ? input + 64 : TornadoMath.min(input + 64, last));
      Half2 h2 = x.getHalf2(inputs % 128 == 0 ? input + 66 : TornadoMath.min(input + 66, last));
      Half2 l3 = x.getHalf2(inputs % 128 == 0 ? input + 96 : TornadoMath.min(input + 96, last));
      Half2 h3 = x.getHalf2(inputs % 128 == 0 ? input + 98 : TornadoMath.min(input + 98, last));
      a += weighted(q0, e0, l0, h0);
      b += weighted(q0 >> 16, o0, l0, h0);
      a += weighted(q1, e1, l1, h1);
      b += weighted(q1 >> 16, o1, l1, h1);
      a += weighted(q2, e2, l2, h2);
      b += weighted(q2 >> 16, o2, l2, h2);
      a += weighted(q3, e3, l3, h3);
      b += weighted(q3 >> 16, o3, l3, h3);
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

  /** Four weights of an output times their inputs. */
  private static float weighted(int four, Half2 step, Half2 low, Half2 high) {
    float x0 = Half2.lowFloat(low);
    float x1 = Half2.highFloat(low);
    float x2 = Half2.lowFloat(high);
    float x3 = Half2.highFloat(high);
    float sum =
        (four & 15) * x0 + (four >> 4 & 15) * x1 + (four >> 8 & 15) * x2 + (four >> 12 & 15) * x3;
    return Half2.lowFloat(step) * sum - Half2.highFloat(step) * (x0 + x1 + x2 + x3);
  }

  /** Groups for all outputs, those of gate and up together. The reference is MatrixVector's. */
  public static WorkerGrid grid(int outputs, int warps) {
    return MatrixVector.grid(outputs, warps);
  }
}
