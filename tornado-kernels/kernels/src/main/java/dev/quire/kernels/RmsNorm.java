package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * Residual addition and root-mean-square normalisation in one pass (Zhang and Sennrich, 2019).
 *
 * <pre>
 *   row r of the residual stream          one group a row, 512 threads, read once
 *   ├─ thread 0 ─┼─ 1 ─┼ … ┼─ 511 ─┼─ 0 ─┼─ 1 ─ …   a pair of elements each
 *        sum of squares: thread → warp (shuffles) → group (16 floats of local memory)
 * </pre>
 */
public final class RmsNorm {
  /** Threads of a group, which handles one row. */
  public static final int GROUP = 512;

  /** The widest row. */
  public static final int MAX_WIDTH = 16384;

  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;
  private static final int MOST_STEPS = MAX_WIDTH / (2 * GROUP);

  private RmsNorm() {}

  /**
   * {@code residual += delta; out = weight * residual / sqrt(mean(residual²) + epsilon)}.
   *
   * @param counts element 0: rows that are there; groups past it return at once
   * @param residual [rows, width], updated; width even
   * @param delta [rows, width]
   * @param weight [width]
   * @param out [rows, width]
   */
  public static void addNormalize(
      KernelContext context,
      IntArray counts,
      FloatArray residual,
      FloatArray delta,
      FloatArray weight,
      HalfFloatArray out,
      int width,
      float epsilon) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    float[] partial = context.allocateFloatLocalArray(WARPS);
    float[] left = new float[MOST_STEPS];
    float[] right = new float[MOST_STEPS];
    float[] leftWeight = new float[MOST_STEPS];
    float[] rightWeight = new float[MOST_STEPS];
    int thread = context.localIdx;
    int lane = thread % WARP;
    int steps = (width + 2 * GROUP - 1) / (2 * GROUP);
    float squares = 0.0f;
    // Loads alone: a store or a barrier between them would make later ones wait for earlier ones.
    for (int step = 0; step < steps; step++) {
      int i = 2 * (step * GROUP + thread);
      if (i < width) {
        float x = residual.get(row * width + i) + delta.get(row * width + i);
        float y = residual.get(row * width + i + 1) + delta.get(row * width + i + 1);
        left[step] = x;
        right[step] = y;
        leftWeight[step] = weight.get(i);
        rightWeight[step] = weight.get(i + 1);
        squares += x * x + y * y;
      }
    }
    float warpSum = context.simdSum(squares);
    if (lane == 0) {
      partial[thread / WARP] = warpSum;
    }
    context.localBarrier();
    float own = lane < WARPS ? partial[lane] : 0.0f;
    float scale = 1.0f / TornadoMath.sqrt(context.simdSum(own) / width + epsilon);
    for (int step = 0; step < steps; step++) {
      int i = 2 * (step * GROUP + thread);
      if (i < width) {
        residual.set(row * width + i, left[step]);
        residual.set(row * width + i + 1, right[step]);
        float x = left[step] * scale * leftWeight[step];
        float y = right[step] * scale * rightWeight[step];
        out.setHalf2(row * width + i, Half2.fromFloats(x, y));
      }
    }
  }

  /**
   * {@code out = weight * residual / sqrt(mean(residual²) + epsilon)}: the first norm of a step,
   * which has nothing to add yet.
   *
   * @param counts element 0: rows that are there
   * @param residual [rows, width], width even
   * @param weight [width]
   * @param out [rows, width]
   */
  public static void normalizeRows(
      KernelContext context,
      IntArray counts,
      FloatArray residual,
      FloatArray weight,
      HalfFloatArray out,
      int width,
      float epsilon) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    float[] partial = context.allocateFloatLocalArray(WARPS);
    float[] left = new float[MOST_STEPS];
    float[] right = new float[MOST_STEPS];
    float[] leftWeight = new float[MOST_STEPS];
    float[] rightWeight = new float[MOST_STEPS];
    int thread = context.localIdx;
    int lane = thread % WARP;
    int steps = (width + 2 * GROUP - 1) / (2 * GROUP);
    float squares = 0.0f;
    for (int step = 0; step < steps; step++) {
      int i = 2 * (step * GROUP + thread);
      if (i < width) {
        float x = residual.get(row * width + i);
        float y = residual.get(row * width + i + 1);
        left[step] = x;
        right[step] = y;
        leftWeight[step] = weight.get(i);
        rightWeight[step] = weight.get(i + 1);
        squares += x * x + y * y;
      }
    }
    float warpSum = context.simdSum(squares);
    if (lane == 0) {
      partial[thread / WARP] = warpSum;
    }
    context.localBarrier();
    float own = lane < WARPS ? partial[lane] : 0.0f;
    float scale = 1.0f / TornadoMath.sqrt(context.simdSum(own) / width + epsilon);
    for (int step = 0; step < steps; step++) {
      int i = 2 * (step * GROUP + thread);
      if (i < width) {
        float x = left[step] * scale * leftWeight[step];
        float y = right[step] * scale * rightWeight[step];
        out.setHalf2(row * width + i, Half2.fromFloats(x, y));
      }
    }
  }

  /** A group for each of at most {@code rows} rows. */
  public static WorkerGrid grid(int rows) {
    WorkerGrid grid = new WorkerGrid1D(rows * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** The same in plain Java, one row: updates {@code residual} and returns the normalised row. */
  public static float[] reference(float[] residual, float[] delta, float[] weight, float epsilon) {
    double squares = 0;
    for (int i = 0; i < residual.length; i++) {
      residual[i] += delta[i];
      squares += (double) residual[i] * residual[i];
    }
    double scale = 1 / Math.sqrt(squares / residual.length + epsilon);
    float[] out = new float[residual.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) (residual[i] * scale * weight[i]);
    }
    return out;
  }
}
