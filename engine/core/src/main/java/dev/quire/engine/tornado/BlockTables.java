package dev.quire.engine.tornado;

import java.util.Arrays;

/** What the device has of a cache group's block tables, so that only changes are sent. */
final class BlockTables {
  private static final int UNKNOWN = Integer.MIN_VALUE;

  private final int width;
  private final int[] onDevice;
  private int[] changes = new int[256];
  private int count;

  /**
   * @param width entries of a sequence
   */
  BlockTables(int sequences, int width) {
    this.width = width;
    this.onDevice = new int[Math.multiplyExact(sequences, width)];
    forget();
  }

  /** Nothing is known of what the device has. */
  void forget() {
    Arrays.fill(onDevice, UNKNOWN);
  }

  /** Begins a step: nothing has changed. */
  void begin() {
    count = 0;
  }

  /** A sequence's blocks, {@code blocks[from ..]}; those beyond {@code used} don't matter. */
  void set(int sequence, int[] blocks, int from, int used) {
    int length = Math.min(used, width);
    int base = sequence * width;
    int at = 0;
    while (true) {
      int same =
          Arrays.mismatch(onDevice, base + at, base + length, blocks, from + at, from + length);
      if (same < 0) {
        return;
      }
      at += same;
      if (2 * count + 2 > changes.length) {
        changes = Arrays.copyOf(changes, 2 * changes.length);
      }
      changes[2 * count] = base + at;
      changes[2 * count + 1] = blocks[from + at];
      onDevice[base + at] = blocks[from + at];
      count++;
      at++;
    }
  }

  /** Entries that changed. */
  int count() {
    return count;
  }

  /** Pairs of a place in the tables and its new block, {@link #count} of them. */
  int[] changes() {
    return changes;
  }
}
