package dev.quire.paging;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The paged KV cache: sequences hold fixed-size blocks that lie anywhere in the pool, share them by
 * reference counts, and copy one only when they are about to write into it while another still
 * reads it (Kwon et al. 2023, sections 4.2 to 4.4).
 *
 * <p>A full block becomes findable when it is committed, and stays so when its last reference goes,
 * until the pool needs it for something else. When a committed block holds the very tokens of one
 * that is findable already, the sequence takes that one and gives its own back.
 */
public final class PagedAllocator implements KvAllocator {
  private static final int NONE = BlockPool.NONE;

  private final KvCacheConfig config;
  private final int blockSize;
  private final int groups;
  private final BlockPool[] pools;
  private final PrefixCache cache;
  private final FindableBlocks prefixes;
  private final SwapSpace swap;
  private final Admission admission;
  private final PagedAudit audit;
  private final PoolView view;
  private final BlockCopies copies;
  private final ArrayList<SequenceBlocks> live = new ArrayList<>();
  private long serials;

  /** A cache without swap space. */
  public PagedAllocator(KvCacheConfig config) {
    this(config, new int[config.groups().size()]);
  }

  /**
   * @param hostBlocksPerGroup blocks of the host pool of each group; 0 for no swap space
   */
  public PagedAllocator(KvCacheConfig config, int[] hostBlocksPerGroup) {
    this.config = config;
    blockSize = config.blockSize();
    groups = config.groups().size();
    if (hostBlocksPerGroup.length != groups) {
      throw new PagingException(
          "KV cache: %d host pool sizes for %d cache groups"
              .formatted(hostBlocksPerGroup.length, groups));
    }
    pools = new BlockPool[groups];
    long blocks = 0;
    for (int group = 0; group < groups; group++) {
      pools[group] = new BlockPool(config.blocksPerGroup()[group]);
      blocks += pools[group].size();
    }
    // Nodes without a block of their own are only kept as ancestors; a full-attention group has
    // none, as it loses the blocks of a prefix from its end.
    cache = new PrefixCache(blockSize, groups, 2 * blocks + 64);
    copies = new BlockCopies(config.blocksPerGroup(), pools);
    swap = new SwapSpace(blockSize, pools, hostBlocksPerGroup);
    prefixes = new FindableBlocks(config, pools, cache, this);
    admission = new Admission(config, pools);
    view = new PoolView(blockSize, pools, cache, live);
    audit = new PagedAudit(blockSize, pools, cache, copies, swap, live);
  }

  @Override
  public SequenceBlocks newSequence(long cacheSalt) {
    var s = new SequenceBlocks(groups, blockSize, cacheSalt);
    s.liveIndex = live.size();
    s.serial = serials++;
    live.add(s);
    return s;
  }

  @Override
  public int attachPrefix(SequenceBlocks s, int[] tokens, int length) {
    s.require(SequenceBlocks.State.ON_DEVICE);
    for (int group = 0; group < groups; group++) {
      if (s.blockCount(group) > 0) {
        throw new IllegalStateException("a prefix can be attached to a new sequence only");
      }
    }
    if (!config.prefixCaching()) {
      return 0;
    }
    return prefixes.attach(s, tokens, length);
  }

  // How reserve() lays out the blocks of one group, block size 4, nine tokens computed, five new:
  //
  //   position   0 1 2 3   4 5 6 7   8 . . .   . . . .
  //            [ T T T T | T T T T | T n n n | n n . . ]
  //   entry       0         1         2         3
  //               full blocks, perhaps   │         └ allocated
  //               shared or findable:    └ partly filled: written into where it stands; but when
  //               never written            another sequence refers to it, or it is findable, a new
  //                                        block takes its place and a copy old → new is queued
  //
  // Entries that fell out of a window are −1 and stay so. The source of a queued copy stays pinned
  // until the copies are drained, so that it is not reused before it was read, even when the
  // sequences that referred to it are freed meanwhile.
  @Override
  public boolean reserve(SequenceBlocks s, int computed, int newTokens) {
    s.require(SequenceBlocks.State.ON_DEVICE);
    int end = Math.addExact(computed, newTokens);
    int lastEntry = Math.ceilDiv(end, blockSize);
    int firstEntry = computed / blockSize;
    for (int group = 0; group < groups; group++) {
      if (firstEntry > s.blockCount(group)) {
        throw new IllegalStateException(
            "position %d lies beyond the %d blocks of the sequence"
                .formatted(computed, s.blockCount(group)));
      }
      if (config.firstKeptBlock(group, computed) < s.firstKept[group]) {
        throw new IllegalStateException(
            "position %d cannot be computed again: group %d gave back what it sees"
                .formatted(computed, group));
      }
      int fresh = Math.max(0, lastEntry - s.blockCount(group));
      if (fresh + replacements(s, group, firstEntry, lastEntry) > pools[group].freeBlocks()) {
        return false;
      }
    }
    s.computed = Math.min(s.computed, computed);
    prefixes.forgetBeyond(s, computed);
    for (int group = 0; group < groups; group++) {
      for (int i = firstEntry; i < Math.min(lastEntry, s.blockCount(group)); i++) {
        int block = s.block(group, i);
        if (mayNotBeWritten(group, block)) {
          int copy = take(group);
          if (i * blockSize < computed) {
            copies.add(group, copies.origin(group, block), copy);
          }
          s.set(group, i, copy);
          release(group, block);
        }
      }
      while (s.blockCount(group) < lastEntry) {
        s.append(group, take(group));
      }
    }
    return true;
  }

  /** Entries of a table that a write to {@code [first, last)} must replace by new blocks. */
  private int replacements(SequenceBlocks s, int group, int first, int last) {
    int count = 0;
    for (int i = first; i < Math.min(last, s.blockCount(group)); i++) {
      count += mayNotBeWritten(group, s.block(group, i)) ? 1 : 0;
    }
    return count;
  }

  private boolean mayNotBeWritten(int group, int block) {
    return pools[group].references(block) > 1 || pools[group].node(block) != NONE;
  }

  @Override
  public int reservable(SequenceBlocks s, int computed, int wanted) {
    s.require(SequenceBlocks.State.ON_DEVICE);
    long most = wanted;
    for (int group = 0; group < groups; group++) {
      most = Math.min(most, room(s, group, computed));
    }
    return (int) Math.max(0, most);
  }

  /** Tokens from a position on that a group has blocks for, its own, copied or free ones. */
  private long room(SequenceBlocks s, int group, int computed) {
    int free = pools[group].freeBlocks();
    int entry = computed / blockSize;
    for (; entry < s.blockCount(group); entry++) {
      free -= replacements(s, group, entry, entry + 1);
      if (free < 0) {
        return (long) entry * blockSize - computed;
      }
    }
    return ((long) entry + free) * blockSize - computed;
  }

  /** A block for new contents; what it held is not findable any more. Called when one is free. */
  int take(int group) {
    int block = pools[group].allocate();
    int node = pools[group].node(block);
    if (node != NONE) {
      pools[group].setNode(block, NONE);
      cache.unbind(node, group);
    }
    return block;
  }

  void release(int group, int block) {
    if (pools[group].release(block)) {
      freed(group, block);
    }
  }

  /** Takes back what was still to be written into a block that has just become free. */
  private void freed(int group, int block) {
    int source = copies.cancel(group, block);
    if (source != NONE && pools[group].unpin(source)) {
      freed(group, source);
    }
    swap.cancelSwapIn(group, block);
  }

  @Override
  public void commit(SequenceBlocks s, int[] tokens, int computed) {
    s.require(SequenceBlocks.State.ON_DEVICE);
    s.computed = computed;
    if (config.prefixCaching()) {
      prefixes.extend(s, tokens, computed);
    }
    for (int group = 0; group < groups; group++) {
      int keep = Math.min(config.firstKeptBlock(group, computed), s.blockCount(group));
      for (int i = s.firstKept[group]; i < keep; i++) {
        release(group, s.block(group, i));
        s.set(group, i, NONE);
        s.firstKept[group] = i + 1;
      }
    }
  }

  @Override
  public SequenceBlocks fork(SequenceBlocks s, int computed) {
    s.require(SequenceBlocks.State.ON_DEVICE);
    int blocks = Math.ceilDiv(computed, blockSize);
    var child = newSequence(s.cacheSalt);
    for (int group = 0; group < groups; group++) {
      for (int i = 0; i < blocks; i++) {
        int block = s.block(group, i);
        child.append(group, block);
        if (block != NONE) {
          pools[group].retain(block);
        }
      }
      child.firstKept[group] = Math.min(s.firstKept[group], blocks);
    }
    child.computed = computed;
    prefixes.fork(s, child);
    prefixes.forgetBeyond(child, computed);
    return child;
  }

  @Override
  public void free(SequenceBlocks s) {
    if (s.state == SequenceBlocks.State.SWAPPED) {
      swap.free(s);
    } else {
      s.require(SequenceBlocks.State.ON_DEVICE);
      for (int group = 0; group < groups; group++) {
        while (s.blockCount(group) > 0) {
          int block = s.removeLast(group);
          if (block != NONE) {
            release(group, block);
          }
        }
      }
    }
    prefixes.leave(s);
    s.state = SequenceBlocks.State.FREED;
    var last = live.removeLast();
    if (last != s) {
      live.set(s.liveIndex, last);
      last.liveIndex = s.liveIndex;
    }
  }

  @Override
  public BlockCopies copies() {
    return copies;
  }

  @Override
  public boolean canAdmit(int tokens) {
    return admission.admits(tokens);
  }

  @Override
  public boolean canAdmit(SequenceBlocks s, int tokens) {
    s.require(SequenceBlocks.State.ON_DEVICE);
    return admission.admits(s, tokens);
  }

  @Override
  public boolean canEverFit(int tokens) {
    return admission.everFits(tokens);
  }

  @Override
  public boolean canEverFit(int sharedTokens, int tokens, int sequences) {
    return admission.everFits(sharedTokens, tokens, sequences);
  }

  @Override
  public int smallestPool() {
    return Arrays.stream(config.blocksPerGroup()).min().orElseThrow();
  }

  @Override
  public int freeBlocks(int group) {
    return pools[group].freeBlocks();
  }

  @Override
  public boolean swapOut(List<SequenceBlocks> sequences) {
    return swap.swapOut(this, sequences);
  }

  @Override
  public boolean swapIn(List<SequenceBlocks> sequences) {
    return swap.swapIn(this, sequences);
  }

  @Override
  public BlockCopies swapOuts() {
    return swap.outs();
  }

  @Override
  public BlockCopies swapIns() {
    return swap.ins();
  }

  int cachedBlock(int node, int group) {
    return cache.block(node, group);
  }

  int parentNode(int node) {
    return cache.parent(node);
  }

  /** Every block of a group as it stands, for people to look at: work in proportion to the pool. */
  public BlockMap blockMap(int group) {
    return view.map(group);
  }

  /**
   * One block as it stands; work in proportion to what all sequences hold.
   *
   * @throws IndexOutOfBoundsException if the group has no such block
   */
  public BlockDetail blockDetail(int group, int block) {
    return view.detail(group, block);
  }

  /** The pool of a group, for tests and statistics. */
  BlockPool pool(int group) {
    return pools[group];
  }

  @Override
  public KvUsage usage() {
    return audit.usage(0, groups, prefixes.queriedTokens(), prefixes.hitTokens());
  }

  @Override
  public KvUsage usage(int group) {
    return audit.usage(group, group + 1, prefixes.queriedTokens(), prefixes.hitTokens());
  }

  @Override
  public void checkIntegrity() {
    audit.check();
  }
}
