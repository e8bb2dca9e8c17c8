package dev.quire.paging;

import java.util.Arrays;

/**
 * Runs of {@code 2^order} blocks, split from larger ones and merged again with their other half
 * (Knuth, The Art of Computer Programming, volume 1, section 2.5). A memory whose size is no power
 * of two starts as several runs, the largest first, e.g. 13 as 8 + 4 + 1.
 */
final class BuddyAllocator {
  private static final int NONE = BlockPool.NONE;
  private static final int ORDERS = 31;

  private final int size;
  // The order of the run that starts at a block, and whether it is free; NONE inside runs.
  private final byte[] orders;
  private final boolean[] free;
  private final int[] heads = new int[ORDERS];
  private final int[] previous;
  private final int[] next;
  private int freeBlocks;

  BuddyAllocator(int size) {
    this.size = size;
    orders = new byte[size];
    free = new boolean[size];
    previous = new int[size];
    next = new int[size];
    Arrays.fill(orders, (byte) NONE);
    Arrays.fill(heads, NONE);
    for (int base = 0; base < size; base += 1 << orders[base]) {
      insert(base, 31 - Integer.numberOfLeadingZeros(size - base));
    }
    freeBlocks = size;
  }

  /** The smallest order whose runs hold a number of blocks. */
  static int orderOf(int blocks) {
    return blocks <= 1 ? 0 : 32 - Integer.numberOfLeadingZeros(blocks - 1);
  }

  /**
   * Takes a run of {@code 2^order} blocks.
   *
   * @return its first block, or −1 when no free run is long enough
   */
  int allocate(int order) {
    int from = order;
    while (from < ORDERS && heads[from] == NONE) {
      from++;
    }
    if (from >= ORDERS) {
      return NONE;
    }
    int base = heads[from];
    remove(base);
    while (from > order) {
      from--;
      insert(base + (1 << from), from);
    }
    orders[base] = (byte) order;
    freeBlocks -= 1 << order;
    return base;
  }

  /** Gives a run back. */
  void free(int base) {
    if (orders[base] == NONE || free[base]) {
      throw new IllegalStateException("no run in use starts at block %d".formatted(base));
    }
    int start = base;
    int order = orders[base];
    freeBlocks += 1 << order;
    // The other half of a run that the memory started with lies beyond the end, or is smaller.
    for (int buddy = start ^ (1 << order);
        buddy < size && free[buddy] && orders[buddy] == order;
        buddy = start ^ (1 << order)) {
      remove(buddy);
      orders[Math.max(start, buddy)] = NONE;
      start = Math.min(start, buddy);
      order++;
    }
    insert(start, order);
  }

  private void insert(int base, int order) {
    int head = heads[order];
    orders[base] = (byte) order;
    free[base] = true;
    previous[base] = NONE;
    next[base] = head;
    if (head != NONE) {
      previous[head] = base;
    }
    heads[order] = base;
  }

  private void remove(int base) {
    free[base] = false;
    if (previous[base] == NONE) {
      heads[orders[base]] = next[base];
    } else {
      next[previous[base]] = next[base];
    }
    if (next[base] != NONE) {
      previous[next[base]] = previous[base];
    }
  }

  int size() {
    return size;
  }

  int freeBlocks() {
    return freeBlocks;
  }

  /** Whether a run of an order is free or can be split off. */
  boolean has(int order) {
    return largestFreeOrder() >= order;
  }

  /** The largest order of which a run is free, or −1. */
  int largestFreeOrder() {
    int order = ORDERS - 1;
    while (order >= 0 && heads[order] == NONE) {
      order--;
    }
    return order;
  }

  /** The order of a run in use that starts at a block, or −1. */
  int orderInUse(int base) {
    return free[base] ? NONE : orders[base];
  }

  /** Checks that the runs tile the memory and that no two free halves lie apart. */
  void check() {
    int counted = 0;
    for (int base = 0; base < size; ) {
      int order = orders[base];
      if (order == NONE || base + (1L << order) > size || base % (1 << order) != 0) {
        throw new PagingException("buddy memory: no proper run starts at block %d".formatted(base));
      }
      int buddy = base ^ (1 << order);
      if (free[base]) {
        counted += 1 << order;
        if (buddy < size && free[buddy] && orders[buddy] == order) {
          throw new PagingException(
              "buddy memory: free halves %d and %d are not merged".formatted(base, buddy));
        }
      }
      for (int inside = base + 1; inside < base + (1 << order); inside++) {
        if (orders[inside] != NONE || free[inside]) {
          throw new PagingException(
              "buddy memory: block %d lies inside the run at %d".formatted(inside, base));
        }
      }
      base += 1 << order;
    }
    int listed = 0;
    for (int order = 0; order < ORDERS; order++) {
      for (int base = heads[order]; base != NONE && listed <= size; base = next[base]) {
        listed += free[base] && orders[base] == order ? 1 << order : size + 1;
      }
    }
    if (counted != freeBlocks || listed != freeBlocks) {
      throw new PagingException(
          "buddy memory: %d blocks free, %d in lists, counter %d"
              .formatted(counted, listed, freeBlocks));
    }
  }
}
