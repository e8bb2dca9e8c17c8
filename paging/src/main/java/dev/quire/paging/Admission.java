package dev.quire.paging;

/** Whether block pools have room for sequences: now, beside a watermark, or ever. */
final class Admission {
  private final KvCacheConfig config;
  private final BlockPool[] pools;

  Admission(KvCacheConfig config, BlockPool[] pools) {
    this.config = config;
    this.pools = pools;
  }

  /** {@link KvAllocator#canAdmit(int)}. */
  boolean admits(int tokens) {
    for (int group = 0; group < pools.length; group++) {
      int need = config.groups().get(group).blocksFor(tokens, config.blockSize());
      if (!hasRoom(group, need, 0)) {
        return false;
      }
    }
    return true;
  }

  /** {@link KvAllocator#canAdmit(SequenceBlocks, int)}. */
  boolean admits(SequenceBlocks s, int tokens) {
    for (int group = 0; group < pools.length; group++) {
      int held = s.held(group);
      int need = config.groups().get(group).blocksFor(tokens, config.blockSize()) - held;
      if (need > 0 && !hasRoom(group, need, held)) {
        return false;
      }
    }
    return true;
  }

  private boolean hasRoom(int group, int need, int held) {
    boolean alone = pools[group].usedBlocks() <= held;
    int kept = alone ? 0 : config.watermarkBlocks(group);
    return need <= pools[group].freeBlocks() - kept;
  }

  /** {@link KvAllocator#canEverFit(int)}. */
  boolean everFits(int tokens) {
    for (int group = 0; group < pools.length; group++) {
      if (config.groups().get(group).blocksFor(tokens, config.blockSize()) > pools[group].size()) {
        return false;
      }
    }
    return true;
  }

  /** {@link KvAllocator#canEverFit(int, int, int)}. */
  boolean everFits(int sharedTokens, int tokens, int sequences) {
    for (int group = 0; group < pools.length; group++) {
      int each = config.groups().get(group).blocksFor(tokens, config.blockSize());
      // What left a window may have been shared or not; only full attention keeps the beginning.
      int shared = config.groups().get(group).windowed() ? 0 : sharedTokens / config.blockSize();
      if (shared + (long) sequences * (each - shared) > pools[group].size()) {
        return false;
      }
    }
    return true;
  }
}
