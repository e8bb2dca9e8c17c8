package dev.quire.paging;

/**
 * Keeps sequences' full blocks where later requests find them: each stands for a node of the prefix
 * cache, which names the tokens up to its end (Kwon et al. 2023, section 4.4).
 */
final class FindableBlocks {
  private static final int NONE = BlockPool.NONE;

  private final KvCacheConfig config;
  private final int blockSize;
  private final int groups;
  private final BlockPool[] pools;
  private final PrefixCache cache;
  private final PrefixSearch search;
  private final PagedAllocator owner;
  private long queriedTokens;
  private long hitTokens;

  FindableBlocks(KvCacheConfig config, BlockPool[] pools, PrefixCache cache, PagedAllocator owner) {
    this.config = config;
    this.pools = pools;
    this.cache = cache;
    this.owner = owner;
    blockSize = config.blockSize();
    groups = pools.length;
    search = new PrefixSearch(config, cache);
  }

  /** Prompt tokens that were looked for. */
  long queriedTokens() {
    return queriedTokens;
  }

  /** Those of them that were found. */
  long hitTokens() {
    return hitTokens;
  }

  /** Gives a new sequence the blocks that are known of its tokens; all but the last may be. */
  int attach(SequenceBlocks s, int[] tokens, int length) {
    queriedTokens += length;
    int blocks = search.longest(s.cacheSalt, tokens, (length - 1) / blockSize);
    for (int group = 0; group < groups; group++) {
      int first = config.firstKeptBlock(group, blocks * blockSize);
      for (int i = 0; i < blocks; i++) {
        int block = i < first ? NONE : cache.block(search.node(i), group);
        s.append(group, block);
        if (block != NONE) {
          pools[group].retain(block);
        }
      }
      s.firstKept[group] = first;
    }
    if (blocks > 0) {
      s.node = search.node(blocks - 1);
      cache.use(s.node);
    }
    s.known = blocks;
    s.computed = blocks * blockSize;
    hitTokens += s.computed;
    return s.computed;
  }

  /** Makes the blocks findable that are full by now. */
  void extend(SequenceBlocks s, int[] tokens, int computed) {
    if (s.unbound) {
      bindReturned(s);
    }
    while ((s.known + 1) * blockSize <= computed && makeFindable(s, tokens)) {
      s.known++;
    }
  }

  /** Makes the next block of a sequence findable; false when the prefix cache has no room. */
  private boolean makeFindable(SequenceBlocks s, int[] tokens) {
    int node = cache.findOrAdd(s.node, s.cacheSalt, tokens, s.known * blockSize);
    if (node == PrefixCache.ABSENT) {
      return false;
    }
    cache.use(node);
    cache.unuse(s.node);
    s.node = node;
    for (int group = 0; group < groups; group++) {
      bind(s, group, s.known, node);
    }
    return true;
  }

  /** Lets a block stand for its node, or takes the block that does already. */
  private void bind(SequenceBlocks s, int group, int index, int node) {
    int block = s.block(group, index);
    int known = cache.block(node, group);
    if (block == NONE || block == known) {
      return;
    }
    if (known == NONE) {
      if (pools[group].node(block) == NONE) {
        pools[group].setNode(block, node);
        cache.bind(node, group, block);
      }
    } else {
      pools[group].retain(known);
      s.set(group, index, known);
      owner.release(group, block);
    }
  }

  private void bindReturned(SequenceBlocks s) {
    int node = s.node;
    for (int i = s.known - 1; i >= 0; i--) {
      for (int group = 0; group < groups; group++) {
        bind(s, group, i, node);
      }
      node = cache.parent(node);
    }
    s.unbound = false;
  }

  /** Lets a fork know the prefix of the sequence that it came from. */
  void fork(SequenceBlocks from, SequenceBlocks child) {
    child.known = from.known;
    child.node = from.node;
    child.unbound = from.unbound;
    cache.use(child.node);
  }

  /** Lets go of the prefix nodes of blocks that will be written again from a position on. */
  void forgetBeyond(SequenceBlocks s, int computed) {
    while (s.known * blockSize > computed) {
      int node = s.node;
      s.node = cache.parent(node);
      cache.use(s.node);
      cache.unuse(node);
      s.known--;
    }
  }

  /** Lets go of all nodes of a sequence that ends. */
  void leave(SequenceBlocks s) {
    cache.unuse(s.node);
  }
}
