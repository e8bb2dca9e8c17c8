package dev.quire.engine.tornado;

import dev.quire.engine.exec.StepBatch;
import dev.quire.kernels.ChunkAttention;
import java.util.List;
import java.util.stream.IntStream;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * All that changes from step to step, in small arrays that are sent at every execution; one set for
 * each bucket.
 */
final class StepInputs {
  /** Rows; positions a split. */
  final IntArray counts = new IntArray(2);

  final IntArray tokens;
  final IntArray positions;

  /** Of each cache group, [rows]. */
  final List<IntArray> slots;

  /** Of each cache group, [sequences, tableWidth]. */
  final List<IntArray> tables;

  /** Positions in the cache, [sequences]. */
  final IntArray lengths;

  /** The sequence of each row. */
  final IntArray sequences;

  /** Tiles of queries, as {@link ChunkAttention} describes them, and how many there are. */
  final IntArray tiles;

  final IntArray tileCounts = new IntArray(1);

  /** Pairs of a row and one of its experts. */
  final IntArray pairCounts = new IntArray(1);

  /** Rows whose logits are wanted, and how many there are. */
  final IntArray wanted;

  final IntArray wantedCounts = new IntArray(1);

  private final int tableWidth;

  StepInputs(int groups, int rows, int sequences, int tiles, int wanted, int tableWidth) {
    this.tableWidth = tableWidth;
    this.tokens = new IntArray(rows);
    this.positions = new IntArray(rows);
    this.slots = IntStream.range(0, groups).mapToObj(_ -> new IntArray(rows)).toList();
    this.tables =
        IntStream.range(0, groups).mapToObj(_ -> new IntArray(sequences * tableWidth)).toList();
    this.lengths = new IntArray(sequences);
    this.sequences = new IntArray(rows);
    this.tiles = new IntArray(Math.max(1, tiles * ChunkAttention.DESCRIPTOR));
    this.wanted = new IntArray(wanted);
  }

  /** Takes a step over, all but the wanted rows. */
  void fill(StepBatch batch, int splits, int expertsUsed) {
    int longest = 0;
    counts.set(0, batch.numTokens);
    pairCounts.set(0, batch.numTokens * expertsUsed);
    for (int t = 0; t < batch.numTokens; t++) {
      tokens.set(t, batch.tokenIds[t]);
      positions.set(t, batch.positions[t]);
      for (int g = 0; g < slots.size(); g++) {
        slots.get(g).set(t, batch.slots[g][t]);
      }
    }
    int tile = 0;
    for (int s = 0; s < batch.numSequences; s++) {
      lengths.set(s, batch.contextLengths[s]);
      longest = Math.max(longest, batch.contextLengths[s]);
      for (int g = 0; g < tables.size(); g++) {
        int stride = batch.tableStride[g];
        int blocks = Math.min(stride, tableWidth);
        for (int i = 0; i < blocks; i++) {
          tables.get(g).set(s * tableWidth + i, batch.blockTables[g][s * stride + i]);
        }
      }
      int end = batch.queryStart[s + 1];
      for (int row = batch.queryStart[s]; row < end; row++) {
        sequences.set(row, s);
        if (tiles.getSize() > 1 && (row - batch.queryStart[s]) % ChunkAttention.QUERIES == 0) {
          int at = tile++ * ChunkAttention.DESCRIPTOR;
          tiles.set(at, row);
          tiles.set(at + 1, Math.min(ChunkAttention.QUERIES, end - row));
          tiles.set(at + 2, batch.positions[row]);
          tiles.set(at + 3, s);
        }
      }
    }
    tileCounts.set(0, tile);
    counts.set(1, Buckets.splitLength(longest, splits));
  }

  /** Wants rows {@code from} to {@code from + count} of those that a step wants. */
  void want(StepBatch batch, int from, int count) {
    wantedCounts.set(0, count);
    for (int i = 0; i < count; i++) {
      wanted.set(i, batch.logitsRows[from + i]);
    }
  }
}
