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
 * One row of activations times a weight matrix of many inputs, which sixteen warps share.
 *
 * <pre>
 *   a block of 8 outputs, as WeightTiles has it         lane 4k+j: outputs 2j, 2j+1
 *     128 inputs │ 16 loads of 128 bytes │   warp 0                of inputs 2k and 2k+1
 *     128 inputs │       under way       │   warp 1
 *     …                                      16 warps take turns; or 8, and 8 more on the next block,
 *                                            where gate and up are interleaved
 *   sums of a lane ── shuffles: over the 8 lanes of an output ── local memory: over the warps
 * </pre>
 *
 * Sums are always added in the same order.
 */
public final class MatrixVectorShared {
  private MatrixVectorShared() {}

  /** Inputs that a warp reads at a time. */
  private static final int SLICE = 128;

  private static final int WARP = 32;
  private static final int WARPS = 16;
  private static final int BLOCK = WeightTiles.OUTPUTS;

  /**
   * As {@link MatrixVector#multiply}, or, with an activation, as {@link
   * MatrixVector#multiplyGated}.
   *
   * @param weights as {@link WeightTiles} has them; gate and up interleaved if there is an
   *     activation
   * @param x [inputs], a multiple of 128
   * @param out [outputs], a multiple of 8, if there is no activation
   * @param gated [outputs / 2], where outputs are those of both, if there is one
   * @param activation one of {@link Activations}
   */
  public static void multiply(
      KernelContext context,
      HalfFloatArray weights,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      int inputs,
      int activation) {
    float[] parts = context.allocateFloatLocalArray(WARPS * BLOCK);
    int warps = activation == Activations.NONE ? WARPS : WARPS / 2;
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int slices = inputs / SLICE;
    int turns = (slices + warps - 1) / warps;
    int block = context.groupIdx * (WARPS / warps) + warp / warps;
    int from = WeightTiles.START + block * BLOCK * inputs + lane / 4 * (2 * BLOCK) + lane % 4 * 2;
    float a = 0.0f;
    float b = 0.0f;
    for (int turn = 0; turn < turns; turn++) {
      int slice = turn * warps + warp % warps;
      int depth = (slices % warps == 0 ? slice : TornadoMath.min(slice, slices - 1)) * SLICE;
      int at = from + depth * BLOCK;
      Half2 w0 = weights.getHalf2(at);
      Half2 w1 = weights.getHalf2(at + 8);
      Half2 w2 = weights.getHalf2(at + 128);
      Half2 w3 = weights.getHalf2(at + 136);
      Half2 w4 = weights.getHalf2(at + 256);
      Half2 w5 = weights.getHalf2(at + 264);
      Half2 w6 = weights.getHalf2(at + 384);
      Half2 w7 = weights.getHalf2(at + 392);
      Half2 w8 = weights.getHalf2(at + 512);
      Half2 w9 = weights.getHalf2(at + 520);
      Half2 w10 = weights.getHalf2(at + 640);
      Half2 w11 = weights.getHalf2(at + 648);
      Half2 w12 = weights.getHalf2(at + 768);
      Half2 w13 = weights.getHalf2(at + 776);
      Half2 w14 = weights.getHalf2(at + 896);
      Half2 w15 = weights.getHalf2(at + 904);
      context.localBarrier(); // Else the compiler puts off loads to save registers.
      int input = depth + lane / 4 * 2;
      Half2 x0 = x.getHalf2(input);
      Half2 x1 = x.getHalf2(input + 16);
      Half2 x2 = x.getHalf2(input + 32);
      Half2 x3 = x.getHalf2(input + 48);
      Half2 x4 = x.getHalf2(input + 64);
      Half2 x5 = x.getHalf2(input + 80);
      Half2 x6 = x.getHalf2(input + 96);
      Half2 x7 = x.getHalf2(input + 112);
      float c = 0.0f;
      float d = 0.0f;
      c += Half2.lowFloat(w0) * Half2.lowFloat(x0);
      c += Half2.lowFloat(w1) * Half2.highFloat(x0);
      c += Half2.lowFloat(w2) * Half2.lowFloat(x1);
      c += Half2.lowFloat(w3) * Half2.highFloat(x1);
      c += Half2.lowFloat(w4) * Half2.lowFloat(x2);
      c += Half2.lowFloat(w5) * Half2.highFloat(x2);
      c += Half2.lowFloat(w6) * Half2.lowFloat(x3);
      c += Half2.lowFloat(w7) * Half2.highFloat(x3);
      c += Half2.lowFloat(w8) * Half2.lowFloat(x4);
      c += Half2.lowFloat(w9) * Half2.highFloat(x4);
      c += Half2.lowFloat(w10) * Half2.lowFloat(x5);
      c += Half2.lowFloat(w11) * Half2.highFloat(x5);
      c += Half2.lowFloat(w12) * Half2.lowFloat(x6);
      c += Half2.lowFloat(w13) * Half2.highFloat(x6);
      c += Half2.lowFloat(w14) * Half2.lowFloat(x7);
      c += Half2.lowFloat(w15) * Half2.highFloat(x7);
      d += Half2.highFloat(w0) * Half2.lowFloat(x0);
      d += Half2.highFloat(w1) * Half2.highFloat(x0);
      d += Half2.highFloat(w2) * Half2.lowFloat(x1);
      d += Half2.highFloat(w3) * Half2.highFloat(x1);
      d += Half2.highFloat(w4) * Half2.lowFloat(x2);
      d += Half2.highFloat(w5) * Half2.highFloat(x2);
      d += Half2.highFloat(w6) * Half2.lowFloat(x3);
      d += Half2.highFloat(w7) * Half2.highFloat(x3);
      d += Half2.highFloat(w8) * Half2.lowFloat(x4);
      d += Half2.highFloat(w9) * Half2.highFloat(x4);
      d += Half2.highFloat(w10) * Half2.lowFloat(x5);
      d += Half2.highFloat(w11) * Half2.highFloat(x5);
      d += Half2.highFloat(w12) * Half2.lowFloat(x6);
      d += Half2.highFloat(w13) * Half2.highFloat(x6);
      d += Half2.highFloat(w14) * Half2.lowFloat(x7);
      d += Half2.highFloat(w15) * Half2.highFloat(x7);
      float live =
          slices % warps == 0 ? 1.0f : TornadoMath.min(1, TornadoMath.max(0, slices - slice));
      a += live * c;
      b += live * d;
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
      float first = 0.0f;
      for (int i = 0; i < warps; i++) {
        first += parts[i * BLOCK + thread];
      }
      float second = 0.0f;
      for (int i = warps; i < WARPS; i++) {
        second += parts[i * BLOCK + thread];
      }
      if (activation == Activations.NONE) {
        out.set(context.groupIdx * BLOCK + thread, first);
      } else {
        gated.set(
            context.groupIdx * BLOCK + thread,
            new HalfFloat(Activations.apply(activation, first, second)));
      }
    }
  }

  /** Whether a product is one for this kernel: all warps have work. */
  public static boolean suits(int inputs) {
    return inputs % SLICE == 0 && inputs >= WARPS * SLICE;
  }

  /**
   * Groups for all outputs. The reference is MatrixVector's.
   *
   * @param outputs those of gate and up together, if there is an activation
   */
  public static WorkerGrid grid(int outputs, int activation) {
    int blocks = activation == Activations.NONE ? 1 : 2;
    WorkerGrid grid = new WorkerGrid1D(outputs / (blocks * BLOCK) * (WARPS * WARP));
    grid.setLocalWork(WARPS * WARP, 1, 1);
    return grid;
  }
}
