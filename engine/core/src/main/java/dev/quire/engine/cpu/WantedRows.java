package dev.quire.engine.cpu;

import dev.quire.engine.exec.StepBatch;

/**
 * The part of a step whose logits are wanted, as a step of its own: each row a sequence of one
 * query. The last layer attends for these rows alone.
 */
final class WantedRows {
  private final StepBatch batch = new StepBatch();

  WantedRows(int groups) {
    batch.blockTables = new int[groups][0];
    batch.tableStride = new int[groups];
  }

  /** The wanted rows of a step, with the block tables of one cache group. */
  StepBatch of(StepBatch step, int group) {
    int n = step.numLogitsRows;
    int stride = step.tableStride[group];
    if (batch.positions.length < n) {
      batch.positions = new int[n];
      batch.contextLengths = new int[n];
      batch.queryStart = new int[n + 1];
    }
    if (batch.blockTables[group].length < n * stride) {
      batch.blockTables[group] = new int[n * stride];
    }
    batch.numSequences = n;
    batch.numTokens = n;
    batch.tableStride[group] = stride;
    int sequence = 0;
    for (int i = 0; i < n; i++) {
      int row = step.logitsRows[i];
      while (row >= step.queryStart[sequence + 1]) {
        sequence++;
      }
      batch.positions[i] = step.positions[row];
      batch.contextLengths[i] = step.positions[row] + 1;
      batch.queryStart[i + 1] = i + 1;
      System.arraycopy(
          step.blockTables[group], sequence * stride, batch.blockTables[group], i * stride, stride);
    }
    return batch;
  }
}
