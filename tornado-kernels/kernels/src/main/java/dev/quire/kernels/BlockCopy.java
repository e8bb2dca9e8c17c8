package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Copies blocks within the KV cache, for copy-on-write.
 *
 * <pre>
 *   cache │..│s0│..│d0│..│s1│..     pair i: group i copies block s to block d
 * </pre>
 */
public final class BlockCopy {
  private BlockCopy() {}

  /** Threads of a group, which handles one block. */
  public static final int GROUP = 256;

  /**
   * Copies within K and V; no block is both a source and a destination.
   *
   * @param counts element 0: pairs that are there
   * @param pairs [pairs, 2]: source, destination
   * @param keys [blocks, blockElements]
   * @param values [blocks, blockElements]
   */
  public static void copy(
      KernelContext context,
      IntArray counts,
      IntArray pairs,
      HalfFloatArray keys,
      HalfFloatArray values,
      int blockElements) {
    int pair = context.groupIdx;
    if (pair >= counts.get(0)) {
      return;
    }
    int source = pairs.get(2 * pair) * blockElements;
    int destination = pairs.get(2 * pair + 1) * blockElements;
    for (int i = 2 * context.localIdx; i < blockElements; i += 2 * GROUP) {
      keys.setHalf2(destination + i, keys.getHalf2(source + i));
      values.setHalf2(destination + i, values.getHalf2(source + i));
    }
  }

  /** A group for each of at most {@code rows} rows. */
  public static WorkerGrid grid(int rows) {
    WorkerGrid grid = new WorkerGrid1D(rows * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** {@code copy} in plain Java, on one array. */
  public static void reference(float[] cache, int[] pairs, int blockElements) {
    for (int i = 0; i < pairs.length; i += 2) {
      System.arraycopy(
          cache, pairs[i] * blockElements, cache, pairs[i + 1] * blockElements, blockElements);
    }
  }
}
