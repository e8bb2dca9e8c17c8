package dev.quire.paging;

import org.jspecify.annotations.Nullable;

/** What a reserving allocator set aside for one sequence: one run of blocks in each group. */
final class Reservation {
  final LengthHint hint;
  final int[] base;
  int askedTokens;
  int order = BlockPool.NONE;
  // The sequence itself, forks that have yet to copy from here, and copies that are not drained.
  int holders = 1;
  @Nullable Reservation copyFrom;

  Reservation(LengthHint hint, int groups) {
    this.hint = hint;
    base = new int[groups];
  }

  boolean placed() {
    return order != BlockPool.NONE;
  }
}
