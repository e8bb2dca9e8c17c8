package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * The residual stream of one row between products that add to it and products that read it
 * normalised, so that no kernel between them is needed.
 *
 * <pre>
 *   ADDED    residual += W · x            a group has 8 outputs, and so 8 elements of the stream
 *            weighted = residual · norm   of the norm that follows
 *            squares  = sum of 8 residual²
 *   NORMED   out = (W · weighted) / sqrt(sum of squares / width + epsilon)
 * </pre>
 *
 * The division comes after the sums, since it is one for all inputs.
 */
public final class ResidualStream {
  private ResidualStream() {}

  /** A product that reads halves and stores its sums. */
  public static final int PLAIN = 0;

  /** A product that reads the stream normalised, and stores its sums. */
  public static final int NORMED = 1;

  /** A product that reads halves, and adds its sums to the stream. */
  public static final int ADDED = 2;

  /** Elements of the stream that share a sum of squares. */
  public static final int SHARED = WeightTiles.OUTPUTS;

  private static final int GROUP = 128;

  /**
   * Makes a stream ready for the first product: {@code weighted = residual * norm}, and the
   * squares.
   *
   * @param residual [width], a multiple of 8
   * @param norm [width]
   * @param weighted [width]
   * @param squares [width / 8]
   */
  public static void weigh(
      KernelContext context,
      FloatArray residual,
      FloatArray norm,
      FloatArray weighted,
      FloatArray squares,
      int width) {
    int i = context.globalIdx;
    float x = i < width ? residual.get(TornadoMath.min(i, width - 1)) : 0.0f;
    float sum = Warps.sumOfEight(context, x * x);
    if (i < width) {
      weighted.set(i, x * norm.get(i));
      if (i % SHARED == 0) {
        squares.set(i / SHARED, sum);
      }
    }
  }

  /** Threads for {@link #weigh}: one an element. */
  public static WorkerGrid grid(int width) {
    WorkerGrid grid = new WorkerGrid1D((width + GROUP - 1) / GROUP * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** A thread's part of the sum of all squares. */
  static float squares(FloatArray squares, int width, int thread, int threads) {
    int count = width / SHARED;
    float sum = 0.0f;
    for (int from = 0; from < count; from += threads) {
      int i = from + thread;
      float square = squares.get(TornadoMath.min(i, count - 1));
      sum += i < count ? square : 0.0f;
    }
    return sum;
  }
}
