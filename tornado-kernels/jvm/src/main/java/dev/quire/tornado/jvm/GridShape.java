package dev.quire.tornado.jvm;

import java.util.Arrays;
import uk.ac.manchester.tornado.api.WorkerGrid;

/** Work items and groups of one launch, in x, y and z. */
public final class GridShape {
  private static final int DEFAULT_GROUP = 256;
  private static final int MAX_GROUP = 1024;

  private final int[] global;
  private final int[] local;
  private final int[] offset;

  private GridShape(int[] global, int[] local, int[] offset) {
    this.global = global;
    this.local = local;
    this.offset = offset;
  }

  /**
   * The shape as the grid says now.
   *
   * @throws KernelFault if groups do not divide the work items or are too large
   */
  public static GridShape of(WorkerGrid grid) {
    int[] global = ints(grid.getGlobalWork());
    long[] asked = grid.getLocalWork();
    int[] local = asked == null ? new int[] {largestDivisor(global[0]), 1, 1} : ints(asked);
    for (int d = 0; d < 3; d++) {
      if (local[d] <= 0 || global[d] < 0 || global[d] % local[d] != 0) {
        throw new KernelFault(
            "groups of "
                + Arrays.toString(local)
                + " do not divide the grid "
                + Arrays.toString(global));
      }
    }
    if ((long) local[0] * local[1] * local[2] > MAX_GROUP) {
      throw new KernelFault(
          "a group of " + Arrays.toString(local) + " has more than " + MAX_GROUP + " work items");
    }
    return new GridShape(global, local, ints(grid.getGlobalOffset()));
  }

  /** One work item, for a kernel that is a plain loop. */
  static GridShape single() {
    return new GridShape(new int[] {1, 1, 1}, new int[] {1, 1, 1}, new int[3]);
  }

  int global(int dimension) {
    return global[dimension];
  }

  int local(int dimension) {
    return local[dimension];
  }

  int offset(int dimension) {
    return offset[dimension];
  }

  int groups(int dimension) {
    return global[dimension] / local[dimension];
  }

  int groups() {
    return Math.multiplyExact(Math.multiplyExact(groups(0), groups(1)), groups(2));
  }

  int groupSize() {
    return local[0] * local[1] * local[2];
  }

  private static int[] ints(long[] values) {
    int[] result = new int[3];
    for (int d = 0; d < 3; d++) {
      result[d] = Math.toIntExact(values[d]);
    }
    return result;
  }

  private static int largestDivisor(int items) {
    int divisor = Math.max(1, Math.min(items, DEFAULT_GROUP));
    while (items % divisor != 0) {
      divisor--;
    }
    return divisor;
  }
}
