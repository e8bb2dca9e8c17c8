package dev.quire.kernels;

import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid3D;

/** How the work of {@link PagedAttention} is shared out among groups, so that a device is busy. */
public final class AttentionGroups {
  private AttentionGroups() {}

  /** The most queries that share a group. */
  public static final int QUERIES = 8;

  /** The most warps of a group. */
  public static final int MOST_WARPS = 16;

  private static final int WARP = 32;
  private static final int MULTIPROCESSORS = 132;

  // Sequences whose contexts are spread by short splits, and the warps of their groups.
  private static final int FEW = 8;
  private static final int FEW_WARPS = 4;

  // Floats of local memory in which a group's warps put their outputs together.
  private static final int MERGED = 4096;

  /**
   * Positions below which a split is not worth while: few contexts are spread over the device by
   * short splits, one turn of a group each; many fill it with one group each.
   */
  public static int leastSplit(int sequences) {
    return sequences <= FEW ? FEW_WARPS * WARP : 1024;
  }

  /** Whether so few sequences leave the memory idle that asking early pays: 1 or 0. */
  public static int early(int sequences) {
    return sequences <= FEW ? 1 : 0;
  }

  /**
   * Warps of a group: as many as the device holds at once over all groups, as far as local memory
   * lets their outputs be put together. Larger heads take more registers.
   */
  public static int warps(int sequences, int heads, int kvHeads, int headSize) {
    int most = Math.min(MOST_WARPS, MERGED / (shared(heads, kvHeads) * headSize));
    int held = MULTIPROCESSORS * 16;
    int groups = sequences * kvHeads * parts(heads, kvHeads);
    int many = Math.max(held / groups, 2);
    int wanted = sequences <= FEW ? FEW_WARPS : many;
    return Math.max(1, Math.min(wanted, most));
  }

  private static int parts(int heads, int kvHeads) {
    return (heads / kvHeads + QUERIES - 1) / QUERIES;
  }

  private static int shared(int heads, int kvHeads) {
    int parts = parts(heads, kvHeads);
    return (heads / kvHeads + parts - 1) / parts;
  }

  /** Groups for {@link PagedAttention#attend}. */
  public static WorkerGrid grid(int sequences, int heads, int kvHeads, int splits, int warps) {
    WorkerGrid grid =
        new WorkerGrid3D(splits * warps * WARP, kvHeads * parts(heads, kvHeads), sequences);
    grid.setLocalWork(warps * WARP, 1, 1);
    return grid;
  }
}
