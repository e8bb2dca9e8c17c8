package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * One row of activations times a weight matrix in Q8_0.
 *
 * <pre>
 *   a block of 8 outputs, as QuantTiles has it        8 lanes have 32 inputs, which share a scale;
 *     128 inputs │ 8 loads of 4 × 32 bytes │ warp 0   lane 2k+j: outputs 4j to 4j+3 of inputs
 *     128 inputs │         under way       │ warp 1   k, k+4, k+8, … k+28
 *     …                                      2 to 16 warps take turns; as many more have the next
 *                                            block, where gate and up are interleaved
 *   sums of a lane ── shuffles: over the 16 lanes of an output ── local memory: over the warps
 * </pre>
 *
 * Sums are always added in the same order. Inputs become whole numbers of 20 bits, with a scale for
 * the eight of a lane and turn: a multiprocessor multiplies 64 pairs of integers a clock, but turns
 * only 16 into floats, which would hold these products at 3.4 million million weights a second.
 */
public final class MatrixVectorQ8 {
  private MatrixVectorQ8() {}

  private static final int WARP = 32;
  private static final int MOST_WARPS = 16;
  private static final int BLOCK = WeightTiles.OUTPUTS;
  private static final int MANY_OUTPUTS = 8192;

  // The largest input of a lane and turn becomes this number: eight products with bytes fit an int.
  private static final float UNIT = 1 << 20;
  private static final float LEAST = 1e-30f;

  /**
   * {@code out[o] = sum over i of weights[o, i] * x[i]}, summed in floats; with an activation
   * {@code gated[j] = activation(gate[j] · x) * (up[j] · x)} instead.
   *
   * @param quants as {@link QuantTiles} has them; of gate and up, interleaved as {@link
   *     WeightTiles#interleaved} says, if there is an activation
   * @param scales likewise
   * @param x [inputs], a multiple of 32, unless the stream is read
   * @param out [outputs], a multiple of 8, if there is no activation and nothing is added
   * @param gated [outputs / 2], where outputs are those of both, if there is an activation
   * @param residual as {@link MatrixVectorShared#multiplyEarly} has it, and what follows likewise
   * @param warps on a block of outputs, as {@link #warps} says
   * @param activation one of {@link Activations}
   */
  public static void multiplyEarly(
      KernelContext context,
      IntArray quants,
      HalfFloatArray scales,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      FloatArray residual,
      FloatArray norm,
      FloatArray weighted,
      FloatArray squares,
      int inputs,
      int warps,
      int activation,
      int stream,
      float epsilon) {
    float[] parts = context.allocateFloatLocalArray(2 * MOST_WARPS * BLOCK);
    float[] sums = context.allocateFloatLocalArray(2 * MOST_WARPS);
    int blocks = activation == Activations.NONE ? 1 : 2;
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int padded = (inputs + 63) / 64 * 64;
    int groups = inputs / 32;
    int turns = (groups + 4 * warps - 1) / (4 * warps);
    int block = context.groupIdx * blocks + warp / warps;
    int from = QuantTiles.START + block * 2 * padded + lane % 8;
    int scale = block * (padded / 4) + lane % 2 * 4;
    float a = 0.0f;
    float b = 0.0f;
    float c = 0.0f;
    float d = 0.0f;
    int mine = warp % warps * 4 + lane / 8;
    int group = TornadoMath.min(mine, groups - 1);
    int at = from + group * 64;
    int q0 = quants.get(at);
    int q1 = quants.get(at + 8);
    int q2 = quants.get(at + 16);
    int q3 = quants.get(at + 24);
    int q4 = quants.get(at + 32);
    int q5 = quants.get(at + 40);
    int q6 = quants.get(at + 48);
    int q7 = quants.get(at + 56);
    Half2 low = scales.getHalf2(scale + group * 8);
    Half2 high = scales.getHalf2(scale + group * 8 + 2);
    int output = context.groupIdx * BLOCK + thread % BLOCK;
    float before = 0.0f;
    float weight = 0.0f;
    float square = 0.0f;
    for (int turn = 0; turn < turns; turn++) {
      // The next turn's weights are under way while this one's are multiplied.
      int next = mine + 4 * warps;
      int nextGroup = TornadoMath.min(next, groups - 1);
      int then = from + nextGroup * 64;
      int n0 = q0;
      int n1 = q1;
      int n2 = q2;
      int n3 = q3;
      int n4 = q4;
      int n5 = q5;
      int n6 = q6;
      int n7 = q7;
      Half2 nextLow = low;
      Half2 nextHigh = high;
      if (turn + 1 < turns) {
        n0 = quants.get(then);
        n1 = quants.get(then + 8);
        n2 = quants.get(then + 16);
        n3 = quants.get(then + 24);
        n4 = quants.get(then + 32);
        n5 = quants.get(then + 40);
        n6 = quants.get(then + 48);
        n7 = quants.get(then + 56);
        nextLow = scales.getHalf2(scale + nextGroup * 8);
        nextHigh = scales.getHalf2(scale + nextGroup * 8 + 2);
      }
      context.localBarrier(); // Else the compiler puts off loads to save registers.
      if (turn == 0) {
        Predecessors.await(context);
        Predecessors.release(context);
        if (stream == ResidualStream.ADDED && thread < WARP) {
          before = residual.get(output);
          weight = norm.get(output);
        }
        if (stream == ResidualStream.NORMED) {
          square = ResidualStream.squares(squares, inputs, thread, blocks * warps * WARP);
        }
      }
      int input = group * 32 + lane % 8 / 2;
      float x0 = 0.0f;
      float x1 = 0.0f;
      float x2 = 0.0f;
      float x3 = 0.0f;
      float x4 = 0.0f;
      float x5 = 0.0f;
      float x6 = 0.0f;
      float x7 = 0.0f;
      if (stream == ResidualStream.NORMED) {
        x0 = weighted.get(input);
        x1 = weighted.get(input + 4);
        x2 = weighted.get(input + 8);
        x3 = weighted.get(input + 12);
        x4 = weighted.get(input + 16);
        x5 = weighted.get(input + 20);
        x6 = weighted.get(input + 24);
        x7 = weighted.get(input + 28);
      } else {
        x0 = x.get(input).getFloat32();
        x1 = x.get(input + 4).getFloat32();
        x2 = x.get(input + 8).getFloat32();
        x3 = x.get(input + 12).getFloat32();
        x4 = x.get(input + 16).getFloat32();
        x5 = x.get(input + 20).getFloat32();
        x6 = x.get(input + 24).getFloat32();
        x7 = x.get(input + 28).getFloat32();
      }
      float live =
          groups % (4 * warps) == 0 ? 1.0f : TornadoMath.min(1, TornadoMath.max(0, groups - mine));
      // Whole numbers of 20 bits, so that few conversions are left: they are the slowest of all.
      float most = TornadoMath.max(TornadoMath.abs(x0), TornadoMath.abs(x1));
      most = TornadoMath.max(most, TornadoMath.max(TornadoMath.abs(x2), TornadoMath.abs(x3)));
      most = TornadoMath.max(most, TornadoMath.max(TornadoMath.abs(x4), TornadoMath.abs(x5)));
      most = TornadoMath.max(most, TornadoMath.max(TornadoMath.abs(x6), TornadoMath.abs(x7)));
      most = TornadoMath.max(most, LEAST);
      float finer = UNIT / most;
      int i0 = (int) (x0 * finer);
      int i1 = (int) (x1 * finer);
      int i2 = (int) (x2 * finer);
      int i3 = (int) (x3 * finer);
      int i4 = (int) (x4 * finer);
      int i5 = (int) (x5 * finer);
      int i6 = (int) (x6 * finer);
      int i7 = (int) (x7 * finer);
      int aa = (q0 << 24 >> 24) * i0;
      aa += (q1 << 24 >> 24) * i1;
      aa += (q2 << 24 >> 24) * i2;
      aa += (q3 << 24 >> 24) * i3;
      aa += (q4 << 24 >> 24) * i4;
      aa += (q5 << 24 >> 24) * i5;
      aa += (q6 << 24 >> 24) * i6;
      aa += (q7 << 24 >> 24) * i7;
      int bb = (q0 << 16 >> 24) * i0;
      bb += (q1 << 16 >> 24) * i1;
      bb += (q2 << 16 >> 24) * i2;
      bb += (q3 << 16 >> 24) * i3;
      bb += (q4 << 16 >> 24) * i4;
      bb += (q5 << 16 >> 24) * i5;
      bb += (q6 << 16 >> 24) * i6;
      bb += (q7 << 16 >> 24) * i7;
      int cc = (q0 << 8 >> 24) * i0;
      cc += (q1 << 8 >> 24) * i1;
      cc += (q2 << 8 >> 24) * i2;
      cc += (q3 << 8 >> 24) * i3;
      cc += (q4 << 8 >> 24) * i4;
      cc += (q5 << 8 >> 24) * i5;
      cc += (q6 << 8 >> 24) * i6;
      cc += (q7 << 8 >> 24) * i7;
      int dd = (q0 >> 24) * i0;
      dd += (q1 >> 24) * i1;
      dd += (q2 >> 24) * i2;
      dd += (q3 >> 24) * i3;
      dd += (q4 >> 24) * i4;
      dd += (q5 >> 24) * i5;
      dd += (q6 >> 24) * i6;
      dd += (q7 >> 24) * i7;
      float coarser = live * most / UNIT;
      a += coarser * Half2.lowFloat(low) * aa;
      b += coarser * Half2.highFloat(low) * bb;
      c += coarser * Half2.lowFloat(high) * cc;
      d += coarser * Half2.highFloat(high) * dd;
      q0 = n0;
      q1 = n1;
      q2 = n2;
      q3 = n3;
      q4 = n4;
      q5 = n5;
      q6 = n6;
      q7 = n7;
      low = nextLow;
      high = nextHigh;
      group = nextGroup;
      mine = next;
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
    if (stream == ResidualStream.NORMED) {
      float sum = context.simdSum(square);
      if (lane == 0) {
        sums[warp] = sum;
      }
    }
    context.localBarrier();
    if (thread < WARP) {
      float first = 0.0f;
      for (int i = 0; i < warps; i++) {
        first += parts[i * BLOCK + thread % BLOCK];
      }
      float second = 0.0f;
      for (int i = warps; i < blocks * warps; i++) {
        second += parts[i * BLOCK + thread % BLOCK];
      }
      if (stream == ResidualStream.NORMED) {
        float sum = 0.0f;
        for (int i = 0; i < blocks * warps; i++) {
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

  /**
   * Warps that share a block of outputs: many where there are few blocks, so that they keep the
   * whole device busy.
   *
   * @param outputs those of gate and up together, if there is an activation
   */
  public static int warps(int outputs, int activation) {
    if (activation == Activations.NONE) {
      return outputs < MANY_OUTPUTS ? MOST_WARPS : MOST_WARPS / 2;
    }
    return outputs < MANY_OUTPUTS ? MOST_WARPS / 2 : MOST_WARPS / 8;
  }

  /**
   * Groups for all outputs. The reference is MatrixVector's.
   *
   * @param outputs those of gate and up together, if there is an activation
   */
  public static WorkerGrid grid(int outputs, int activation) {
    return grid(outputs, warps(outputs, activation), activation);
  }

  /** The same for so many warps on a block of outputs. */
  public static WorkerGrid grid(int outputs, int warps, int activation) {
    int blocks = activation == Activations.NONE ? 1 : 2;
    int size = blocks * warps * WARP;
    WorkerGrid grid = new WorkerGrid1D(outputs / (blocks * BLOCK) * size);
    grid.setLocalWork(size, 1, 1);
    return grid;
  }
}
