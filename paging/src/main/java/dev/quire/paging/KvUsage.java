package dev.quire.paging;

/**
 * What the memory of a KV cache holds at one moment. Blocks and slots (places for one token) are
 * summed over the cache groups asked for.
 *
 * <p>Every slot is in exactly one of: {@code tokenSlots}, {@code reservedSlots}, {@code
 * internalSlots}, {@code externalSlots}, {@code freeSlots}. These are the parts of Figure 2 of Kwon
 * et al. 2023.
 *
 * @param blockSize tokens a block
 * @param totalBlocks blocks in the pools
 * @param usedBlocks blocks that some sequence refers to
 * @param freeBlocks blocks that can be handed out, the cached ones included
 * @param cachedBlocks free blocks whose tokens can still be found by their prefix
 * @param sharedBlocks blocks that several sequences refer to
 * @param savedBlocks blocks that sharing saves: references beyond the first of each block
 * @param tokenSlots slots that hold a token of a live sequence, each counted once
 * @param savedTokens token slots that sharing saves
 * @param reservedSlots slots set aside for tokens that will come later
 * @param internalSlots slots set aside that no token will fill; in a paged cache the empty slots of
 *     last blocks
 * @param externalSlots slots lost between or beyond the reservations
 * @param freeSlots slots of free blocks
 * @param hostBlocks blocks of the host pools
 * @param swappedBlocks host blocks that hold swapped-out tokens
 * @param queriedTokens tokens for which a prefix was looked up so far
 * @param hitTokens tokens of these that were found
 */
public record KvUsage(
    int blockSize,
    long totalBlocks,
    long usedBlocks,
    long freeBlocks,
    long cachedBlocks,
    long sharedBlocks,
    long savedBlocks,
    long tokenSlots,
    long savedTokens,
    long reservedSlots,
    long internalSlots,
    long externalSlots,
    long freeSlots,
    long hostBlocks,
    long swappedBlocks,
    long queriedTokens,
    long hitTokens) {
  /** Slots in all blocks. */
  public long totalSlots() {
    return totalBlocks * blockSize;
  }

  /** Slots that are neither free nor hold a token. */
  public long wastedSlots() {
    return reservedSlots + internalSlots + externalSlots;
  }

  /** Share of the memory not free that holds tokens; 1 when all is free. */
  public double tokenShare() {
    long held = tokenSlots + wastedSlots();
    return held == 0 ? 1 : (double) tokenSlots / held;
  }

  /** Share of the blocks that would be needed without sharing and that sharing saves. */
  public double savedShare() {
    long unshared = usedBlocks + savedBlocks;
    return unshared == 0 ? 0 : (double) savedBlocks / unshared;
  }

  /** Share of the looked-up tokens that the prefix cache had. */
  public double hitRate() {
    return queriedTokens == 0 ? 0 : (double) hitTokens / queriedTokens;
  }
}
