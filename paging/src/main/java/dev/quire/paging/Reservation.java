package dev.quire.paging;

import org.jspecify.annotations.Nullable;

/** What a reserving allocator sets aside for one sequence: one run of blocks in each group. */
final class Reservation {
  final @Nullable LengthHint hint;
  final int tokens;
  final int order;
  final int[] bases;
  boolean placed;
  // The sequence itself, forks that have yet to copy from here, and copies not drained yet.
  int holders = 1;
  @Nullable Reservation copyFrom;

  Reservation(@Nullable LengthHint hint, int tokens, int order, int groups) {
    this.hint = hint;
    this.tokens = tokens;
    this.order = order;
    bases = new int[groups];
  }

  /** Blocks in each group's run. */
  int blocks() {
    return 1 << order;
  }
}
