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
 * What happens to rows between products: picked, scaled, rounded, biased, finished as logits.
 *
 * <pre>
 *   gather   wanted │2│5│   source rows 0 1 2 3 4 5  ──►  target rows 2 5    one group a row
 * </pre>
 */
public final class Rows {
  private Rows() {}

  /** Threads of a group, which handles one row. */
  public static final int GROUP = 256;

  /**
   * {@code target[i] = source[wanted[i]]}: the rows whose logits are wanted.
   *
   * @param counts element 0: rows that are wanted
   * @param wanted [wanted rows]
   * @param source [rows, width]
   * @param target [wanted rows, width]
   */
  public static void gather(
      KernelContext context,
      IntArray counts,
      IntArray wanted,
      FloatArray source,
      FloatArray target,
      int width) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    int from = wanted.get(row) * width;
    for (int i = context.localIdx; i < width; i += GROUP) {
      target.set(row * width + i, source.get(from + i));
    }
  }

  /** {@code x *= factor}, x [rows, width]; counts element 0: rows that are there. */
  public static void scale(
      KernelContext context, IntArray counts, FloatArray x, int width, float factor) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    for (int i = context.localIdx; i < width; i += GROUP) {
      x.set(row * width + i, x.get(row * width + i) * factor);
    }
  }

  /** Rounds x [rows, width] to halves; counts element 0: rows that are there. */
  public static void toHalf(
      KernelContext context, IntArray counts, FloatArray x, HalfFloatArray out, int width) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    for (int i = context.localIdx; i < width; i += GROUP) {
      out.set(row * width + i, new HalfFloat(x.get(row * width + i)));
    }
  }

  /** Widens x [rows, width] to floats; counts element 0: rows that are there. */
  public static void toFloat(
      KernelContext context, IntArray counts, HalfFloatArray x, FloatArray out, int width) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    for (int i = context.localIdx; i < width; i += GROUP) {
      out.set(row * width + i, x.get(row * width + i).getFloat32());
    }
  }

  /** {@code x += bias}, x [rows, width], bias [width]; counts element 0: rows that are there. */
  public static void addBias(
      KernelContext context, IntArray counts, FloatArray x, FloatArray bias, int width) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    for (int i = context.localIdx; i < width; i += GROUP) {
      x.set(row * width + i, x.get(row * width + i) + bias.get(i));
    }
  }

  /**
   * {@code logit = cap * tanh(logit * factor / cap)}; what a product computed past the vocabulary,
   * to fill its tile, becomes minus infinity.
   *
   * @param counts element 0: rows that are there
   * @param logits [rows, stride]
   * @param softCap 0: none
   */
  public static void finishLogits(
      KernelContext context,
      IntArray counts,
      FloatArray logits,
      int vocabulary,
      int stride,
      float factor,
      float softCap) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    for (int i = context.localIdx; i < stride; i += GROUP) {
      float logit = logits.get(row * stride + i) * factor;
      float capped = softCap > 0.0f ? softCap * TornadoMath.tanh(logit / softCap) : logit;
      float value = i < vocabulary ? capped : Float.NEGATIVE_INFINITY;
      logits.set(row * stride + i, value);
    }
  }

  /** Copies x [rows, width] to out; counts element 0: rows that are there. */
  public static void copy(
      KernelContext context, IntArray counts, FloatArray x, FloatArray out, int width) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    for (int i = context.localIdx; i < width; i += GROUP) {
      out.set(row * width + i, x.get(row * width + i));
    }
  }

  /** A group for each of at most {@code rows} rows. */
  public static WorkerGrid grid(int rows) {
    WorkerGrid grid = new WorkerGrid1D(rows * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** {@link #gather} in plain Java. */
  public static float[] reference(float[] source, int[] wanted, int width) {
    float[] target = new float[wanted.length * width];
    for (int i = 0; i < wanted.length; i++) {
      System.arraycopy(source, wanted[i] * width, target, i * width, width);
    }
    return target;
  }

  /** {@link #finishLogits} in plain Java, one logit. */
  public static float finished(float logit, float factor, float softCap) {
    return softCap > 0 ? (float) (softCap * Math.tanh(logit * factor / softCap)) : logit * factor;
  }
}
