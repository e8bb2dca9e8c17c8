package dev.quire.paging;

/**
 * The blocks of one cache group at one moment, by block number.
 *
 * @param blockSize tokens a block
 * @param references sequences that refer to each block; 0 where it is free
 * @param owners number of the oldest sequence that refers to each block, or {@link #NOBODY}
 * @param findable whether the block's tokens can be found by their prefix
 */
public record BlockMap(int blockSize, int[] references, long[] owners, boolean[] findable) {
  /** The block is free. */
  public static final long NOBODY = -1;
}
