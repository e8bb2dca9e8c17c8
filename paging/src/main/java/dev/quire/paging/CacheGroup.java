package dev.quire.paging;

/**
 * The layers of a model that keep the same tokens: they share block tables, and a block id stands
 * for one block in each of them.
 *
 * @param name for people, e.g. {@code full} or {@code window 1024}
 * @param slidingWindow tokens that a query sees, itself included; 0 for full attention
 */
public record CacheGroup(String name, int slidingWindow) {
  public CacheGroup {
    if (slidingWindow < 0) {
      throw new PagingException(
          "cache group '%s': sliding window %d; give 0 for full attention or a positive size"
              .formatted(name, slidingWindow));
    }
  }

  /** Whether old blocks are given back as the window moves on. */
  public boolean windowed() {
    return slidingWindow > 0;
  }

  /** The first position that a query at {@code position}, or any later one, still sees. */
  public int firstVisible(int position) {
    return windowed() ? Math.max(0, position - slidingWindow + 1) : 0;
  }

  /**
   * The most blocks that a sequence needs at once to hold {@code tokens} tokens when it is computed
   * one token at a time; longer chunks of a windowed group need more until they are committed.
   */
  public int blocksFor(int tokens, int blockSize) {
    int all = Math.ceilDiv(tokens, blockSize);
    return windowed() ? Math.min(all, (int) windowBlocks(blockSize)) : all;
  }

  /** Blocks touched by a window in its worst alignment. */
  private long windowBlocks(int blockSize) {
    return ((long) slidingWindow + blockSize - 2) / blockSize + 1;
  }
}
