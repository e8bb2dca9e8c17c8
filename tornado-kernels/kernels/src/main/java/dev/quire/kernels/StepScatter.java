package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Unpacks what a step is made of: one array comes from the host, because each transfer costs as
 * much as a small kernel, and this kernel writes it out to the arrays that the others read.
 *
 * <pre>
 *   packed │ header │ tokens │ positions │ … │ slots │ changes of the block tables: place, block │
 *              │        └──────────► tokens [rows]                 │
 *              └─ counts, and where each part begins               └──► tables[place] = block
 * </pre>
 *
 * Block tables stay on the device; only what changed in them is sent.
 */
public final class StepScatter {
  private StepScatter() {}

  /** Threads of a group. */
  public static final int GROUP = 256;

  private static final int GROUPS = 16;
  private static final int THREADS = GROUPS * GROUP;

  /** Where the counts have the position of the first row, of a step that has one. */
  public static final int FIRST_POSITION = 2;

  /** Header: rows of the step, 0 to {@code counts[0]}. */
  public static final int ROWS = 0;

  /** Header: positions a split, to {@code counts[1]}. */
  public static final int SPLIT_LENGTH = 1;

  /** Header: pairs of a row and an expert. */
  public static final int PAIRS = 2;

  /** Header: tiles of queries. */
  public static final int TILES = 3;

  /** Header: wanted rows. */
  public static final int WANTED = 4;

  /** Header: sequences. */
  public static final int SEQUENCES = 5;

  /** Header: where the parts begin, in the order of {@link #scatter}'s arrays from tokens on. */
  public static final int PARTS = 6;

  /** Header: for each cache group where its slots and changes begin, and how many changes. */
  public static final int CACHE_GROUPS = 12;

  /** Header entries of a cache group. */
  public static final int PER_CACHE_GROUP = 3;

  /**
   * Writes out all but the cache groups beyond the first.
   *
   * @param packed the header, then the parts
   * @param counts [3]: rows; positions a split; the first row's position, or 0
   * @param tileCounts [1]
   * @param pairCounts [1]
   * @param wantedCounts [1]
   * @param tokens [rows]
   * @param positions [rows]
   * @param sequences [rows]
   * @param lengths [sequences]
   * @param tiles [tiles, 4]
   * @param wanted [wanted rows]
   * @param slots [rows]
   * @param tables [sequences, table width]
   */
  public static void scatter(
      KernelContext context,
      IntArray packed,
      IntArray counts,
      IntArray tileCounts,
      IntArray pairCounts,
      IntArray wantedCounts,
      IntArray tokens,
      IntArray positions,
      IntArray sequences,
      IntArray lengths,
      IntArray tiles,
      IntArray wanted,
      IntArray slots,
      IntArray tables) {
    int thread = context.globalIdx;
    if (thread == 0) {
      counts.set(0, packed.get(ROWS));
      counts.set(1, packed.get(SPLIT_LENGTH));
      pairCounts.set(0, packed.get(PAIRS));
      tileCounts.set(0, packed.get(TILES));
      wantedCounts.set(0, packed.get(WANTED));
    }
    int rows = packed.get(ROWS);
    int fromTokens = packed.get(PARTS);
    int fromPositions = packed.get(PARTS + 1);
    int fromSequences = packed.get(PARTS + 2);
    int fromSlots = packed.get(CACHE_GROUPS);
    if (thread == 0) {
      int first = 0;
      if (rows > 0) {
        first = packed.get(fromPositions);
      }
      counts.set(FIRST_POSITION, first);
    }
    for (int i = thread; i < rows; i += THREADS) {
      tokens.set(i, packed.get(fromTokens + i));
      positions.set(i, packed.get(fromPositions + i));
      sequences.set(i, packed.get(fromSequences + i));
      slots.set(i, packed.get(fromSlots + i));
    }
    int lengthCount = packed.get(SEQUENCES);
    int fromLengths = packed.get(PARTS + 3);
    for (int i = thread; i < lengthCount; i += THREADS) {
      lengths.set(i, packed.get(fromLengths + i));
    }
    int tileElements = packed.get(TILES) * ChunkTiles.DESCRIPTOR;
    int fromTiles = packed.get(PARTS + 4);
    for (int i = thread; i < tileElements; i += THREADS) {
      tiles.set(i, packed.get(fromTiles + i));
    }
    int wantedCount = packed.get(WANTED);
    int fromWanted = packed.get(PARTS + 5);
    for (int i = thread; i < wantedCount; i += THREADS) {
      wanted.set(i, packed.get(fromWanted + i));
    }
    int changes = packed.get(CACHE_GROUPS + 2);
    int fromChanges = packed.get(CACHE_GROUPS + 1);
    for (int i = thread; i < changes; i += THREADS) {
      tables.set(packed.get(fromChanges + 2 * i), packed.get(fromChanges + 2 * i + 1));
    }
  }

  /**
   * Writes out a cache group's part alone.
   *
   * @param header where the group's entries of the header are
   */
  public static void scatterGroup(
      KernelContext context, IntArray packed, IntArray slots, IntArray tables, int header) {
    int thread = context.globalIdx;
    int rows = packed.get(ROWS);
    int fromSlots = packed.get(header);
    for (int i = thread; i < rows; i += THREADS) {
      slots.set(i, packed.get(fromSlots + i));
    }
    int changes = packed.get(header + 2);
    int fromChanges = packed.get(header + 1);
    for (int i = thread; i < changes; i += THREADS) {
      tables.set(packed.get(fromChanges + 2 * i), packed.get(fromChanges + 2 * i + 1));
    }
  }

  /** The same number of threads for every step. */
  public static WorkerGrid grid() {
    WorkerGrid grid = new WorkerGrid1D(THREADS);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** The changes of a table in plain Java: {@code changes} are pairs of a place and a block. */
  public static void reference(int[] table, int[] changes) {
    for (int i = 0; i < changes.length; i += 2) {
      table[changes[i]] = changes[i + 1];
    }
  }
}
