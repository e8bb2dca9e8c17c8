package dev.quire.engine.schedule;

import org.jspecify.annotations.Nullable;

/**
 * The group that found no room last, so that its prefix isn't looked up in every step: without more
 * free blocks, or fewer tokens that others are to get blocks for, it finds none again.
 */
final class LastRefusal {
  private @Nullable SequenceGroup group;
  private int freeBlocks;
  private int promisedTokens;

  void note(SequenceGroup refused, int free, int promised) {
    group = refused;
    freeBlocks = free;
    promisedTokens = promised;
  }

  boolean holds(SequenceGroup candidate, int free, int promised) {
    return candidate == group && free <= freeBlocks && promised >= promisedTokens;
  }
}
