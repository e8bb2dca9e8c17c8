package dev.quire.paging;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The block tables of one sequence, one a cache group: entry {@code i} of a table is the block that
 * holds positions {@code [i × blockSize, (i + 1) × blockSize)}, or −1 where it fell out of the
 * group's window. Made and changed by a {@link KvAllocator} alone.
 */
public final class SequenceBlocks {
  enum State {
    ON_DEVICE,
    SWAPPED,
    FREED
  }

  final long cacheSalt;
  private final int blockSize;
  private final int[][] tables;
  private final int[] counts;
  final int[] firstKept;
  State state = State.ON_DEVICE;
  // Tokens stored, as of the last attachPrefix, commit or fork.
  int computed;
  // The prefix node of the last block known to the prefix cache, and how many blocks are known.
  int node = PrefixCache.ROOT;
  int known;
  // Whether known blocks came back from the host and are not findable yet.
  boolean unbound;
  int liveIndex;
  // Numbers sequences for those who look on.
  long serial;
  @Nullable Reservation reservation;

  SequenceBlocks(int groups, int blockSize, long cacheSalt) {
    this.blockSize = blockSize;
    this.cacheSalt = cacheSalt;
    tables = new int[groups][8];
    counts = new int[groups];
    firstKept = new int[groups];
  }

  /** Entries in a group's table, those that fell out of the window included. */
  public int blockCount(int group) {
    return counts[group];
  }

  /** The block at a table's entry, or −1 when it fell out of the window. */
  public int block(int group, int index) {
    if (index >= counts[group]) {
      throw new IndexOutOfBoundsException(
          "block %d of a table of %d (group %d)".formatted(index, counts[group], group));
    }
    return tables[group][index];
  }

  /** Copies a group's table, {@link #blockCount} entries. */
  public void copyTable(int group, int[] dst, int dstOffset) {
    System.arraycopy(tables[group], 0, dst, dstOffset, counts[group]);
  }

  /** Where the token at a position is kept: block × block size + offset. */
  public int slot(int group, int position) {
    return block(group, position / blockSize) * blockSize + position % blockSize;
  }

  /** Writes the slots of {@code count} positions from {@code position} on. */
  public void copySlots(int group, int position, int count, int[] dst, int dstOffset) {
    for (int i = 0; i < count; i++) {
      dst[dstOffset + i] = slot(group, position + i);
    }
  }

  /** Tokens stored as of the last commit, prefix hit or fork. */
  public int computedTokens() {
    return computed;
  }

  /** Whether the blocks are in the host pool; the ids are then the host pool's. */
  public boolean swapped() {
    return state == State.SWAPPED;
  }

  /** Blocks that the sequence refers to in a group. */
  int held(int group) {
    return counts[group] - firstKept[group];
  }

  void append(int group, int block) {
    int count = counts[group]++;
    if (count == tables[group].length) {
      tables[group] = Arrays.copyOf(tables[group], 2 * count);
    }
    tables[group][count] = block;
  }

  void set(int group, int index, int block) {
    tables[group][index] = block;
  }

  /** Drops the last entry and returns it. */
  int removeLast(int group) {
    return tables[group][--counts[group]];
  }

  void require(State wanted) {
    if (state != wanted) {
      throw new IllegalStateException("sequence is %s, not %s".formatted(state, wanted));
    }
  }
}
