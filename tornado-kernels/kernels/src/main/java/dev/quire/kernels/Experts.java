package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * What a mixture of experts (Shazeer et al., 2017) adds up to: {@link Router} chooses, {@link
 * ExpertProduct} and its siblings compute those chosen.
 *
 * <pre>
 *   combine     row ◄── sum over its choices of weight · part
 *   addShared   row ◄── sigmoid(gate · x) · what every row gets
 * </pre>
 */
public final class Experts {
  private Experts() {}

  /** Threads of a group. */
  public static final int GROUP = 128;

  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;

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
}
