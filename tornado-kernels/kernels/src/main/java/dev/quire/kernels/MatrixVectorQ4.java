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
 *     …                                      8 warps take turns
 * </pre>
 */
public final class MatrixVectorQ4 {
  private MatrixVectorQ4() {}

  /** Threads of a group: eight warps. */
  public static final int GROUP = MatrixVector.GROUP;

  private static final int WARP = 32;

  private static final int WARPS = GROUP / WARP;

  private static final int BLOCK = WeightTiles.OUTPUTS;

  /**
   * As {@link MatrixVector#multiply}.
   *
   * @param nibbles as {@link NibbleTiles} has them
   * @param steps likewise
   */
  public static void multiplyEarly(
      KernelContext context,
      IntArray nibbles,
      HalfFloatArray steps,
      HalfFloatArray x,
      FloatArray out,
      int inputs) {
    float[] parts = context.allocateFloatLocalArray(WARPS * BLOCK);
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int padded = (inputs + 127) / 128 * 128;
    int last = inputs - 2;
    int from = NibbleTiles.START + context.groupIdx * padded + lane;
    int step = context.groupIdx * (padded / 2) + lane % 4 * 4;
    float a = 0.0f;
    float b = 0.0f;
    for (int depth = warp * 128; depth < padded; depth += WARPS * 128) {
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
      if (depth < WARPS * 128) {
        Predecessors.await(context);
        Predecessors.release(context);
      }
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
    if (thread < BLOCK) {
      float sum = 0.0f;
      for (int w = 0; w < WARPS; w++) {
        sum += parts[w * BLOCK + thread];
      }
      out.set(context.groupIdx * BLOCK + thread, sum);
    }
  }

  /**
   * As {@link MatrixVector#multiplyGated}.
   *
   * @param nibbles of gate and up, interleaved as {@link WeightTiles#interleaved} says
   * @param steps likewise
   */
  public static void multiplyGatedEarly(
      KernelContext context,
      IntArray nibbles,
      HalfFloatArray steps,
      HalfFloatArray x,
      HalfFloatArray gated,
      int inputs,
      int activation) {
    float[] parts = context.allocateFloatLocalArray(2 * WARPS * BLOCK);
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int padded = (inputs + 127) / 128 * 128;
    int last = inputs - 2;
    int gate = NibbleTiles.START + 2 * context.groupIdx * padded + lane;
    int up = gate + padded;
    int gateStep = context.groupIdx * padded + lane % 4 * 4;
    int upStep = gateStep + padded / 2;
    float a = 0.0f;
    float b = 0.0f;
    float c = 0.0f;
    float d = 0.0f;
    for (int depth = warp * 128; depth < padded; depth += WARPS * 128) {
      int input = depth + lane / 4 * 4;
      int q0 = nibbles.get(gate + depth);
      int q1 = nibbles.get(gate + depth + 32);
      int q2 = nibbles.get(gate + depth + 64);
      int q3 = nibbles.get(gate + depth + 96);
      Half2 e0 = steps.getHalf2(gateStep + depth / 2);
      Half2 o0 = steps.getHalf2(gateStep + depth / 2 + 2);
      Half2 e1 = steps.getHalf2(gateStep + depth / 2 + 16);
      Half2 o1 = steps.getHalf2(gateStep + depth / 2 + 18);
      Half2 e2 = steps.getHalf2(gateStep + depth / 2 + 32);
      Half2 o2 = steps.getHalf2(gateStep + depth / 2 + 34);
      Half2 e3 = steps.getHalf2(gateStep + depth / 2 + 48);
      Half2 o3 = steps.getHalf2(gateStep + depth / 2 + 50);
      if (depth < WARPS * 128) {
        Predecessors.await(context);
        Predecessors.release(context);
      }
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
    for (int depth = warp * 128; depth < padded; depth += WARPS * 128) {
      int input = depth + lane / 4 * 4;
      int q0 = nibbles.get(up + depth);
      int q1 = nibbles.get(up + depth + 32);
      int q2 = nibbles.get(up + depth + 64);
      int q3 = nibbles.get(up + depth + 96);
      Half2 e0 = steps.getHalf2(upStep + depth / 2);
      Half2 o0 = steps.getHalf2(upStep + depth / 2 + 2);
      Half2 e1 = steps.getHalf2(upStep + depth / 2 + 16);
      Half2 o1 = steps.getHalf2(upStep + depth / 2 + 18);
      Half2 e2 = steps.getHalf2(upStep + depth / 2 + 32);
      Half2 o2 = steps.getHalf2(upStep + depth / 2 + 34);
      Half2 e3 = steps.getHalf2(upStep + depth / 2 + 48);
      Half2 o3 = steps.getHalf2(upStep + depth / 2 + 50);
      Half2 l0 = x.getHalf2(inputs % 128 == 0 ? input : TornadoMath.min(input, last));
      Half2 h0 = x.getHalf2(inputs % 128 == 0 ? input + 2 : TornadoMath.min(input + 2, last));
      Half2 l1 = x.getHalf2(inputs % 128 == 0 ? input + 32 : TornadoMath.min(input + 32, last));
      Half2 h1 = x.getHalf2(inputs % 128 == 0 ? input + 34 : TornadoMath.min(input + 34, last));
      Half2 l2 = x.getHalf2(inputs % 128 == 0 ? input + 64 : TornadoMath.min(input + 64, last));
      Half2 h2 = x.getHalf2(inputs % 128 == 0 ? input + 66 : TornadoMath.min(input + 66, last));
      Half2 l3 = x.getHalf2(inputs % 128 == 0 ? input + 96 : TornadoMath.min(input + 96, last));
      Half2 h3 = x.getHalf2(inputs % 128 == 0 ? input + 98 : TornadoMath.min(input + 98, last));
      c += weighted(q0, e0, l0, h0);
      d += weighted(q0 >> 16, o0, l0, h0);
      c += weighted(q1, e1, l1, h1);
      d += weighted(q1 >> 16, o1, l1, h1);
      c += weighted(q2, e2, l2, h2);
      d += weighted(q2 >> 16, o2, l2, h2);
      c += weighted(q3, e3, l3, h3);
      d += weighted(q3 >> 16, o3, l3, h3);
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

  /** Four weights of an output times their inputs. */
  static float weighted(int four, Half2 step, Half2 low, Half2 high) {
    float x0 = Half2.lowFloat(low);
    float x1 = Half2.highFloat(low);
    float x2 = Half2.lowFloat(high);
    float x3 = Half2.highFloat(high);
    float sum =
        (four & 15) * x0 + (four >> 4 & 15) * x1 + (four >> 8 & 15) * x2 + (four >> 12 & 15) * x3;
    return Half2.lowFloat(step) * sum - Half2.highFloat(step) * (x0 + x1 + x2 + x3);
  }

  /** Groups for {@link #multiplyEarly} and all outputs. The reference is MatrixVector's. */
  public static WorkerGrid grid(int outputs) {
    return MatrixVector.grid(outputs);
  }

  /** Groups for {@link #multiplyGatedEarly} and all outputs of gate and up together. */
  public static WorkerGrid gatedGrid(int outputs) {
    return MatrixVector.gatedGrid(outputs);
  }
}
