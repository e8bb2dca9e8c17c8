package dev.quire.paging;

import java.util.List;

/**
 * The shape of a paged KV cache.
 *
 * @param blockSize tokens a block
 * @param blocksPerGroup blocks in each group's pool
 * @param groups the cache groups, in the order of their ids
 * @param prefixCaching whether full blocks are found again by later sequences
 * @param watermark share of each pool that an admission leaves free, 0 to below 1, so that running
 *     sequences can grow before one must be preempted
 */
@SuppressWarnings("ArrayRecordComponent") // ids and sizes stay flat; copied on the way in
public record KvCacheConfig(
    int blockSize,
    int[] blocksPerGroup,
    List<CacheGroup> groups,
    boolean prefixCaching,
    double watermark) {
  public KvCacheConfig {
    blocksPerGroup = blocksPerGroup.clone();
    groups = List.copyOf(groups);
    if (blockSize < 1) {
      throw new PagingException(
          "KV cache: block size %d; it must be at least 1".formatted(blockSize));
    }
    if (groups.isEmpty() || groups.size() != blocksPerGroup.length) {
      throw new PagingException(
          "KV cache: %d cache groups but %d pool sizes; give one size for each of at least one group"
              .formatted(groups.size(), blocksPerGroup.length));
    }
    for (int group = 0; group < blocksPerGroup.length; group++) {
      if (blocksPerGroup[group] < 1 || blocksPerGroup[group] == Integer.MAX_VALUE) {
        throw new PagingException(
            "KV cache: %d blocks for group '%s'; it must have at least 1"
                .formatted(blocksPerGroup[group], groups.get(group).name()));
      }
    }
    if (!(watermark >= 0 && watermark < 1)) {
      throw new PagingException(
          "KV cache: watermark %s; it is a share of the pool, 0 to below 1".formatted(watermark));
    }
  }

  /** A cache with one group of full attention, as most models need. */
  public static KvCacheConfig of(int blockSize, int blocks, boolean prefixCaching) {
    return new KvCacheConfig(
        blockSize, new int[] {blocks}, List.of(new CacheGroup("full", 0)), prefixCaching, 0.01);
  }

  /** The first block of a sequence that a query at position {@code computed} still sees. */
  int firstKeptBlock(int group, int computed) {
    return groups.get(group).firstVisible(computed) / blockSize;
  }

  /** Blocks of a group that an admission leaves free. */
  int watermarkBlocks(int group) {
    return (int) Math.ceil(watermark * blocksPerGroup[group]);
  }
}
