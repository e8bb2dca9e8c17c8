package dev.quire.engine.tornado;

import dev.quire.engine.exec.StepBatch;
import dev.quire.kernels.ChunkTiles;
import dev.quire.kernels.RotaryCache;
import dev.quire.kernels.StepScatter;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Sends steps of up to some size: one array that goes to the device at every execution, which a
 * kernel writes out to {@link StepInputs}.
 */
final class StepSender {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

  private final IntArray packed;
  private final MemorySegment data;
  private final int groups;
  private final int rows;
  private final int tiles;
  private final int wanted;
  private final int tileQueries;
  private final int changes;
  private final int[] parts = new int[6];
  private final int[] slotParts;
  private final int[] changeParts;

  /**
   * @param groups cache groups
   * @param rows the most tokens of a step
   * @param sequences the most sequences
   * @param tiles the most tiles of queries
   * @param tileQueries the most queries of a tile
   * @param wanted the most rows whose logits are wanted
   * @param changes the most changes of each group's block tables
   */
  StepSender(
      int groups, int rows, int sequences, int tiles, int tileQueries, int wanted, int changes) {
    this.groups = groups;
    this.rows = rows;
    this.tiles = tiles;
    this.tileQueries = tileQueries;
    this.wanted = wanted;
    this.changes = changes;
    this.slotParts = new int[groups];
    this.changeParts = new int[groups];
    int at = StepScatter.CACHE_GROUPS + groups * StepScatter.PER_CACHE_GROUP;
    int[] sizes = {rows, rows, rows, sequences, tiles * ChunkTiles.DESCRIPTOR, wanted};
    for (int i = 0; i < sizes.length; i++) {
      parts[i] = at;
      at += sizes[i];
    }
    for (int g = 0; g < groups; g++) {
      slotParts[g] = at;
      at += rows;
      changeParts[g] = at;
      at += 2 * changes;
    }
    this.packed = new IntArray(at);
    this.data = packed.getSegment();
    for (int i = 0; i < parts.length; i++) {
      packed.set(StepScatter.PARTS + i, parts[i]);
    }
    for (int g = 0; g < groups; g++) {
      packed.set(header(g), slotParts[g]);
      packed.set(header(g) + 1, changeParts[g]);
    }
    clear();
  }

  private static int header(int group) {
    return StepScatter.CACHE_GROUPS + group * StepScatter.PER_CACHE_GROUP;
  }

  /** Changes of a group's block tables that one step takes. */
  int mostChanges() {
    return changes;
  }

  /** Tiles of queries that a step has at most. */
  int mostTiles() {
    return tiles;
  }

  /** An empty step, which computes nothing that anyone reads. */
  void clear() {
    packed.set(StepScatter.ROWS, 0);
    packed.set(StepScatter.SPLIT_LENGTH, Buckets.splitLength(rows, 1, 1));
    packed.set(StepScatter.PAIRS, 0);
    packed.set(StepScatter.TILES, 0);
    packed.set(StepScatter.WANTED, 0);
    packed.set(StepScatter.SEQUENCES, 0);
    for (int g = 0; g < groups; g++) {
      packed.set(header(g) + 2, 0);
    }
  }

  /** Adds the kernels that write the step out. */
  void add(Segments segments, StepInputs to) {
    segments.add(
        "scatter",
        14,
        StepScatter.grid(),
        g ->
            g.task(
                "scatter",
                StepScatter::scatter,
                new KernelContext(),
                packed,
                to.counts,
                to.tileCounts,
                to.pairCounts,
                to.wantedCounts,
                to.tokens,
                to.positions,
                to.sequences,
                to.lengths,
                to.tiles,
                to.wanted,
                to.slots.getFirst(),
                to.tables.getFirst()),
        packed);
    for (int i = 1; i < groups; i++) {
      int group = i;
      int header = header(group);
      segments.add(
          "scatter" + group,
          5,
          StepScatter.grid(),
          g ->
              g.task(
                  "scatter" + group,
                  StepScatter::scatterGroup,
                  new KernelContext(),
                  packed,
                  to.slots.get(group),
                  to.tables.get(group),
                  header),
          packed);
    }
  }

  /**
   * Takes a step over, all but the wanted rows and the block tables.
   *
   * @param splits parts that each context is split into
   * @param expertsUsed experts of a token
   * @param stretchedBeyond the length beyond which a sequence is rotated otherwise; 0 for none
   */
  void fill(StepBatch batch, int splits, int expertsUsed, int stretchedBeyond) {
    int tokens = batch.numTokens;
    packed.set(StepScatter.ROWS, tokens);
    packed.set(StepScatter.PAIRS, tokens * expertsUsed);
    packed.set(StepScatter.SEQUENCES, batch.numSequences);
    put(batch.tokenIds, parts[0], tokens);
    put(batch.positions, parts[1], tokens);
    put(batch.contextLengths, parts[3], batch.numSequences);
    for (int g = 0; g < groups; g++) {
      put(batch.slots[g], slotParts[g], tokens);
    }
    int tile = 0;
    int longest = 0;
    for (int s = 0; s < batch.numSequences; s++) {
      longest = Math.max(longest, batch.contextLengths[s]);
      int begin = batch.queryStart[s];
      int end = batch.queryStart[s + 1];
      if (stretchedBeyond > 0 && batch.knownLength(s) > stretchedBeyond) {
        for (int row = begin; row < end; row++) {
          packed.set(parts[1] + row, batch.positions[row] + RotaryCache.STRETCHED);
        }
      }
      for (int row = begin; row < end; row++) {
        packed.set(parts[2] + row, s);
      }
      for (int row = begin; row < end && tiles > 0; row += tileQueries) {
        int at = parts[4] + tile++ * ChunkTiles.DESCRIPTOR;
        packed.set(at, row);
        packed.set(at + 1, Math.min(tileQueries, end - row));
        packed.set(at + 2, batch.positions[row]);
        packed.set(at + 3, s);
      }
    }
    packed.set(StepScatter.TILES, tile);
    packed.set(StepScatter.SPLIT_LENGTH, Buckets.splitLength(rows, longest, splits));
  }

  /** Wants rows {@code from} to {@code from + count} of those that a step wants. */
  void want(StepBatch batch, int from, int count) {
    packed.set(StepScatter.WANTED, count);
    MemorySegment.copy(batch.logitsRows, from, data, INT, 4L * parts[5], count);
  }

  /** Sends changes {@code from} to {@code from + count} of each group's block tables. */
  void change(List<BlockTables> tables, int from, int count) {
    for (int g = 0; g < groups; g++) {
      int begin = Math.min(from, tables.get(g).count());
      int own = Math.min(count, tables.get(g).count() - begin);
      packed.set(header(g) + 2, own);
      MemorySegment.copy(
          tables.get(g).changes(), 2 * begin, data, INT, 4L * changeParts[g], 2 * own);
    }
  }

  private void put(int[] from, int part, int count) {
    MemorySegment.copy(from, 0, data, INT, 4L * part, count);
  }

  /** Whether a step of so many tokens and wanted rows fits. */
  boolean holds(int tokens, int wantedRows) {
    return tokens <= rows && wantedRows <= wanted;
  }
}
