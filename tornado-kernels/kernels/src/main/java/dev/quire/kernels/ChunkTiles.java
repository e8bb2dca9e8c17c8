package dev.quire.kernels;

import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;

/**
 * How the queries of prefill chunks are cut into tiles for {@link ChunkAttention}, and the shape of
 * its launch.
 *
 * <pre>
 *   a tile   │ row of its first query │ queries (1 to {@link #queries}) │ position of the first │ sequence │
 * </pre>
 */
public final class ChunkTiles {
  private ChunkTiles() {}

  /** Threads of a group: eight warps. */
  public static final int GROUP = 256;

  /** Pairs of a query and a head that a group handles at once. */
  public static final int ROWS = 64;

  /** The largest head size. */
  public static final int MAX_HEAD = 128;

  /** The most groups: two on each of 132 multiprocessors. */
  public static final int MOST_GROUPS = 264;

  /** Floats of scratch that a group needs. */
  public static final int SCRATCH = 2 * ROWS * MAX_HEAD;

  /** Ints that describe a tile. */
  public static final int DESCRIPTOR = 4;

  /** The most queries of a tile. */
  public static int queries(int heads, int kvHeads) {
    return Math.max(1, ROWS / (heads / kvHeads));
  }

  /** Groups for at most {@code tiles} tiles. */
  public static int groups(int tiles, int heads, int kvHeads) {
    int parts = (heads / kvHeads + ROWS - 1) / ROWS;
    return (int) Math.min(MOST_GROUPS, (long) tiles * kvHeads * parts);
  }

  /** The grid of {@code groups} groups. The reference is PagedAttention's, query by query. */
  public static WorkerGrid grid(int groups) {
    WorkerGrid grid = new WorkerGrid1D(groups * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }
}
