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
 * The gate of a feed-forward block: SiLU of one half times the other (Shazeer, 2020).
 *
 * <pre>
 *   gateUp row   ├──── gate ────┼───── up ─────┤
 *   out row      ├ silu(gate)·up ┤                one group a row
 * </pre>
 */
public final class SiluMultiply {
  private SiluMultiply() {}

  /** Threads of a group, which handles one row. */
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
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    for (int i = context.localIdx; i < hidden; i += GROUP) {
      float gate = gateUp.get(2 * row * hidden + i);
      float up = gateUp.get((2 * row + 1) * hidden + i);
      out.set(row * hidden + i, new HalfFloat(gate / (1.0f + TornadoMath.exp(-gate)) * up));
    }
  }

  /** A group for each of at most {@code rows} rows. */
  public static WorkerGrid grid(int rows) {
    WorkerGrid grid = new WorkerGrid1D(rows * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** The same in plain Java: one element. */
  public static float reference(float gate, float up) {
    return (float) (gate / (1 + Math.exp(-gate)) * up);
  }
}
