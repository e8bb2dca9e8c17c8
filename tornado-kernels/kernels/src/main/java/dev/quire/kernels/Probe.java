package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Reads back the end of an array that was sent, and touches arrays that are only to exist.
 *
 * <pre>
 *   array │ … │first│ … │first + count - 1│   ──►  out │0│ … │count - 1│     one thread an element
 * </pre>
 */
public final class Probe {
  private Probe() {}

  /** Threads: also the most elements that are read. */
  public static final int GROUP = 256;

  /**
   * {@code out[i] = array[first + i]} for i below {@code count}, if {@code ready[0]} is 1, not 0.
   */
  public static void halves(
      KernelContext context,
      IntArray ready,
      HalfFloatArray array,
      FloatArray out,
      int first,
      int count) {
    int i = context.globalIdx;
    if (i < count * ready.get(0)) {
      out.set(i, array.get(first + i).getFloat32());
    }
  }

  /**
   * {@code out[i] = array[first + i]} for i below {@code count}, if {@code ready[0]} is 1, not 0.
   */
  public static void floats(
      KernelContext context,
      IntArray ready,
      FloatArray array,
      FloatArray out,
      int first,
      int count) {
    int i = context.globalIdx;
    if (i < count * ready.get(0)) {
      out.set(i, array.get(first + i));
    }
  }

  /** As {@link #halves}, rounded to a float. */
  public static void ints(
      KernelContext context, IntArray ready, IntArray array, FloatArray out, int first, int count) {
    int i = context.globalIdx;
    if (i < count * ready.get(0)) {
      out.set(i, (float) array.get(first + i));
    }
  }

  /** Writes the first element. */
  public static void touchHalves(KernelContext context, HalfFloatArray array) {
    if (context.globalIdx == 0) {
      array.set(0, new HalfFloat(0.0f));
    }
  }

  /** Writes the first element. */
  public static void touchFloats(KernelContext context, FloatArray array) {
    if (context.globalIdx == 0) {
      array.set(0, 0.0f);
    }
  }

  /** Writes the first element. */
  public static void touchInts(KernelContext context, IntArray array) {
    if (context.globalIdx == 0) {
      array.set(0, 0);
    }
  }

  /** One group. */
  public static WorkerGrid grid() {
    WorkerGrid grid = new WorkerGrid1D(GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }
}
