package dev.quire.paging;

import java.util.Arrays;

/** Finds how much of a prompt a prefix cache has, in every cache group of a model. */
final class PrefixSearch {
  private final KvCacheConfig config;
  private final PrefixCache cache;
  // Of each group, how many blocks in a row it has up to where the search is.
  private final int[] runs;
  private int[] path = new int[64];

  PrefixSearch(KvCacheConfig config, PrefixCache cache) {
    this.config = config;
    this.cache = cache;
    runs = new int[config.groups().size()];
  }

  /**
   * The most blocks, up to a limit, after which every group still has all that the next token sees;
   * {@link #node} has their nodes.
   */
  int longest(long salt, int[] tokens, int limit) {
    int best = 0;
    int node = PrefixCache.ROOT;
    ensurePath(limit);
    Arrays.fill(runs, 0);
    for (int depth = 0; depth < limit; depth++) {
      node = cache.find(node, salt, tokens, depth * config.blockSize());
      if (node == PrefixCache.ABSENT || !fullGroupsHave(node)) {
        break;
      }
      path[depth] = node;
      if (windowsEndingAt(depth)) {
        best = depth + 1;
      }
    }
    return best;
  }

  /** Only full attention sees every block; windowed groups are looked at separately. */
  private boolean fullGroupsHave(int node) {
    for (int group = 0; group < runs.length; group++) {
      if (!config.groups().get(group).windowed() && cache.block(node, group) == BlockPool.NONE) {
        return false;
      }
    }
    return true;
  }

  /** Whether each windowed group has the blocks seen from after entry {@code depth}. */
  private boolean windowsEndingAt(int depth) {
    boolean complete = true;
    for (int group = 0; group < runs.length; group++) {
      runs[group] = cache.block(path[depth], group) == BlockPool.NONE ? 0 : runs[group] + 1;
      int seen = depth + 1 - config.firstKeptBlock(group, (depth + 1) * config.blockSize());
      complete &= runs[group] >= seen;
    }
    return complete;
  }

  /** The node of a block of the prefix that {@link #longest} found. */
  int node(int depth) {
    return path[depth];
  }

  private void ensurePath(int length) {
    if (path.length < length) {
      path = new int[Math.max(length, 2 * path.length)];
    }
  }
}
