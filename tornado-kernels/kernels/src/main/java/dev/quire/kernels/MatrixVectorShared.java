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
   * @param x [inputs], a multiple of 128, unless the stream is read
   * @param out [outputs], a multiple of 8, if there is no activation and nothing is added
   * @param gated [outputs / 2], where outputs are those of both, if there is an activation
   * @param residual [outputs], read and written if sums are added to it
   * @param norm [outputs], likewise
   * @param weighted [inputs], if the stream is read; [outputs], if it is written
   * @param squares an eighth as many
   * @param activation one of {@link Activations}
   * @param stream PLAIN, NORMED or ADDED of {@link ResidualStream}
   * @param epsilon of the norm, if the stream is read
   */
  public static void multiplyEarly(
      KernelContext context,
      HalfFloatArray weights,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      FloatArray residual,
      FloatArray norm,
      FloatArray weighted,
      FloatArray squares,
      int inputs,
      int activation,
      int stream,
      float epsilon) {
    float[] parts = context.allocateFloatLocalArray(WARPS * BLOCK);
    float[] sums = context.allocateFloatLocalArray(WARPS);
    int warps = activation == Activations.NONE ? WARPS : WARPS / 2;
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int slices = inputs / SLICE;
    int turns = (slices + warps - 1) / warps;
    int block = context.groupIdx * (WARPS / warps) + warp / warps;
    int from = WeightTiles.START + block * BLOCK * inputs + lane / 4 * (2 * BLOCK) + lane % 4 * 2;
    int output = context.groupIdx * BLOCK + thread % BLOCK;
    float before = 0.0f;
    float weight = 0.0f;
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
      Predecessors.await(context); // At once but in the first turn.
      if (turns == 1) {
        Predecessors.release(context);
      }
      if (turn == 0 && stream == ResidualStream.ADDED && thread < WARP) {
        before = residual.get(output);
        weight = norm.get(output);
      }
      int input = depth + lane / 4 * 2;
      float x0 = 0.0f;
      float x1 = 0.0f;
      float x2 = 0.0f;
      float x3 = 0.0f;
      float x4 = 0.0f;
      float x5 = 0.0f;
      float x6 = 0.0f;
      float x7 = 0.0f;
      float x8 = 0.0f;
      float x9 = 0.0f;
      float x10 = 0.0f;
      float x11 = 0.0f;
      float x12 = 0.0f;
      float x13 = 0.0f;
      float x14 = 0.0f;
      float x15 = 0.0f;
      if (stream == ResidualStream.NORMED) {
        x0 = weighted.get(input);
        x1 = weighted.get(input + 1);
        x2 = weighted.get(input + 16);
        x3 = weighted.get(input + 17);
        x4 = weighted.get(input + 32);
        x5 = weighted.get(input + 33);
        x6 = weighted.get(input + 48);
        x7 = weighted.get(input + 49);
        x8 = weighted.get(input + 64);
        x9 = weighted.get(input + 65);
        x10 = weighted.get(input + 80);
        x11 = weighted.get(input + 81);
        x12 = weighted.get(input + 96);
        x13 = weighted.get(input + 97);
        x14 = weighted.get(input + 112);
        x15 = weighted.get(input + 113);
      } else {
        Half2 p0 = x.getHalf2(input);
        x0 = Half2.lowFloat(p0);
        x1 = Half2.highFloat(p0);
        Half2 p1 = x.getHalf2(input + 16);
        x2 = Half2.lowFloat(p1);
        x3 = Half2.highFloat(p1);
        Half2 p2 = x.getHalf2(input + 32);
        x4 = Half2.lowFloat(p2);
        x5 = Half2.highFloat(p2);
        Half2 p3 = x.getHalf2(input + 48);
        x6 = Half2.lowFloat(p3);
        x7 = Half2.highFloat(p3);
        Half2 p4 = x.getHalf2(input + 64);
        x8 = Half2.lowFloat(p4);
        x9 = Half2.highFloat(p4);
        Half2 p5 = x.getHalf2(input + 80);
        x10 = Half2.lowFloat(p5);
        x11 = Half2.highFloat(p5);
        Half2 p6 = x.getHalf2(input + 96);
        x12 = Half2.lowFloat(p6);
        x13 = Half2.highFloat(p6);
        Half2 p7 = x.getHalf2(input + 112);
        x14 = Half2.lowFloat(p7);
        x15 = Half2.highFloat(p7);
      }
      float c = 0.0f;
      float d = 0.0f;
      c += Half2.lowFloat(w0) * x0;
      c += Half2.lowFloat(w1) * x1;
      c += Half2.lowFloat(w2) * x2;
      c += Half2.lowFloat(w3) * x3;
      c += Half2.lowFloat(w4) * x4;
      c += Half2.lowFloat(w5) * x5;
      c += Half2.lowFloat(w6) * x6;
      c += Half2.lowFloat(w7) * x7;
      c += Half2.lowFloat(w8) * x8;
      c += Half2.lowFloat(w9) * x9;
      c += Half2.lowFloat(w10) * x10;
      c += Half2.lowFloat(w11) * x11;
      c += Half2.lowFloat(w12) * x12;
      c += Half2.lowFloat(w13) * x13;
      c += Half2.lowFloat(w14) * x14;
      c += Half2.lowFloat(w15) * x15;
      d += Half2.highFloat(w0) * x0;
      d += Half2.highFloat(w1) * x1;
      d += Half2.highFloat(w2) * x2;
      d += Half2.highFloat(w3) * x3;
      d += Half2.highFloat(w4) * x4;
      d += Half2.highFloat(w5) * x5;
      d += Half2.highFloat(w6) * x6;
      d += Half2.highFloat(w7) * x7;
      d += Half2.highFloat(w8) * x8;
      d += Half2.highFloat(w9) * x9;
      d += Half2.highFloat(w10) * x10;
      d += Half2.highFloat(w11) * x11;
      d += Half2.highFloat(w12) * x12;
      d += Half2.highFloat(w13) * x13;
      d += Half2.highFloat(w14) * x14;
      d += Half2.highFloat(w15) * x15;
      float live =
          slices % warps == 0 ? 1.0f : TornadoMath.min(1, TornadoMath.max(0, slices - slice));
      a += live * c;
      b += live * d;
    }
    float square = 0.0f;
    if (stream == ResidualStream.NORMED) {
      square = ResidualStream.squares(squares, inputs, thread, WARPS * WARP);
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
    if (stream == ResidualStream.NORMED) {
      float sum = context.simdSum(square);
      if (lane == 0) {
        sums[warp] = sum;
      }
    }
    if (turns > 1) {
      Predecessors.release(context);
    }
    context.localBarrier();
    if (thread < WARP) {
      float first = 0.0f;
      for (int i = 0; i < warps; i++) {
        first += parts[i * BLOCK + thread % BLOCK];
      }
      float second = 0.0f;
      for (int i = warps; i < WARPS; i++) {
        second += parts[i * BLOCK + thread % BLOCK];
      }
      if (stream == ResidualStream.NORMED) {
        float sum = 0.0f;
        for (int i = 0; i < WARPS; i++) {
          sum += sums[i];
        }
        float factor = 1.0f / TornadoMath.sqrt(sum / inputs + epsilon);
        first *= factor;
        second *= factor;
      }
      if (stream == ResidualStream.ADDED) {
        float after = before + first;
        float eight = Warps.sumOfEight(context, after * after);
        if (thread < BLOCK) {
          residual.set(output, after);
          weighted.set(output, after * weight);
        }
        if (thread == 0) {
          squares.set(context.groupIdx, eight);
        }
      }
      if (stream != ResidualStream.ADDED && thread < BLOCK) {
        if (activation == Activations.NONE) {
          out.set(output, first);
        } else {
          gated.set(output, new HalfFloat(Activations.apply(activation, first, second)));
        }
      }
    }
  }

  /** Whether a product is one for this kernel: all warps have work. */
  public static boolean suits(int inputs) {
    return takes(inputs) && inputs >= WARPS * SLICE;
  }

  /** Whether this kernel computes a product, all of its warps at work or not. */
  public static boolean takes(int inputs) {
    return inputs % SLICE == 0;
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
