package dev.quire.paging;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Recounts what a {@link PagedAllocator} keeps counters of: for its usage, and to check it. */
final class PagedAudit {
  private final int blockSize;
  private final BlockPool[] pools;
  private final PrefixCache cache;
  private final BlockCopies copies;
  private final SwapSpace swap;
  private final List<SequenceBlocks> live;
  // By block; all 0 between calls.
  private final int[] scratch;

  PagedAudit(
      int blockSize,
      BlockPool[] pools,
      PrefixCache cache,
      BlockCopies copies,
      SwapSpace swap,
      List<SequenceBlocks> live) {
    this.blockSize = blockSize;
    this.pools = pools;
    this.cache = cache;
    this.copies = copies;
    this.swap = swap;
    this.live = live;
    int largest = 0;
    for (int group = 0; group < pools.length; group++) {
      largest = Math.max(largest, Math.max(pools[group].size(), swap.pool(group).size()));
    }
    scratch = new int[largest];
  }

  KvUsage usage(int firstGroup, int endGroup, long queriedTokens, long hitTokens) {
    long total = 0;
    long used = 0;
    long free = 0;
    long cached = 0;
    long shared = 0;
    long references = 0;
    long stored = 0;
    long saved = 0;
    long hostTotal = 0;
    long swapped = 0;
    for (int group = firstGroup; group < endGroup; group++) {
      var pool = pools[group];
      total += pool.size();
      used += pool.usedBlocks();
      free += pool.freeBlocks();
      cached += pool.findableFreeBlocks();
      shared += pool.sharedBlocks();
      references += pool.totalReferences();
      hostTotal += swap.pool(group).size();
      swapped += swap.pool(group).usedBlocks();
      long once = tokensStoredOnce(group);
      stored += once;
      saved += tokensStored(group) - once;
    }
    return new KvUsage(
        blockSize,
        total,
        used,
        free,
        cached,
        shared,
        references - used,
        stored,
        saved,
        0,
        (total - free) * blockSize - stored,
        0,
        free * blockSize,
        hostTotal,
        swapped,
        queriedTokens,
        hitTokens);
  }

  private int filled(SequenceBlocks s, int index) {
    return Math.clamp((long) s.computed - (long) index * blockSize, 0, blockSize);
  }

  /** Tokens of all live sequences, shared ones counted as often as they are shared. */
  private long tokensStored(int group) {
    long tokens = 0;
    for (var s : live) {
      if (!s.swapped()) {
        for (int i = s.firstKept[group]; i < s.blockCount(group); i++) {
          tokens += filled(s, i);
        }
      }
    }
    return tokens;
  }

  private long tokensStoredOnce(int group) {
    long tokens = 0;
    for (var s : live) {
      for (int i = s.firstKept[group]; !s.swapped() && i < s.blockCount(group); i++) {
        int block = s.block(group, i);
        int more = filled(s, i) - scratch[block];
        if (more > 0) {
          scratch[block] += more;
          tokens += more;
        }
      }
    }
    for (var s : live) {
      for (int i = s.firstKept[group]; !s.swapped() && i < s.blockCount(group); i++) {
        scratch[s.block(group, i)] = 0;
      }
    }
    return tokens;
  }

  void check() {
    for (int group = 0; group < pools.length; group++) {
      checkReferences(group, pools[group], false);
      checkReferences(group, swap.pool(group), true);
      checkMoves("copy", group, copies, pools[group], pools[group]);
      checkMoves("swap-in", group, swap.ins(), swap.pool(group), pools[group]);
      checkMoves("swap-out", group, swap.outs(), null, swap.pool(group));
    }
    int[] uses = new int[cache.capacity()];
    for (int i = 0; i < live.size(); i++) {
      var s = live.get(i);
      if (s.liveIndex != i || s.state == SequenceBlocks.State.FREED) {
        throw new PagingException("sequence %d of the live ones is %s".formatted(i, s.state));
      }
      checkPrefix(s, i);
      if (s.node != PrefixCache.ROOT) {
        uses[s.node]++;
      }
    }
    cache.check(uses, pools);
  }

  private void checkReferences(int group, BlockPool pool, boolean onHost) {
    Arrays.fill(scratch, 0);
    for (int number = 0; number < live.size(); number++) {
      var s = live.get(number);
      for (int i = 0; i < s.blockCount(group); i++) {
        boolean gone = s.block(group, i) == BlockPool.NONE;
        if (gone != i < s.firstKept[group]) {
          throw new PagingException(
              "sequence %d: entry %d of group %d is %d, but its window starts at entry %d"
                  .formatted(number, i, group, s.block(group, i), s.firstKept[group]));
        }
        if (!gone && s.swapped() == onHost) {
          scratch[s.block(group, i)]++;
        }
      }
      if ((long) s.blockCount(group) * blockSize < s.computed) {
        throw new PagingException(
            "sequence %d: %d tokens in %d blocks of group %d"
                .formatted(number, s.computed, s.blockCount(group), group));
      }
    }
    pool.check(scratch, "%s pool of group %d".formatted(onHost ? "host" : "device", group));
    Arrays.fill(scratch, 0);
  }

  /** Sources pinned, destinations in use, none of them twice or both. */
  private void checkMoves(
      String what,
      int group,
      BlockCopies moves,
      @Nullable BlockPool sources,
      BlockPool destinations) {
    long pins = 0;
    for (int i = 0; i < moves.size(); i++) {
      if (moves.group(i) != group) {
        continue;
      }
      int source = moves.source(i);
      int destination = moves.destination(i);
      pins++;
      if (scratch[destination]++ > 0
          || destinations.isFree(destination)
          || (sources != null && sources.pins(source) == 0)
          || (sources == destinations && moves.writes(group, source))) {
        throw new PagingException(
            "%s of group %d from block %d to %d: written twice, free, unpinned or a chain"
                .formatted(what, group, source, destination));
      }
    }
    for (int i = 0; i < moves.size(); i++) {
      if (moves.group(i) == group) {
        scratch[moves.destination(i)] = 0;
      }
    }
    if (sources != null) {
      long counted = 0;
      for (int block = 0; block < sources.size(); block++) {
        counted += sources.pins(block);
      }
      if (counted != pins) {
        throw new PagingException(
            "group %d: %d pins for %d waiting moves (%s)".formatted(group, counted, pins, what));
      }
    }
  }

  private void checkPrefix(SequenceBlocks s, int number) {
    int node = s.node;
    for (int i = s.known - 1; i >= 0; i--) {
      for (int group = 0; group < pools.length && !s.swapped(); group++) {
        int block = s.block(group, i);
        int holds = block == BlockPool.NONE ? node : pools[group].node(block);
        if (holds != node && holds != BlockPool.NONE) {
          throw new PagingException(
              "sequence %d: block %d of group %d holds prefix node %d instead of %d"
                  .formatted(number, block, group, holds, node));
        }
      }
      node = cache.parent(node);
    }
    if (node != PrefixCache.ROOT) {
      throw new PagingException(
          "sequence %d: %d known blocks do not lead to the root".formatted(number, s.known));
    }
  }
}
