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
 * One row of activations times a weight matrix [outputs, inputs].
 *
 * <pre>
 *   weights   row 2w   │h2│h2│ … 32 lanes … │  four such strips under way at a time
 *             row 2w+1 │h2│h2│ …            │
 *   x                  │h2│h2│ …            │   each pair of x serves two rows
 *   lane sums ── simdSum ──► out[2w], out[2w + 1]        4 warps a group, 8 rows
 * </pre>
 */
public final class MatrixVector {
  private MatrixVector() {}

  /** Threads of a group, which handles {@value #ROWS} outputs. */
  public static final int GROUP = 128;

  /** Outputs of a group. */
  public static final int ROWS = 8;

  private static final int WARP = 32;

  /**
   * {@code out[o] = sum over i of weights[o, i] * x[i]}, summed in floats.
   *
   * @param weights [outputs, inputs], both even
   * @param x [inputs]
   * @param out [outputs]
   */
  public static void multiply(
      KernelContext context,
      HalfFloatArray weights,
      HalfFloatArray x,
      FloatArray out,
      int outputs,
      int inputs) {
    int lane = context.localIdx % WARP;
    int output = context.groupIdx * ROWS + context.localIdx / WARP * 2;
    int valid = output < outputs ? inputs : 0;
    int upper = TornadoMath.min(output, outputs - 2) * inputs;
    int lower = upper + inputs;
    float a = 0.0f;
    float b = 0.0f;
    int main = valid / (8 * WARP) * (8 * WARP);
    for (int i = 2 * lane; i < main; i += 8 * WARP) {
      Half2 x0 = x.getHalf2(i);
      Half2 x1 = x.getHalf2(i + 2 * WARP);
      Half2 x2 = x.getHalf2(i + 4 * WARP);
      Half2 x3 = x.getHalf2(i + 6 * WARP);
      Half2 a0 = weights.getHalf2(upper + i);
      Half2 a1 = weights.getHalf2(upper + i + 2 * WARP);
      Half2 a2 = weights.getHalf2(upper + i + 4 * WARP);
      Half2 a3 = weights.getHalf2(upper + i + 6 * WARP);
      Half2 b0 = weights.getHalf2(lower + i);
      Half2 b1 = weights.getHalf2(lower + i + 2 * WARP);
      Half2 b2 = weights.getHalf2(lower + i + 4 * WARP);
      Half2 b3 = weights.getHalf2(lower + i + 6 * WARP);
      a += dot(a0, x0) + dot(a1, x1) + dot(a2, x2) + dot(a3, x3);
      b += dot(b0, x0) + dot(b1, x1) + dot(b2, x2) + dot(b3, x3);
    }
    for (int i = main + 2 * lane; i < valid; i += 2 * WARP) {
      Half2 pair = x.getHalf2(i);
      a += dot(weights.getHalf2(upper + i), pair);
      b += dot(weights.getHalf2(lower + i), pair);
    }
    a = context.simdSum(a);
    b = context.simdSum(b);
    if (lane == 0 && output < outputs) {
      out.set(output, a);
      out.set(output + 1, b);
    }
  }

  private static float dot(Half2 a, Half2 b) {
    return Half2.lowFloat(a) * Half2.lowFloat(b) + Half2.highFloat(a) * Half2.highFloat(b);
  }

  /**
   * The same with weights in Q8_0.
   *
   * @param quants [outputs, inputs / 4], as {@link Pack} leaves them; inputs a multiple of 32
   * @param scales [outputs, inputs / 32]
   */
  public static void multiplyQ8(
      KernelContext context,
      IntArray quants,
      HalfFloatArray scales,
      HalfFloatArray x,
      FloatArray out,
      int outputs,
      int inputs) {
    int lane = context.localIdx % WARP;
    int output = context.groupIdx * ROWS + context.localIdx / WARP * 2;
    int valid = output < outputs ? inputs : 0;
    int upper = TornadoMath.min(output, outputs - 2) * inputs;
    int lower = upper + inputs;
    float a = 0.0f;
    float b = 0.0f;
    for (int i = 4 * lane; i < valid; i += 4 * WARP) {
      Half2 low = x.getHalf2(i);
      Half2 high = x.getHalf2(i + 2);
      a +=
          scales.get((upper + i) / 32).getFloat32() * dotQ8(quants.get((upper + i) / 4), low, high);
      b +=
          scales.get((lower + i) / 32).getFloat32() * dotQ8(quants.get((lower + i) / 4), low, high);
    }
    a = context.simdSum(a);
    b = context.simdSum(b);
    if (lane == 0 && output < outputs) {
      out.set(output, a);
      out.set(output + 1, b);
    }
  }

  private static float dotQ8(int four, Half2 low, Half2 high) {
    return (four << 24 >> 24) * Half2.lowFloat(low)
        + (four << 16 >> 24) * Half2.highFloat(low)
        + (four << 8 >> 24) * Half2.lowFloat(high)
        + (four >> 24) * Half2.highFloat(high);
  }

  /** Groups for all outputs. */
  public static WorkerGrid grid(int outputs) {
    WorkerGrid grid = new WorkerGrid1D((outputs + ROWS - 1) / ROWS * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** Any number of rows in plain Java: {@code out[r, o]}. */
  public static float[] reference(float[] weights, float[] x, int rows, int outputs, int inputs) {
    float[] out = new float[rows * outputs];
    for (int r = 0; r < rows; r++) {
      for (int o = 0; o < outputs; o++) {
        double sum = 0;
        for (int i = 0; i < inputs; i++) {
          sum += (double) weights[o * inputs + i] * x[r * inputs + i];
        }
        out[r * outputs + o] = (float) sum;
      }
    }
    return out;
  }
}
