package dev.quire.tokenizer.model;

import java.util.Arrays;

/** The merges of a BPE vocabulary: a hash table from pairs of ids to rank and merged id. */
public final class PairTable implements PairRanks {
  private final long[] pairs;
  private final long[] merges;

  /** An empty table for at most {@code expected} pairs. */
  public PairTable(int expected) {
    int capacity = Integer.highestOneBit(Math.max(4, expected) * 2 - 1) * 2;
    pairs = new long[capacity];
    merges = new long[capacity];
    Arrays.fill(pairs, -1);
  }

  /** Adds a merge; of equal pairs the first one counts. */
  public void add(int left, int right, int rank, int merged) {
    long pair = (long) left << 32 | right;
    int slot = slot(pair);
    while (pairs[slot] >= 0) {
      if (pairs[slot] == pair) {
        return;
      }
      slot = slot + 1 & pairs.length - 1;
    }
    pairs[slot] = pair;
    merges[slot] = (long) rank << 32 | merged;
  }

  private int slot(long pair) {
    long mixed = pair * 0x9E3779B97F4A7C15L;
    return (int) (mixed >>> 32 ^ mixed >>> 47) & pairs.length - 1;
  }

  @Override
  public long rank(byte[] bytes, int from, int to, int left, int right) {
    if ((left | right) < 0) {
      return NONE;
    }
    long pair = (long) left << 32 | right;
    int slot = slot(pair);
    while (true) {
      long found = pairs[slot];
      if (found == pair) {
        return merges[slot];
      }
      if (found < 0) {
        return NONE;
      }
      slot = slot + 1 & pairs.length - 1;
    }
  }
}
