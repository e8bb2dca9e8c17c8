package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid2D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The gate of a feed-forward block: SiLU of one half times the other (Shazeer, 2020).
 *
 * <pre>
 *   gateUp row   ├──── gate ────┼───── up ─────┤
 *   out row      ├ silu(gate)·up ┤                one thread an element
 * </pre>
 */
public final class SiluMultiply {
  private SiluMultiply() {}

  /** Threads of a group, which handles as many elements of a row. */
  public static final int GROUP = 256;

  /**
   * {@code out[r, i] = silu(gateUp[r, i]) * gateUp[r, hidden + i]}.
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
      float value = gate / (1.0f + TornadoMath.exp(-gate)) * up;
      out.set(row * hidden + i, new HalfFloat(value));
    }
  }

  /** Groups for at most {@code rows} rows. */
  public static WorkerGrid grid(int rows, int hidden) {
    WorkerGrid grid = new WorkerGrid2D((hidden + GROUP - 1) / GROUP * GROUP, rows);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** The same in plain Java: one element. */
  public static float reference(float gate, float up) {
    return (float) (gate / (1 + Math.exp(-gate)) * up);
  }
}
