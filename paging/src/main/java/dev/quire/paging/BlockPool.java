package dev.quire.paging;

import java.util.Arrays;

/**
 * The blocks of one cache group: which are free, and how many references each of the others has.
 *
 * <p>Free blocks form a doubly linked list through two flat arrays, so that any of them leaves it
 * in O(1) when a prefix hit revives it, and nothing is allocated after construction. The list's two
 * ends have their uses: {@link #allocate} takes from the head; a freed block that still carries
 * findable tokens goes to the tail, one that carries nothing goes to the head. So what nobody can
 * use again is reused first, and findable blocks are lost oldest first.
 *
 * <pre>
 *   head ─► 7 ⇄ 2 ⇄ │ 9 ⇄ 4 ⇄ 0 ◄─ tail
 *           nothing │ findable, oldest first
 * </pre>
 */
public final class BlockPool {
  /** No block, no node. */
  static final int NONE = -1;

  private final int size;
  private final int[] references;
  private final int[] pins;
  private final int[] nodes;
  // Index size is the list's sentinel: next[size] is the head, previous[size] the tail.
  private final int[] previous;
  private final int[] next;
  private int freeBlocks;
  private int findableFree;
  private int usedBlocks;
  private int sharedBlocks;
  private long totalReferences;

  public BlockPool(int size) {
    this.size = size;
    references = new int[size];
    pins = new int[size];
    nodes = new int[size];
    previous = new int[size + 1];
    next = new int[size + 1];
    Arrays.fill(nodes, NONE);
    for (int block = 0; block <= size; block++) {
      previous[block] = block == 0 ? size : block - 1;
      next[block] = block == size ? 0 : block + 1;
    }
    freeBlocks = size;
  }

  /**
   * Takes the first free block, with one reference.
   *
   * @return the block, or −1 when none is free
   */
  public int allocate() {
    if (freeBlocks == 0) {
      return NONE;
    }
    int block = next[size];
    retain(block);
    return block;
  }

  /** Adds a reference; a free block is revived with what it holds. */
  public void retain(int block) {
    if (isFree(block)) {
      unlink(block);
    }
    int count = ++references[block];
    totalReferences++;
    if (count == 1) {
      usedBlocks++;
    } else if (count == 2) {
      sharedBlocks++;
    }
  }

  /**
   * Drops a reference.
   *
   * @return whether the block became free by it
   */
  public boolean release(int block) {
    int count = --references[block];
    if (count < 0) {
      references[block] = 0;
      throw new IllegalStateException("block %d is released but not in use".formatted(block));
    }
    totalReferences--;
    if (count == 1) {
      sharedBlocks--;
    } else if (count == 0) {
      usedBlocks--;
    }
    return count == 0 && freeIfUnpinned(block);
  }

  /** Keeps a block from being reused, without referring to it: it is read by a pending copy. */
  void pin(int block) {
    if (isFree(block)) {
      unlink(block);
    }
    pins[block]++;
  }

  /** Undoes one {@link #pin}; returns whether the block became free by it. */
  boolean unpin(int block) {
    pins[block]--;
    return references[block] == 0 && freeIfUnpinned(block);
  }

  private boolean freeIfUnpinned(int block) {
    if (pins[block] > 0) {
      return false;
    }
    boolean findable = nodes[block] != NONE;
    int before = findable ? previous[size] : size;
    int after = findable ? size : next[size];
    previous[block] = before;
    next[block] = after;
    next[before] = block;
    previous[after] = block;
    freeBlocks++;
    findableFree += findable ? 1 : 0;
    return true;
  }

  private void unlink(int block) {
    next[previous[block]] = next[block];
    previous[next[block]] = previous[block];
    freeBlocks--;
    findableFree -= nodes[block] != NONE ? 1 : 0;
  }

  /** The prefix node whose tokens a block holds, or −1. */
  int node(int block) {
    return nodes[block];
  }

  /** Says what a block in use holds. */
  void setNode(int block, int node) {
    nodes[block] = node;
  }

  /** Blocks in the pool. */
  public int size() {
    return size;
  }

  /** References to a block. */
  public int references(int block) {
    return references[block];
  }

  int pins(int block) {
    return pins[block];
  }

  /** Whether {@link #allocate} may hand a block out. */
  public boolean isFree(int block) {
    return references[block] == 0 && pins[block] == 0;
  }

  /** Blocks that can be handed out, findable ones included. */
  public int freeBlocks() {
    return freeBlocks;
  }

  /** Free blocks whose tokens can still be found. */
  public int findableFreeBlocks() {
    return findableFree;
  }

  /** Blocks with a reference. */
  public int usedBlocks() {
    return usedBlocks;
  }

  /** Blocks with several references. */
  public int sharedBlocks() {
    return sharedBlocks;
  }

  /** References to all blocks; what exceeds {@link #usedBlocks} is saved by sharing. */
  public long totalReferences() {
    return totalReferences;
  }

  /**
   * Compares the pool with the references counted by its owner.
   *
   * @param counted references to each block
   * @throws PagingException naming the first block that does not agree
   */
  void check(int[] counted, String label) {
    int used = 0;
    int shared = 0;
    int pinnedOnly = 0;
    long total = 0;
    for (int block = 0; block < size; block++) {
      if (references[block] != counted[block] || pins[block] < 0) {
        throw new PagingException(
            "%s: block %d counts %d references and %d pins, but %d tables refer to it"
                .formatted(label, block, references[block], pins[block], counted[block]));
      }
      used += references[block] > 0 ? 1 : 0;
      shared += references[block] > 1 ? 1 : 0;
      pinnedOnly += references[block] == 0 && pins[block] > 0 ? 1 : 0;
      total += references[block];
    }
    int free = 0;
    int findable = 0;
    for (int block = next[size], last = size; block != size; last = block, block = next[block]) {
      if (!isFree(block) || previous[block] != last || ++free > size) {
        throw new PagingException(
            "%s: free list broken at block %d (%d references, %d pins, previous %d, expected %d)"
                .formatted(label, block, references[block], pins[block], previous[block], last));
      }
      findable += nodes[block] != NONE ? 1 : 0;
    }
    if (free != freeBlocks
        || findable != findableFree
        || used != usedBlocks
        || shared != sharedBlocks
        || total != totalReferences
        || free + used + pinnedOnly != size) {
      throw new PagingException(
          "%s: %d blocks, but %d free (counter %d), %d findable (%d), %d used (%d), %d shared (%d),"
                  .formatted(
                      label,
                      size,
                      free,
                      freeBlocks,
                      findable,
                      findableFree,
                      used,
                      usedBlocks,
                      shared,
                      sharedBlocks)
              + " %d pinned, %d references (%d)".formatted(pinnedOnly, total, totalReferences));
    }
  }
}
