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
 * One row of activations times a weight matrix in Q8_0, by products of four bytes at once.
 *
 * <pre>
 *   a block of 8 outputs, as QuantTiles has it        8 lanes have 32 inputs, which share a scale;
 *     128 inputs │ 8 loads of 4 × 32 bytes │ warp 0   lane 2k+j: outputs 4j to 4j+3 of inputs
 *     128 inputs │         under way       │ warp 1   k, k+4, k+8, … k+28
 *     …                                      warps take turns; other warps of the group have the
 *                                            blocks beside it
 *   sums of a lane ── shuffles: over the 16 lanes of an output ── local memory: over the warps
 * </pre>
 *
 * Sums are always added in the same order. A multiprocessor adds up 64 times four products of bytes
 * a clock. So a group makes whole numbers of 20 bits of all inputs, in three bytes each, with a
 * scale for the eight of a lane and turn; and since four products take four inputs of an output,
 * but an int has four outputs of an input, each lane turns its bytes round ({@link ByteDots}).
 *
 * <pre>
 *   eight inputs in local memory   │low bytes of 4│middle│high│ │low bytes of the others│middle│high│
 *   their part of a sum            scale · (weights · low + 2⁸ weights · middle + 2¹⁶ weights · high)
 * </pre>
 */
public final class MatrixVectorDots {
  private MatrixVectorDots() {}

  private static final int WARP = 32;
  private static final int MOST_WARPS = 16;
  private static final int BLOCK = WeightTiles.OUTPUTS;
  private static final int MANY_OUTPUTS = 8192;
  private static final int MOST_INPUTS = 4096;

  // Inputs of a lane and turn are eight; local memory holds so many of these.
  private static final int MOST_EIGHTS = 1024;

  // The largest of eight inputs becomes this number: eight products with bytes fit an int.
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
   * @param blocks of a group, as {@link #blocks} says
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
      int blocks,
      int activation,
      int stream,
      float epsilon) {
    int[] pieces = context.allocateIntLocalArray(TornadoMath.min(inputs / 8, MOST_EIGHTS) * 8);
    float[] sizes = context.allocateFloatLocalArray(TornadoMath.min(inputs / 8, MOST_EIGHTS));
    float[] roots = context.allocateFloatLocalArray(MOST_WARPS * WARP);
    float[] parts = context.allocateFloatLocalArray(MOST_WARPS * BLOCK);
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int padded = (inputs + 63) / 64 * 64;
    int groups = inputs / 32;
    int turns = (groups + 4 * warps - 1) / (4 * warps);
    int zero = ByteDots.zero(context);
    int threads = blocks * warps * WARP;
    int chunk = TornadoMath.max(1, MOST_EIGHTS / (16 * warps));
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
    int sums = activation == Activations.NONE ? blocks * BLOCK : blocks / 2 * BLOCK;
    int output = context.groupIdx * sums + thread % sums;
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
      Predecessors.await(context); // At once but in the first turn; no load is put off past it.
      if (turn == 0) {
        Predecessors.release(context);
        if (stream == ResidualStream.ADDED && thread < sums) {
          before = residual.get(output);
          weight = norm.get(output);
        }
        if (stream == ResidualStream.NORMED) {
          square = ResidualStream.squares(squares, inputs, thread, threads);
        }
      }
      if (turn % chunk == 0) {
        if (turn > 0) {
          context.localBarrier();
        }
        int first = turn * warps * 16;
        int last = TornadoMath.min(inputs / 8, first + MOST_EIGHTS);
        for (int eight = first + thread; eight < last; eight += threads) {
          int input = eight / 4 * 32 + eight % 4;
          float x0 = input(stream, weighted, x, input);
          float x1 = input(stream, weighted, x, input + 4);
          float x2 = input(stream, weighted, x, input + 8);
          float x3 = input(stream, weighted, x, input + 12);
          float x4 = input(stream, weighted, x, input + 16);
          float x5 = input(stream, weighted, x, input + 20);
          float x6 = input(stream, weighted, x, input + 24);
          float x7 = input(stream, weighted, x, input + 28);
          float most = TornadoMath.max(TornadoMath.abs(x0), TornadoMath.abs(x1));
          most = TornadoMath.max(most, TornadoMath.max(TornadoMath.abs(x2), TornadoMath.abs(x3)));
          most = TornadoMath.max(most, TornadoMath.max(TornadoMath.abs(x4), TornadoMath.abs(x5)));
          most = TornadoMath.max(most, TornadoMath.max(TornadoMath.abs(x6), TornadoMath.abs(x7)));
          most = TornadoMath.max(most, LEAST);
          float finer = UNIT / most;
          int i0 = (int) (x0 * finer) + ByteDots.OFFSET;
          int i1 = (int) (x1 * finer) + ByteDots.OFFSET;
          int i2 = (int) (x2 * finer) + ByteDots.OFFSET;
          int i3 = (int) (x3 * finer) + ByteDots.OFFSET;
          int i4 = (int) (x4 * finer) + ByteDots.OFFSET;
          int i5 = (int) (x5 * finer) + ByteDots.OFFSET;
          int i6 = (int) (x6 * finer) + ByteDots.OFFSET;
          int i7 = (int) (x7 * finer) + ByteDots.OFFSET;
          int to = (eight - first) * 8;
          pieces[to] = ByteDots.first(i0, i1, i2, i3, zero) ^ ByteDots.SIGNS;
          pieces[to + 1] = ByteDots.second(i0, i1, i2, i3, zero) ^ ByteDots.SIGNS;
          pieces[to + 2] = ByteDots.third(i0, i1, i2, i3, zero);
          pieces[to + 4] = ByteDots.first(i4, i5, i6, i7, zero) ^ ByteDots.SIGNS;
          pieces[to + 5] = ByteDots.second(i4, i5, i6, i7, zero) ^ ByteDots.SIGNS;
          pieces[to + 6] = ByteDots.third(i4, i5, i6, i7, zero);
          sizes[eight - first] = most / UNIT;
        }
        if (turn == 0 && stream == ResidualStream.NORMED) {
          roots[thread] = square;
        }
        context.localBarrier();
      }
      int own = group * 4 + lane % 8 / 2 - turn / chunk * chunk * warps * 16;
      float size = live(groups, 4 * warps, mine) * sizes[own];
      int l0 = pieces[own * 8];
      int m0 = pieces[own * 8 + 1];
      int h0 = pieces[own * 8 + 2];
      int l1 = pieces[own * 8 + 4];
      int m1 = pieces[own * 8 + 5];
      int h1 = pieces[own * 8 + 6];
      int a0 = ByteDots.first(q0, q1, q2, q3, zero);
      int a1 = ByteDots.first(q4, q5, q6, q7, zero);
      a += size * Half2.lowFloat(low) * ByteDots.eight(a0, a1, l0, m0, h0, l1, m1, h1);
      int b0 = ByteDots.second(q0, q1, q2, q3, zero);
      int b1 = ByteDots.second(q4, q5, q6, q7, zero);
      b += size * Half2.highFloat(low) * ByteDots.eight(b0, b1, l0, m0, h0, l1, m1, h1);
      int c0 = ByteDots.third(q0, q1, q2, q3, zero);
      int c1 = ByteDots.third(q4, q5, q6, q7, zero);
      c += size * Half2.lowFloat(high) * ByteDots.eight(c0, c1, l0, m0, h0, l1, m1, h1);
      int d0 = ByteDots.fourth(q0, q1, q2, q3, zero);
      int d1 = ByteDots.fourth(q4, q5, q6, q7, zero);
      d += size * Half2.highFloat(high) * ByteDots.eight(d0, d1, l0, m0, h0, l1, m1, h1);
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
    context.localBarrier();
    if (thread < TornadoMath.max(sums, WARP)) {
      int mineFirst =
          activation == Activations.NONE ? thread % sums / BLOCK : thread % sums / BLOCK * 2;
      int place = mineFirst * warps * BLOCK + thread % BLOCK;
      float first = 0.0f;
      for (int i = 0; i < warps; i++) {
        first += parts[place + i * BLOCK];
      }
      float second = 0.0f;
      if (activation != Activations.NONE) {
        for (int i = 0; i < warps; i++) {
          second += parts[place + (warps + i) * BLOCK];
        }
      }
      if (stream == ResidualStream.NORMED) {
        float sum = 0.0f;
        for (int i = 0; i < blocks * warps; i++) {
          sum += roots[i * WARP + lane];
        }
        sum = context.simdBroadcastFirst(context.simdSum(sum));
        float factor = 1.0f / TornadoMath.sqrt(sum / inputs + epsilon);
        first *= factor;
        second *= factor;
      }
      if (stream == ResidualStream.ADDED) {
        float after = before + first;
        float eight = Warps.sumOfEight(context, after * after);
        if (thread < sums) {
          residual.set(output, after);
          weighted.set(output, after * weight);
        }
        if (thread < sums && thread % BLOCK == 0) {
          squares.set(output / BLOCK, eight);
        }
      }
      if (stream != ResidualStream.ADDED && thread < sums) {
        if (activation == Activations.NONE) {
          out.set(output, first);
        } else {
          gated.set(output, new HalfFloat(Activations.apply(activation, first, second)));
        }
      }
    }
  }

  private static float input(int stream, FloatArray weighted, HalfFloatArray x, int i) {
    return stream == ResidualStream.NORMED ? weighted.get(i) : x.get(i).getFloat32();
  }

  /** 1; 0 for inputs past the last, where inputs are no multiple of a turn's. */
  private static float live(int groups, int turn, int group) {
    return groups % turn == 0 ? 1.0f : TornadoMath.min(1, TornadoMath.max(0, groups - group));
  }

  /**
   * Whether a product is one for this kernel: as many inputs as a group makes whole numbers of at
   * once; more take its threads several turns, each of which waits for memory.
   *
   * @param outputs those of gate and up together, if there is an activation
   */
  public static boolean suits(int outputs, int inputs, int activation) {
    return inputs <= MOST_INPUTS && (activation != Activations.NONE || outputs < MANY_OUTPUTS);
  }

  /**
   * Warps that share a block of outputs: many where there are few blocks, so that they keep the
   * whole device busy.
   *
   * @param outputs as {@link #suits} has them
   */
  public static int warps(int outputs) {
    return outputs < MANY_OUTPUTS ? MOST_WARPS / 2 : 2;
  }

  /**
   * Blocks of a group, whose inputs become whole numbers together.
   *
   * @param outputs as {@link #suits} has them
   */
  public static int blocks(int outputs, int activation) {
    int blocks = outputs >= MANY_OUTPUTS ? 8 : activation == Activations.NONE ? 1 : 2;
    while (outputs % (blocks * BLOCK) != 0) {
      blocks /= 2;
    }
    return blocks;
  }

  /**
   * Groups for all outputs. The reference is MatrixVector's.
   *
   * @param outputs as {@link #suits} has them
   */
  public static WorkerGrid grid(int outputs, int warps, int blocks) {
    int size = blocks * warps * WARP;
    WorkerGrid grid = new WorkerGrid1D(outputs / (blocks * BLOCK) * size);
    grid.setLocalWork(size, 1, 1);
    return grid;
  }
}
