package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Adds a part's result to the residual stream where that is more than an addition: after a norm
 * (OLMo 2, Gemma), or times a factor (Granite).
 *
 * <pre>
 *   residual += factor · weight ⊙ delta / rms(delta)      one group a row, 256 threads
 * </pre>
 */
public final class SandwichNorm {
  /** Threads of a group, which handles one row. */
  public static final int GROUP = RmsNorm.GROUP;

  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;

  private SandwichNorm() {}

  /**
   * {@code residual += factor * weight * delta / sqrt(mean(delta²) + epsilon)}.
   *
   * @param counts element 0: rows that are there
   * @param residual [rows, width], updated
   * @param delta [rows, width]
   * @param weight [width]
   */
  public static void normalizeAndAdd(
      KernelContext context,
      IntArray counts,
      FloatArray residual,
      FloatArray delta,
      FloatArray weight,
      int width,
      float epsilon,
      float factor) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    float[] partial = context.allocateFloatLocalArray(WARPS);
    int thread = context.localIdx;
    float squares = 0.0f;
    for (int i = thread; i < width; i += GROUP) {
      float value = delta.get(row * width + i);
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
    float scale = factor / TornadoMath.sqrt(sum / width + epsilon);
    for (int i = thread; i < width; i += GROUP) {
      float value = delta.get(row * width + i) * scale * weight.get(i);
      residual.set(row * width + i, residual.get(row * width + i) + value);
    }
  }

  /** {@code residual += factor * delta}, both [rows, width]. */
  public static void scaleAndAdd(
      KernelContext context,
      IntArray counts,
      FloatArray residual,
      FloatArray delta,
      int width,
      float factor) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    for (int i = context.localIdx; i < width; i += GROUP) {
      float value = residual.get(row * width + i) + factor * delta.get(row * width + i);
      residual.set(row * width + i, value);
    }
  }

  /** A group for each of at most {@code rows} rows. */
  public static WorkerGrid grid(int rows) {
    return RmsNorm.grid(rows);
  }

  /** {@link #normalizeAndAdd} in plain Java, one row. */
  public static float[] reference(
      float[] residual, float[] delta, float[] weight, float epsilon, float factor) {
    double squares = 0;
    for (float value : delta) {
      squares += (double) value * value;
    }
    double scale = factor / Math.sqrt(squares / delta.length + epsilon);
    float[] out = new float[delta.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) (residual[i] + delta[i] * scale * weight[i]);
    }
    return out;
  }
}
