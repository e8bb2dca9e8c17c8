package dev.quire.tokenizer.model;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A bounded cache of encoded words: one entry a slot, the newer word wins. Entries are immutable,
 * so that threads may share the cache without a lock; a lost update only costs the work again.
 */
final class WordCache {
  private static final int SLOTS = 1 << 14;
  private static final int LONGEST = 64;

  private record Entry(byte[] word, int[] ids) {}

  private final @Nullable Entry[] entries = new Entry[SLOTS];

  int @Nullable [] find(byte[] bytes, int length, int hash) {
    Entry entry = entries[slot(hash)];
    return entry != null
            && entry.word.length == length
            && Arrays.equals(entry.word, 0, length, bytes, 0, length)
        ? entry.ids
        : null;
  }

  void put(byte[] bytes, int length, int hash, int[] ids) {
    if (length <= LONGEST) {
      entries[slot(hash)] = new Entry(Arrays.copyOf(bytes, length), ids);
    }
  }

  private static int slot(int hash) {
    int mixed = hash * 0x9E3779B9;
    return (mixed ^ mixed >>> 16) & SLOTS - 1;
  }
}
