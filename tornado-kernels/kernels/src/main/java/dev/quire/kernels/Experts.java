package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.WorkerGrid2D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * A mixture of experts (Shazeer et al., 2017): the choice, the products of those chosen, and their
 * weighted sum.
 *
 * <pre>
 *   route      row of router logits ──► the {@code used} largest, with softmax weights
 *   multiply   pair (row, choice): weights[expert of the pair] · x      a warp has two outputs
 *   combine    row ◄── sum over its choices of weight · part
 * </pre>
 */
public final class Experts {
  private Experts() {}

  /** Threads of a group. */
  public static final int GROUP = 128;

  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;
  private static final int OUTPUTS = 8;

  /**
   * Chooses each row's experts, one thread a row.
   *
   * @param counts element 0: rows that are there
   * @param logits [rows, stride], overwritten
   * @param chosen [rows, used]
   * @param shares [rows, used]: the softmax over all experts, at those chosen
   * @param normalised 1 if a row's shares are scaled to a sum of one, else 0
   */
  public static void route(
      KernelContext context,
      IntArray counts,
      FloatArray logits,
      IntArray chosen,
      FloatArray shares,
      int experts,
      int stride,
      int used,
      int normalised) {
    int row = context.globalIdx;
    if (row < counts.get(0)) {
      int start = row * stride;
      float largest = Float.NEGATIVE_INFINITY;
      for (int e = 0; e < experts; e++) {
        largest = TornadoMath.max(largest, logits.get(start + e));
      }
      float all = 0.0f;
      for (int e = 0; e < experts; e++) {
        all += TornadoMath.exp(logits.get(start + e) - largest);
      }
      float taken = 0.0f;
      for (int u = 0; u < used; u++) {
        int best = 0;
        float highest = logits.get(start);
        for (int e = 1; e < experts; e++) {
          float logit = logits.get(start + e);
          best = logit > highest ? e : best;
          highest = TornadoMath.max(highest, logit);
        }
        float share = TornadoMath.exp(highest - largest);
        chosen.set(row * used + u, best);
        shares.set(row * used + u, share);
        logits.set(start + best, Float.NEGATIVE_INFINITY);
        taken += share;
      }
      float divisor = normalised == 1 ? taken : all;
      for (int u = 0; u < used; u++) {
        shares.set(row * used + u, shares.get(row * used + u) / divisor);
      }
    }
  }

  /**
   * {@code out[p, o] = sum over i of weights[chosen[p], o, i] * x[p / perRow, i]} for each pair p.
   *
   * @param counts element 0: pairs that are there
   * @param chosen [pairs]
   * @param weights [experts, outputs, inputs], both even
   * @param x [pairs / perRow, inputs]
   * @param out [pairs, outputs]
   * @param perRow pairs that share a row of x
   */
  public static void multiply(
      KernelContext context,
      IntArray counts,
      IntArray chosen,
      HalfFloatArray weights,
      HalfFloatArray x,
      FloatArray out,
      int outputs,
      int inputs,
      int perRow) {
    int pair = context.groupIdy;
    if (pair >= counts.get(0)) {
      return;
    }
    int lane = context.localIdx % WARP;
    int output = context.groupIdx * OUTPUTS + context.localIdx / WARP * 2;
    int valid = output < outputs ? inputs : 0;
    int upper = (chosen.get(pair) * outputs + TornadoMath.min(output, outputs - 2)) * inputs;
    int lower = upper + inputs;
    int from = pair / perRow * inputs;
    float a = 0.0f;
    float b = 0.0f;
    for (int i = 2 * lane; i < valid; i += 2 * WARP) {
      Half2 both = x.getHalf2(from + i);
      float left = Half2.lowFloat(both);
      float right = Half2.highFloat(both);
      Half2 first = weights.getHalf2(upper + i);
      Half2 second = weights.getHalf2(lower + i);
      a += Half2.lowFloat(first) * left + Half2.highFloat(first) * right;
      b += Half2.lowFloat(second) * left + Half2.highFloat(second) * right;
    }
    a = context.simdSum(a);
    b = context.simdSum(b);
    if (lane == 0 && output < outputs) {
      out.set(pair * outputs + output, a);
      out.set(pair * outputs + output + 1, b);
    }
  }

  /**
   * {@code out[r] = sum over u of shares[r, u] * parts[r, u]}.
   *
   * @param counts element 0: rows that are there
   * @param shares [rows, used]
   * @param parts [rows, used, width]
   * @param out [rows, width]
   */
  public static void combine(
      KernelContext context,
      IntArray counts,
      FloatArray shares,
      FloatArray parts,
      FloatArray out,
      int used,
      int width) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    for (int i = context.localIdx; i < width; i += GROUP) {
      float sum = 0.0f;
      for (int u = 0; u < used; u++) {
        sum += shares.get(row * used + u) * parts.get((row * used + u) * width + i);
      }
      out.set(row * width + i, sum);
    }
  }

  /**
   * Adds what every row gets: {@code out[r] += sigmoid(gate · x[r]) * shared[r]}.
   *
   * @param counts element 0: rows that are there
   * @param x [rows, width]
   * @param gate [width]
   * @param shared [rows, width]
   * @param out [rows, width]
   */
  public static void addShared(
      KernelContext context,
      IntArray counts,
      HalfFloatArray x,
      FloatArray gate,
      FloatArray shared,
      FloatArray out,
      int width) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    float[] partial = context.allocateFloatLocalArray(WARPS);
    int thread = context.localIdx;
    float wanted = 0.0f;
    for (int i = thread; i < width; i += GROUP) {
      wanted += x.get(row * width + i).getFloat32() * gate.get(i);
    }
    float warpSum = context.simdSum(wanted);
    if (thread % WARP == 0) {
      partial[thread / WARP] = warpSum;
    }
    context.localBarrier();
    float sum = 0.0f;
    for (int w = 0; w < WARPS; w++) {
      sum += partial[w];
    }
    float share = 1.0f / (1.0f + TornadoMath.exp(-sum));
    for (int i = thread; i < width; i += GROUP) {
      out.set(row * width + i, out.get(row * width + i) + share * shared.get(row * width + i));
    }
  }

  /** Threads for {@link #route}: one each of at most {@code rows} rows. */
  public static WorkerGrid routeGrid(int rows) {
    WorkerGrid grid = new WorkerGrid1D((rows + WARP - 1) / WARP * WARP);
    grid.setLocalWork(WARP, 1, 1);
    return grid;
  }

  /** Groups for {@link #multiply}. The reference is MatrixVector's. */
  public static WorkerGrid grid(int pairs, int outputs) {
    WorkerGrid grid = new WorkerGrid2D((outputs + OUTPUTS - 1) / OUTPUTS * GROUP, pairs);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** Groups for {@link #combine} and {@link #addShared}. */
  public static WorkerGrid combineGrid(int rows) {
    WorkerGrid grid = new WorkerGrid1D(rows * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** {@link #addShared} in plain Java, one row: what is added. */
  public static float[] sharedReference(float[] x, float[] gate, float[] shared) {
    double wanted = 0;
    for (int i = 0; i < x.length; i++) {
      wanted += (double) x[i] * gate[i];
    }
    float[] added = new float[shared.length];
    for (int i = 0; i < added.length; i++) {
      added[i] = (float) (shared[i] / (1 + Math.exp(-wanted)));
    }
    return added;
  }

  /** {@link #route} in plain Java, one row: the share of every expert, 0 where it isn't chosen. */
  public static float[] reference(float[] logits, int used, boolean normalised) {
    double largest = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      largest = Math.max(largest, logit);
    }
    double all = 0;
    for (float logit : logits) {
      all += Math.exp(logit - largest);
    }
    float[] rest = logits.clone();
    float[] shares = new float[logits.length];
    double taken = 0;
    for (int u = 0; u < used; u++) {
      int best = Argmax.reference(rest);
      shares[best] = (float) Math.exp(logits[best] - largest);
      taken += shares[best];
      rest[best] = Float.NEGATIVE_INFINITY;
    }
    for (int e = 0; e < shares.length; e++) {
      shares[e] = (float) (shares[e] / (normalised ? taken : all));
    }
    return shares;
  }
}
