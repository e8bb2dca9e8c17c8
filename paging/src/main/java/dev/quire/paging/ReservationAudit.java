package dev.quire.paging;

import java.util.List;

/** Counts what a {@link ReservingAllocator}'s memory holds, and checks who owns it. */
final class ReservationAudit {
  private final int blockSize;
  private final BuddyAllocator[] memory;
  private final List<SequenceBlocks> live;

  ReservationAudit(int blockSize, BuddyAllocator[] memory, List<SequenceBlocks> live) {
    this.blockSize = blockSize;
    this.memory = memory;
    this.live = live;
  }

  /**
   * What groups hold.
   *
   * @param refused whether a sequence waits that the free memory cannot hold
   */
  KvUsage usage(int firstGroup, int endGroup, boolean refused) {
    long total = 0;
    long free = 0;
    for (int group = firstGroup; group < endGroup; group++) {
      total += memory[group].size();
      free += memory[group].freeBlocks();
    }
    long stored = 0;
    long reserved = 0;
    long external = 0;
    for (var s : live) {
      var reservation = ReservingAllocator.reservation(s);
      if (reservation.placed) {
        int end = reservation.hint == null ? reservation.tokens : reservation.hint.totalTokens();
        stored += s.computed;
        reserved += Math.max(0, Math.min(end, reservation.tokens) - s.computed);
        external += (long) reservation.blocks() * blockSize - reservation.tokens;
      }
    }
    int counted = endGroup - firstGroup;
    stored *= counted;
    reserved *= counted;
    external *= counted;
    // All else that is held, a freed parent's run that a fork will copy from included.
    long internal = (total - free) * blockSize - stored - reserved - external;
    long freeSlots = free * blockSize;
    return new KvUsage(
        blockSize,
        total,
        total - free,
        free,
        0,
        0,
        0,
        stored,
        0,
        reserved,
        internal,
        refused ? external + freeSlots : external,
        refused ? 0 : freeSlots,
        0,
        0,
        0,
        0);
  }

  /** Slots of the runs in use that lie beyond what their sequences reserved. */
  long roundingSlots() {
    long slots = 0;
    for (var s : live) {
      var reservation = ReservingAllocator.reservation(s);
      slots +=
          reservation.placed ? (long) reservation.blocks() * blockSize - reservation.tokens : 0;
    }
    return slots * memory.length;
  }

  /** {@link KvAllocator#checkIntegrity}. */
  void check() {
    for (int group = 0; group < memory.length; group++) {
      memory[group].check();
      var owned = new boolean[memory[group].size()];
      for (var s : live) {
        var reservation = ReservingAllocator.reservation(s);
        if (reservation.placed) {
          checkRun(s, reservation, group, owned);
        } else if (s.blockCount(group) > 0) {
          throw new PagingException("a sequence has blocks but no run of memory");
        }
      }
    }
  }

  private void checkRun(SequenceBlocks s, Reservation reservation, int group, boolean[] owned) {
    int base = reservation.bases[group];
    if (memory[group].orderInUse(base) != reservation.order || owned[base]) {
      throw new PagingException(
          "group %d: run at block %d is not of order %d, free, or has two owners"
              .formatted(group, base, reservation.order));
    }
    owned[base] = true;
    for (int i = 0; i < s.blockCount(group); i++) {
      if (s.block(group, i) != base + i || i >= reservation.blocks()) {
        throw new PagingException(
            "group %d: entry %d is block %d, outside the run of %d blocks at %d"
                .formatted(group, i, s.block(group, i), reservation.blocks(), base));
      }
    }
  }
}
