package dev.quire.paging;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** A {@link PagedAllocator}'s blocks as they stand, for people to look at. */
final class PoolView {
  private final int blockSize;
  private final BlockPool[] pools;
  private final PrefixCache cache;
  private final List<SequenceBlocks> live;

  PoolView(int blockSize, BlockPool[] pools, PrefixCache cache, List<SequenceBlocks> live) {
    this.blockSize = blockSize;
    this.pools = pools;
    this.cache = cache;
    this.live = live;
  }

  /** Every block of a group as it stands, for people to look at: work in proportion to the pool. */
  BlockMap map(int group) {
    BlockPool pool = pools[group];
    int[] references = new int[pool.size()];
    boolean[] findable = new boolean[pool.size()];
    long[] owners = new long[pool.size()];
    Arrays.fill(owners, BlockMap.NOBODY);
    for (int block = 0; block < pool.size(); block++) {
      references[block] = pool.references(block);
      findable[block] = pool.node(block) != BlockPool.NONE;
    }
    for (SequenceBlocks s : live) {
      for (int i = 0; s.state == SequenceBlocks.State.ON_DEVICE && i < s.blockCount(group); i++) {
        int block = s.block(group, i);
        if (block != BlockPool.NONE
            && (owners[block] == BlockMap.NOBODY || owners[block] > s.serial)) {
          owners[block] = s.serial;
        }
      }
    }
    return new BlockMap(blockSize, references, owners, findable);
  }

  /**
   * One block as it stands; work in proportion to what all sequences hold.
   *
   * @throws IndexOutOfBoundsException if the group has no such block
   */
  BlockDetail detail(int group, int block) {
    Objects.checkIndex(block, pools[group].size());
    int node = pools[group].node(block);
    List<Integer> tokens = node == BlockPool.NONE ? List.of() : cache.tokens(node);
    int position = node == BlockPool.NONE ? -1 : cache.depth(node) * blockSize;
    int filled = tokens.size();
    List<Long> owners = new ArrayList<>();
    for (SequenceBlocks s : live) {
      for (int i = 0; s.state == SequenceBlocks.State.ON_DEVICE && i < s.blockCount(group); i++) {
        if (s.block(group, i) == block) {
          owners.add(s.serial);
          position = i * blockSize;
          filled = Math.max(filled, Math.clamp(s.computed - position, 0, blockSize));
        }
      }
    }
    return new BlockDetail(owners, pools[group].references(block), position, filled, tokens);
  }
}
