package dev.quire.tokenizer.text;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * An immutable map from byte strings to ids: open addressing over one array of ids, all keys in one
 * blob. Made for looking up ranges of a larger array without copying them.
 */
public final class ByteTable {
  private final byte[] blob;
  private final int[] offsets;
  private final int[] slots;
  private final int[] hashes;
  private final int longest;

  /**
   * @param keys the key of each id; null where the id has none. Of equal keys the first id wins.
   */
  public ByteTable(byte[] @Nullable [] keys) {
    offsets = new int[keys.length + 1];
    int total = 0;
    int most = 0;
    for (int id = 0; id < keys.length; id++) {
      byte[] key = keys[id];
      offsets[id] = total;
      if (key != null) {
        total = Math.addExact(total, key.length);
        most = Math.max(most, key.length);
      }
    }
    offsets[keys.length] = total;
    longest = most;
    blob = new byte[total];
    int capacity = Integer.highestOneBit(Math.max(8, keys.length) * 2 - 1) * 2;
    slots = new int[capacity];
    hashes = new int[capacity];
    Arrays.fill(slots, -1);
    for (int id = 0; id < keys.length; id++) {
      byte[] key = keys[id];
      if (key != null) {
        System.arraycopy(key, 0, blob, offsets[id], key.length);
        insert(id, key);
      }
    }
  }

  private void insert(int id, byte[] key) {
    int hash = hash(key, 0, key.length);
    int slot = slot(hash);
    while (slots[slot] >= 0) {
      if (hashes[slot] == hash && equal(slots[slot], key, 0, key.length)) {
        return;
      }
      slot = slot + 1 & slots.length - 1;
    }
    slots[slot] = id;
    hashes[slot] = hash;
  }

  /** Hash of bytes[from, to): h = 31 h + b, so that a caller may extend it byte by byte. */
  public static int hash(byte[] bytes, int from, int to) {
    int hash = 0;
    for (int i = from; i < to; i++) {
      hash = 31 * hash + bytes[i];
    }
    return hash;
  }

  private int slot(int hash) {
    int mixed = hash * 0x9E3779B9;
    return (mixed ^ mixed >>> 15) & slots.length - 1;
  }

  /** The id of bytes[from, to), or -1. */
  public int find(byte[] bytes, int from, int to) {
    return to - from > longest ? -1 : find(bytes, from, to, hash(bytes, from, to));
  }

  /** The id of bytes[from, to) whose hash is known, or -1. */
  public int find(byte[] bytes, int from, int to, int hash) {
    int slot = slot(hash);
    while (slots[slot] >= 0) {
      if (hashes[slot] == hash && equal(slots[slot], bytes, from, to)) {
        return slots[slot];
      }
      slot = slot + 1 & slots.length - 1;
    }
    return -1;
  }

  private boolean equal(int id, byte[] bytes, int from, int to) {
    return Arrays.equals(blob, offsets[id], offsets[id + 1], bytes, from, to);
  }

  /** Length in bytes of the longest key. */
  public int longest() {
    return longest;
  }
}
