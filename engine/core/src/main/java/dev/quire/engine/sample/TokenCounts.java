package dev.quire.engine.sample;

import java.util.Arrays;

/** How often each token occurs: a hash table of ints with open addressing. */
final class TokenCounts {
  private static final int EMPTY = -1;

  private int[] tokens = new int[64];
  private int[] counts = new int[64];
  private int used;

  TokenCounts() {
    Arrays.fill(tokens, EMPTY);
  }

  /** Slots to go through with {@link #tokenAt} and {@link #countAt}. */
  int capacity() {
    return tokens.length;
  }

  /** The token in a slot, or −1. */
  int tokenAt(int slot) {
    return tokens[slot];
  }

  int countAt(int slot) {
    return counts[slot];
  }

  void add(int token, int change) {
    int slot = find(token);
    if (tokens[slot] == EMPTY) {
      tokens[slot] = token;
      if (++used * 2 > tokens.length) {
        grow();
        slot = find(token);
      }
    }
    counts[slot] += change;
  }

  private int find(int token) {
    int mask = tokens.length - 1;
    int slot = ((token * 0x9E3779B9) >>> 7) & mask;
    while (tokens[slot] != EMPTY && tokens[slot] != token) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private void grow() {
    int[] oldTokens = tokens;
    int[] oldCounts = counts;
    tokens = new int[oldTokens.length * 2];
    counts = new int[tokens.length];
    Arrays.fill(tokens, EMPTY);
    for (int i = 0; i < oldTokens.length; i++) {
      if (oldTokens[i] != EMPTY) {
        int slot = find(oldTokens[i]);
        tokens[slot] = oldTokens[i];
        counts[slot] = oldCounts[i];
      }
    }
  }
}
