package dev.quire.bench.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid2D;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * Siblings of the products that do without tensor cores: an element a thread, and the same with
 * tiles in local memory.
 *
 * <pre>
 *   multiply        thread (o, r): the whole of row o of the weights with the whole of row r of x
 *   multiplyTiled   group: 16 rows × 16 outputs, 32 deep at a time
 *                   x tile [16][33]  weights tile [16][33]    (a column more, so that banks differ)
 * </pre>
 */
public final class NaiveProduct {
  private static final int SIDE = 16;
  private static final int DEPTH = 32;
  private static final int STRIDE = DEPTH + 1;

  private NaiveProduct() {}

  /** {@code out[r, o] = sum over i of weights[o, i] * x[r, i]}. */
  public static void multiply(
      KernelContext context,
      HalfFloatArray weights,
      HalfFloatArray x,
      FloatArray out,
      int outputs,
      int inputs) {
    int output = context.globalIdx;
    int row = context.globalIdy;
    float sum = 0.0f;
    for (int i = 0; i < inputs; i += 2) {
      Half2 w = weights.getHalf2(output * inputs + i);
      Half2 v = x.getHalf2(row * inputs + i);
      sum += Half2.lowFloat(w) * Half2.lowFloat(v) + Half2.highFloat(w) * Half2.highFloat(v);
    }
    out.set(row * outputs + output, sum);
  }

  /** The same; inputs a multiple of {@value #DEPTH}, rows and outputs of {@value #SIDE}. */
  public static void multiplyTiled(
      KernelContext context,
      HalfFloatArray weights,
      HalfFloatArray x,
      FloatArray out,
      int outputs,
      int inputs) {
    float[] xTile = context.allocateFloatLocalArray(SIDE * STRIDE);
    float[] wTile = context.allocateFloatLocalArray(SIDE * STRIDE);
    int column = context.localIdx;
    int line = context.localIdy;
    int output = context.groupIdx * SIDE + column;
    int row = context.groupIdy * SIDE + line;
    int from = context.groupIdx * SIDE + line;
    float sum = 0.0f;
    for (int depth = 0; depth < inputs; depth += DEPTH) {
      Half2 v = x.getHalf2(row * inputs + depth + 2 * column);
      Half2 w = weights.getHalf2(from * inputs + depth + 2 * column);
      xTile[line * STRIDE + 2 * column] = Half2.lowFloat(v);
      xTile[line * STRIDE + 2 * column + 1] = Half2.highFloat(v);
      wTile[line * STRIDE + 2 * column] = Half2.lowFloat(w);
      wTile[line * STRIDE + 2 * column + 1] = Half2.highFloat(w);
      context.localBarrier();
      for (int i = 0; i < DEPTH; i++) {
        sum += xTile[line * STRIDE + i] * wTile[column * STRIDE + i];
      }
      context.localBarrier();
    }
    out.set(row * outputs + output, sum);
  }

  /** A thread for each element. */
  static WorkerGrid grid(int rows, int outputs) {
    WorkerGrid grid = new WorkerGrid2D(outputs, rows);
    grid.setLocalWork(SIDE, SIDE, 1);
    return grid;
  }
}
