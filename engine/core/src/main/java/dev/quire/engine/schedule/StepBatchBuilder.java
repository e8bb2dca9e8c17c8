package dev.quire.engine.schedule;

import dev.quire.engine.exec.StepBatch;
import dev.quire.paging.BlockCopies;
import dev.quire.paging.KvAllocator;
import dev.quire.paging.SequenceBlocks;
import java.util.Arrays;

/** Writes a plan out as the flat arrays of a {@link StepBatch}, used again for every step. */
public final class StepBatchBuilder {
  private final KvAllocator allocator;
  private final int groups;
  private final StepBatch batch = new StepBatch();

  /**
   * @param groups cache groups
   */
  public StepBatchBuilder(KvAllocator allocator, int groups) {
    this.allocator = allocator;
    this.groups = groups;
    batch.slots = new int[groups][0];
    batch.blockTables = new int[groups][0];
    batch.tableStride = new int[groups];
  }

  /** The step; valid until the next call. Takes over the allocator's pending swaps and copies. */
  public StepBatch build(StepPlan plan) {
    fillTokens(plan);
    for (int group = 0; group < groups; group++) {
      fillBlocks(plan, group);
    }
    drainSwapOuts();
    drainSwapIns();
    drainCopies();
    return batch;
  }

  private void fillTokens(StepPlan plan) {
    int numSequences = plan.size();
    int numTokens = plan.numTokens();
    batch.numSequences = numSequences;
    batch.numTokens = numTokens;
    batch.numLogitsRows = plan.numRows();
    batch.tokenIds = atLeast(batch.tokenIds, numTokens);
    batch.positions = atLeast(batch.positions, numTokens);
    batch.queryStart = atLeast(batch.queryStart, numSequences + 1);
    batch.contextLengths = atLeast(batch.contextLengths, numSequences);
    batch.knownLengths = atLeast(batch.knownLengths, Math.max(1, numSequences));
    batch.logitsRows = atLeast(batch.logitsRows, plan.numRows());
    int token = 0;
    int row = 0;
    for (int i = 0; i < numSequences; i++) {
      Sequence s = plan.sequence(i);
      int count = plan.tokens(i);
      batch.queryStart[i] = token;
      batch.contextLengths[i] = s.computed() + count;
      batch.knownLengths[i] = s.length();
      System.arraycopy(s.tokens(), s.computed(), batch.tokenIds, token, count);
      for (int t = 0; t < count; t++) {
        batch.positions[token + t] = s.computed() + t;
      }
      for (int t = count - plan.rows(i); t < count; t++) {
        batch.logitsRows[row++] = token + t;
      }
      token += count;
    }
    batch.queryStart[numSequences] = token;
  }

  private void fillBlocks(StepPlan plan, int group) {
    int stride = 0;
    for (int i = 0; i < plan.size(); i++) {
      stride = Math.max(stride, plan.sequence(i).blocks().blockCount(group));
    }
    batch.tableStride[group] = stride;
    int[] tables = atLeast(batch.blockTables[group], plan.size() * stride);
    int[] slots = atLeast(batch.slots[group], plan.numTokens());
    int token = 0;
    for (int i = 0; i < plan.size(); i++) {
      Sequence s = plan.sequence(i);
      SequenceBlocks blocks = s.blocks();
      blocks.copyTable(group, tables, i * stride);
      blocks.copySlots(group, s.computed(), plan.tokens(i), slots, token);
      token += plan.tokens(i);
    }
    batch.blockTables[group] = tables;
    batch.slots[group] = slots;
  }

  private void drainSwapOuts() {
    BlockCopies swaps = allocator.swapOuts();
    int size = swaps.size();
    batch.numSwapOuts = size;
    batch.swapOutGroup = atLeast(batch.swapOutGroup, size);
    batch.swapOutSource = atLeast(batch.swapOutSource, size);
    batch.swapOutDestination = atLeast(batch.swapOutDestination, size);
    swaps.copyTo(batch.swapOutGroup, batch.swapOutSource, batch.swapOutDestination);
    swaps.clear();
  }

  private void drainSwapIns() {
    BlockCopies swaps = allocator.swapIns();
    int size = swaps.size();
    batch.numSwapIns = size;
    batch.swapInGroup = atLeast(batch.swapInGroup, size);
    batch.swapInSource = atLeast(batch.swapInSource, size);
    batch.swapInDestination = atLeast(batch.swapInDestination, size);
    swaps.copyTo(batch.swapInGroup, batch.swapInSource, batch.swapInDestination);
    swaps.clear();
  }

  private void drainCopies() {
    BlockCopies copies = allocator.copies();
    int size = copies.size();
    batch.numCopies = size;
    batch.copyGroup = atLeast(batch.copyGroup, size);
    batch.copySource = atLeast(batch.copySource, size);
    batch.copyDestination = atLeast(batch.copyDestination, size);
    copies.copyTo(batch.copyGroup, batch.copySource, batch.copyDestination);
    copies.clear();
  }

  private static int[] atLeast(int[] array, int length) {
    return array.length >= length ? array : Arrays.copyOf(array, Math.max(length, length * 3 / 2));
  }
}
