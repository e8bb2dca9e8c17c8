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
 * Adds the parts of a product whose inputs were cut into splits, always in the same order.
 *
 * <pre>
 *   parts    split 0 │row 0│row 1│ …        one thread an element; a group a row where it is
 *            split 1 │row 0│row 1│ …        normalised as well
 *   out row  ◄── split 0 + split 1 + …
 * </pre>
 */
public final class PartSums {
  private PartSums() {}

  /** Threads of a group of {@link #add}. */
  public static final int GROUP = 256;

  /** Threads of a group of {@link #addNormalize}, which handles one row. */
  public static final int NORM_GROUP = RmsNorm.GROUP;

  private static final int WARP = 32;
  private static final int WARPS = NORM_GROUP / WARP;
  private static final int MOST_STEPS = RmsNorm.MAX_WIDTH / (2 * NORM_GROUP);

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
    int row = context.groupIdy;
    int i = context.globalIdx;
    if (row < counts.get(0) && i < width) {
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
   * @param residual [rows, width], updated; width even
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
    float[] left = new float[MOST_STEPS];
    float[] right = new float[MOST_STEPS];
    float[] leftWeight = new float[MOST_STEPS];
    float[] rightWeight = new float[MOST_STEPS];
    int thread = context.localIdx;
    int lane = thread % WARP;
    int steps = (width + 2 * NORM_GROUP - 1) / (2 * NORM_GROUP);
    float squares = 0.0f;
    // Loads alone: a store or a barrier between them would make later ones wait for earlier ones.
    for (int step = 0; step < steps; step++) {
      int i = 2 * (step * NORM_GROUP + thread);
      if (i < width) {
        float x = residual.get(row * width + i);
        float y = residual.get(row * width + i + 1);
        for (int s = 0; s < splits; s++) {
          x += parts.get((s * partRows + row) * width + i);
          y += parts.get((s * partRows + row) * width + i + 1);
        }
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
      int i = 2 * (step * NORM_GROUP + thread);
      if (i < width) {
        residual.set(row * width + i, left[step]);
        residual.set(row * width + i + 1, right[step]);
        float x = left[step] * scale * leftWeight[step];
        float y = right[step] * scale * rightWeight[step];
        out.setHalf2(row * width + i, Half2.fromFloats(x, y));
      }
    }
  }

  /** Threads for {@link #add}: one an element of at most {@code rows} rows. */
  public static WorkerGrid grid(int rows, int width) {
    WorkerGrid grid = new WorkerGrid2D((width + GROUP - 1) / GROUP * GROUP, rows);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** Groups for {@link #addNormalize}: one for each of at most {@code rows} rows. */
  public static WorkerGrid normGrid(int rows) {
    WorkerGrid grid = new WorkerGrid1D(rows * NORM_GROUP);
    grid.setLocalWork(NORM_GROUP, 1, 1);
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
