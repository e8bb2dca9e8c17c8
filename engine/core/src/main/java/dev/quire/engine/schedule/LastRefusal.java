package dev.quire.engine.schedule;

import org.jspecify.annotations.Nullable;

/**
 * The group that found no room last, so that its prefix isn't looked up in every step: without more
 * free blocks, or fewer tokens that running groups keep room for, it finds none again.
 */
final class LastRefusal {
  private @Nullable SequenceGroup group;
  private int freeBlocks;
  private int claimedTokens;

  void note(SequenceGroup refused, int free, int claimed) {
    group = refused;
    freeBlocks = free;
    claimedTokens = claimed;
  }

  boolean holds(SequenceGroup candidate, int free, int claimed) {
    return candidate == group && free <= freeBlocks && claimed >= claimedTokens;
  }
}
