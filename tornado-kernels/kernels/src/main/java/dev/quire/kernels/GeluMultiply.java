package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The gate of a feed-forward block with GELU by its tanh approximation (Hendrycks and Gimpel, 2016;
 * Shazeer, 2020). Laid out as {@link SiluMultiply}:
 *
 * <pre>
 *   gateUp row   ├──── gate ────┼───── up ─────┤
 *   out row      ├ gelu(gate)·up ┤                one thread an element
 * </pre>
 */
public final class GeluMultiply {
  private GeluMultiply() {}

  /** Threads of a group, which handles as many elements of a row. */
  public static final int GROUP = SiluMultiply.GROUP;

  private static final float ROOT = 0.7978846f;
  private static final float CUBE = 0.044715f;
  private static final float ROOT_HALF = 0.70710677f;

  /**
   * {@code out[r, i] = gelu(gateUp[r, i]) * gateUp[r, hidden + i]}.
   *
   * @param counts element 0: rows that are there
   * @param gateUp [rows, 2 * hidden]
   * @param out [rows, hidden]
   */
  public static void apply(
      KernelContext context, IntArray counts, FloatArray gateUp, HalfFloatArray out, int hidden) {
    int row = context.groupIdy;
    if (row >= counts.get(0)) {
      return;
    }
    int i = context.globalIdx;
    if (i < hidden) {
      float gate = gateUp.get(2 * row * hidden + i);
      float up = gateUp.get((2 * row + 1) * hidden + i);
      float inner = ROOT * (gate + CUBE * gate * gate * gate);
      float gelu = 0.5f * gate * (1.0f + TornadoMath.tanh(inner));
      out.set(row * hidden + i, new HalfFloat(gelu * up));
    }
  }

  /**
   * As {@link #apply}, with GELU by the error function.
   *
   * @param counts element 0: rows that are there
   * @param gateUp [rows, 2 * hidden]
   * @param out [rows, hidden]
   */
  public static void applyExact(
      KernelContext context, IntArray counts, FloatArray gateUp, HalfFloatArray out, int hidden) {
    int row = context.groupIdy;
    if (row >= counts.get(0)) {
      return;
    }
    int i = context.globalIdx;
    if (i < hidden) {
      float gate = gateUp.get(2 * row * hidden + i);
      float up = gateUp.get((2 * row + 1) * hidden + i);
      out.set(row * hidden + i, new HalfFloat(exact(gate) * up));
    }
  }

  /**
   * {@code x · Φ(x)}, where Φ's complement of |x| is the polynomial of Abramowitz and Stegun
   * 7.1.26, off by at most 1.5e-7.
   */
  static float exact(float x) {
    float size = TornadoMath.abs(x);
    float t = 1.0f / (1.0f + 0.3275911f * ROOT_HALF * size);
    float series = t * (1.4214138f + t * (-1.4531521f + t * 1.0614054f));
    float tail =
        0.5f * t * (0.2548296f + t * (-0.28449672f + series)) * TornadoMath.exp(-0.5f * x * x);
    float positive = TornadoMath.max(x, 0.0f);
    return positive - size * tail;
  }

  /** Groups for at most {@code rows} rows. */
  public static WorkerGrid grid(int rows, int hidden) {
    return SiluMultiply.grid(rows, hidden);
  }

  /** The same in plain Java: one element. */
  public static float reference(float gate, float up) {
    double inner = Math.sqrt(2 / Math.PI) * (gate + 0.044715 * gate * gate * gate);
    return (float) (0.5 * gate * (1 + Math.tanh(inner)) * up);
  }

  /** {@link #applyExact} in plain Java: one element, Φ by integrating the density. */
  public static float exactReference(float gate, float up) {
    int steps = 2000;
    double sum = 0;
    double width = (double) gate / steps;
    for (int i = 0; i < steps; i++) {
      double middle = (i + 0.5) * width;
      sum += Math.exp(-middle * middle / 2);
    }
    return (float) (gate * (0.5 + sum * width / Math.sqrt(2 * Math.PI)) * up);
  }
}
