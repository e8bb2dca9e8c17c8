package dev.quire.paging;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Whole-block copies that the next step does before it writes anything, as (group, source,
 * destination).
 *
 * <p>The copies of one list do not depend on each other: no block is written twice, and none is
 * both read and written. So they may run in any order, or all at once. The scheduler puts them into
 * the step and then calls {@link #clear}; until then no source is reused.
 */
public final class BlockCopies {
  private final BlockPool @Nullable [] pinned;
  private final int[][] indexOf;
  private int size;
  private int[] groups = new int[16];
  private int[] sources = new int[16];
  private int[] destinations = new int[16];

  /**
   * @param destinationBlocks blocks of each group's destination pool
   * @param pinned pools whose blocks stay pinned while they are sources; null to pin none
   */
  BlockCopies(int[] destinationBlocks, BlockPool @Nullable [] pinned) {
    this.pinned = pinned;
    indexOf = new int[destinationBlocks.length][];
    for (int group = 0; group < indexOf.length; group++) {
      indexOf[group] = new int[destinationBlocks[group]];
    }
  }

  /** Copies waiting. */
  public int size() {
    return size;
  }

  /** Cache group of copy {@code index}. */
  public int group(int index) {
    return groups[index];
  }

  /** Block that copy {@code index} reads. */
  public int source(int index) {
    return sources[index];
  }

  /** Block that copy {@code index} writes. */
  public int destination(int index) {
    return destinations[index];
  }

  /** Writes all copies to the front of three arrays. */
  public void copyTo(int[] groups, int[] sources, int[] destinations) {
    System.arraycopy(this.groups, 0, groups, 0, size);
    System.arraycopy(this.sources, 0, sources, 0, size);
    System.arraycopy(this.destinations, 0, destinations, 0, size);
  }

  /** Forgets the copies: they are part of a step now, which later steps follow in order. */
  public void clear() {
    for (int i = 0; i < size; i++) {
      indexOf[groups[i]][destinations[i]] = 0;
      if (pinned != null) {
        var _ = pinned[groups[i]].unpin(sources[i]);
      }
    }
    size = 0;
  }

  /** Adds a copy and pins its source. */
  void add(int group, int source, int destination) {
    if (size == groups.length) {
      groups = Arrays.copyOf(groups, 2 * size);
      sources = Arrays.copyOf(sources, 2 * size);
      destinations = Arrays.copyOf(destinations, 2 * size);
    }
    groups[size] = group;
    sources[size] = source;
    destinations[size] = destination;
    size++;
    indexOf[group][destination] = size;
    if (pinned != null) {
      pinned[group].pin(source);
    }
  }

  /**
   * Where the contents of a block are before this list's copies: in the block itself, or, when it
   * is still to be written, in the source. Copies between blocks of one pool add this, not the
   * block, as their source, so that the list stays free of chains.
   */
  int origin(int group, int block) {
    int index = indexOf[group][block];
    return index == 0 ? block : sources[index - 1];
  }

  /** Whether a block waits to be written by this list. */
  boolean writes(int group, int block) {
    return indexOf[group][block] != 0;
  }

  /**
   * Takes back the copy to a block that nobody wants any more. The caller unpins the source.
   *
   * @return the source, or −1 when no copy to the block was waiting
   */
  int cancel(int group, int destination) {
    int index = indexOf[group][destination] - 1;
    if (index < 0) {
      return BlockPool.NONE;
    }
    int source = sources[index];
    indexOf[group][destination] = 0;
    size--;
    if (index < size) {
      groups[index] = groups[size];
      sources[index] = sources[size];
      destinations[index] = destinations[size];
      indexOf[groups[index]][destinations[index]] = index + 1;
    }
    return source;
  }
}
