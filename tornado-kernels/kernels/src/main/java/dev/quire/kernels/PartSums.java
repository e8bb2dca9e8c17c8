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
 * Adds the parts of a product whose inputs were cut into splits, always in the same order.
 *
 * <pre>
 *   parts    split 0 │row 0│row 1│ …        one group a row
 *            split 1 │row 0│row 1│ …
 *   out row  ◄── split 0 + split 1 + …
 * </pre>
 */
public final class PartSums {
  private PartSums() {}

  /** Threads of a group, which handles one row. */
  public static final int GROUP = 256;

  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;

  /**
   * {@code out[r] = sum over s of parts[s, r]}.
   *
   * @param counts element 0: rows that are there
   * @param parts [splits, partRows, width]
   * @param out [rows, width]
   */
  public static void add(
      KernelContext context,
      IntArray counts,
      FloatArray parts,
      FloatArray out,
      int width,
      int splits,
      int partRows) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    for (int i = context.localIdx; i < width; i += GROUP) {
      float sum = 0.0f;
      for (int s = 0; s < splits; s++) {
        sum += parts.get((s * partRows + row) * width + i);
      }
      out.set(row * width + i, sum);
    }
  }

  /**
   * {@link RmsNorm#addNormalize} with a delta in parts: {@code residual += sum of the parts; out =
   * weight * residual / sqrt(mean(residual²) + epsilon)}.
   *
   * @param counts element 0: rows that are there
   * @param residual [rows, width], updated
   * @param parts [splits, partRows, width]
   * @param weight [width]
   * @param out [rows, width]
   */
  public static void addNormalize(
      KernelContext context,
      IntArray counts,
      FloatArray residual,
      FloatArray parts,
      FloatArray weight,
      HalfFloatArray out,
      int width,
      float epsilon,
      int splits,
      int partRows) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    float[] partial = context.allocateFloatLocalArray(WARPS);
    int thread = context.localIdx;
    float squares = 0.0f;
    for (int i = thread; i < width; i += GROUP) {
      float value = residual.get(row * width + i);
      for (int s = 0; s < splits; s++) {
        value += parts.get((s * partRows + row) * width + i);
      }
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

  /** A group for each of at most {@code rows} rows. */
  public static WorkerGrid grid(int rows) {
    WorkerGrid grid = new WorkerGrid1D(rows * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** {@link #add} in plain Java: one row. */
  public static float[] reference(float[] parts, int row, int width, int splits, int partRows) {
    float[] sums = new float[width];
    for (int s = 0; s < splits; s++) {
      for (int i = 0; i < width; i++) {
        sums[i] += parts[(s * partRows + row) * width + i];
      }
    }
    return sums;
  }
}
