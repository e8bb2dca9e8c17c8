package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Residual addition and root-mean-square normalisation in one pass (Zhang and Sennrich, 2019).
 *
 * <pre>
 *   row r of the residual stream          one group a row, 256 threads
 *   ├─ thread 0 ─┼─ 1 ─┼ … ┼─ 255 ─┼─ 0 ─┼─ 1 ─ …   neighbours read neighbours
 *        sum of squares: thread → warp (shuffles) → group (8 floats of local memory)
 * </pre>
 */
public final class RmsNorm {
  /** Threads of a group, which handles one row. */
  public static final int GROUP = 256;

  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;

  private RmsNorm() {}

  /**
   * {@code residual += delta; out = weight * residual / sqrt(mean(residual²) + epsilon)}.
   *
   * @param counts element 0: rows that are there; groups past it return at once
   * @param residual [rows, width], updated
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
    int thread = context.localIdx;
    float squares = 0.0f;
    for (int i = thread; i < width; i += GROUP) {
      float value = residual.get(row * width + i) + delta.get(row * width + i);
      residual.set(row * width + i, value);
      squares += value * value;
    }
    float warpSum = context.simdSum(squares);
    if (thread % WARP == 0) {
      partial[thread / WARP] = warpSum;
    }
    context.localBarrier();
    float sum = 0.0f;
    for (int w = 0; w < WARPS; w++) {
      sum += partial[w];
    }
    float scale = 1.0f / TornadoMath.sqrt(sum / width + epsilon);
    for (int i = thread; i < width; i += GROUP) {
      out.set(
          row * width + i, new HalfFloat(residual.get(row * width + i) * scale * weight.get(i)));
    }
  }

  /**
   * {@code out = weight * residual / sqrt(mean(residual²) + epsilon)}: the first norm of a step,
   * which has nothing to add yet.
   *
   * @param counts element 0: rows that are there
   * @param residual [rows, width]
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
    int thread = context.localIdx;
    float squares = 0.0f;
    for (int i = thread; i < width; i += GROUP) {
      float value = residual.get(row * width + i);
      squares += value * value;
    }
    float warpSum = context.simdSum(squares);
    if (thread % WARP == 0) {
      partial[thread / WARP] = warpSum;
    }
    context.localBarrier();
    float sum = 0.0f;
    for (int w = 0; w < WARPS; w++) {
      sum += partial[w];
    }
    float scale = 1.0f / TornadoMath.sqrt(sum / width + epsilon);
    for (int i = thread; i < width; i += GROUP) {
      out.set(
          row * width + i, new HalfFloat(residual.get(row * width + i) * scale * weight.get(i)));
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
