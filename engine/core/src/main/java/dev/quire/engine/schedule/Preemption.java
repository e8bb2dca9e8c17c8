package dev.quire.engine.schedule;

import dev.quire.paging.KvAllocator;
import dev.quire.paging.SequenceBlocks;
import java.util.ArrayList;
import java.util.List;

/**
 * Takes a group's blocks away, all or none, and brings them back. Whether it is swapped or computed
 * again is the policy's choice; where the host pool has no room it is computed again.
 */
final class Preemption {
  private final KvAllocator allocator;
  private final PreemptionPolicy policy;
  private final int blockSize;
  // Groups whose blocks move with the step being planned.
  private final List<SequenceGroup> moving = new ArrayList<>();
  private final List<SequenceBlocks> scratch = new ArrayList<>();
  private long preemptions;
  private long swaps;

  Preemption(KvAllocator allocator, PreemptionPolicy policy) {
    this.allocator = allocator;
    this.policy = policy;
    this.blockSize = allocator.usage().blockSize();
  }

  /** Groups and samples sent back so far. */
  long preemptions() {
    return preemptions;
  }

  /** Those of them that were swapped out. */
  long swaps() {
    return swaps;
  }

  /** A new step is planned: what moved before has arrived. */
  void beginStep() {
    moving.clear();
  }

  /** Frees a group's blocks on the device. */
  void evict(SequenceGroup group) {
    group.preemptions++;
    preemptions++;
    int demand = group.demand();
    int blocks = Math.ceilDiv(demand, blockSize) + group.live - 1;
    if (policy.swaps(demand, blocks) && allocator.swapOut(blocksOf(group))) {
      swaps++;
      group.swapped = true;
      moving.add(group);
    } else {
      startOver(group);
    }
  }

  /**
   * Brings a swapped-out group back.
   *
   * @return false where the device has no room
   */
  boolean restore(SequenceGroup group) {
    if (!allocator.swapIn(blocksOf(group))) {
      return false;
    }
    group.swapped = false;
    moving.add(group);
    return true;
  }

  /** Frees a sequence's blocks, wherever they are. */
  void release(Sequence s) {
    SequenceBlocks blocks = s.blocks;
    if (blocks != null) {
      allocator.free(blocks);
      s.blocks = null;
    }
    s.computed = 0;
    s.reserved = 0;
  }

  void startOver(SequenceGroup group) {
    List<Sequence> sequences = group.sequences();
    for (int i = 0; i < sequences.size(); i++) {
      release(sequences.get(i));
    }
    group.startOver();
  }

  /**
   * The step failed: what should have moved with it has not.
   *
   * @return the groups it concerns, so far as they are not done
   */
  List<SequenceGroup> lost() {
    List<SequenceGroup> lost = new ArrayList<>(moving);
    lost.removeIf(group -> group.state == SequenceGroup.State.DONE);
    moving.clear();
    return lost;
  }

  private List<SequenceBlocks> blocksOf(SequenceGroup group) {
    scratch.clear();
    List<Sequence> sequences = group.sequences();
    for (int i = 0; i < sequences.size(); i++) {
      SequenceBlocks blocks = sequences.get(i).blocks;
      if (blocks != null) {
        scratch.add(blocks);
      }
    }
    return scratch;
  }
}
