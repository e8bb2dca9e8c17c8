package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The most probable token of each sampled row; of equals the one with the lowest number.
 *
 * <pre>
 *   logits row  │0│1│…│255│0│1│…     thread t looks at t, t + 256, …
 *   (best, index) of 256 threads ── halved eight times in local memory ──► token
 * </pre>
 */
public final class Argmax {
  private Argmax() {}

  /** Threads of a group, which handles one row. */
  public static final int GROUP = 256;

  /**
   * {@code tokens[r]} = the index of the largest of {@code logits[r]}.
   *
   * @param counts element 0: rows that are there
   * @param logits [rows, vocabulary]
   * @param tokens [rows]
   */
  public static void greedy(
      KernelContext context, IntArray counts, FloatArray logits, IntArray tokens, int vocabulary) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    float[] values = context.allocateFloatLocalArray(GROUP);
    int[] indices = context.allocateIntLocalArray(GROUP);
    int thread = context.localIdx;
    float best = Float.NEGATIVE_INFINITY;
    int index = vocabulary;
    for (int i = thread; i < vocabulary; i += GROUP) {
      float value = logits.get(row * vocabulary + i);
      if (value > best || index == vocabulary) {
        best = value;
        index = i;
      }
    }
    values[thread] = best;
    indices[thread] = index;
    context.localBarrier();
    for (int width = GROUP / 2; width > 0; width /= 2) {
      if (thread < width) {
        float other = values[thread + width];
        int otherIndex = indices[thread + width];
        float mine = values[thread];
        if (other > mine || (other == mine && otherIndex < indices[thread])) {
          values[thread] = other;
          indices[thread] = otherIndex;
        }
      }
      context.localBarrier();
    }
    if (thread == 0) {
      tokens.set(row, indices[0]);
    }
  }

  /** A group for each of at most {@code rows} rows. */
  public static WorkerGrid grid(int rows) {
    WorkerGrid grid = new WorkerGrid1D(rows * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** The same in plain Java, one row. */
  public static int reference(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }
}
