package dev.quire.engine.tornado;

import dev.quire.engine.exec.ModelExecutor;
import dev.quire.engine.exec.StepBatch;
import dev.quire.engine.model.DecoderSpec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Brings the logits and tokens of a step's wanted rows from the device. */
final class StepResults {
  private final DecoderSpec spec;
  private final StepGraphs graphs;
  private final PlanRunner runner;
  private final int stride;
  private float[] logits = {};

  /**
   * @param stride floats of a row of logits on the device
   */
  StepResults(DecoderSpec spec, StepGraphs graphs, PlanRunner runner, int stride) {
    this.spec = spec;
    this.graphs = graphs;
    this.runner = runner;
    this.stride = stride;
  }

  /** Of a step that wants none. */
  ModelExecutor.StepHandle none() {
    return () -> logits;
  }

  /** Of a step that computed its wanted rows itself. */
  ModelExecutor.StepHandle of(StepGraphs.Decode decode, int rows) {
    return new Handle(decode.head(), rows, decode.best());
  }

  /** Computes the wanted rows of a step that left only its residual stream. */
  ModelExecutor.StepHandle compute(StepBatch batch) {
    int rows = batch.numLogitsRows;
    int most = graphs.mostRows();
    if (rows == 0) {
      return none();
    }
    boolean others = batch.numSequences > 1;
    if (rows <= most) {
      StepGraphs.Head head = graphs.head(rows, others);
      head.want(batch, 0, rows);
      runner.run(head.head());
      return new Handle(head, rows, head.best());
    }
    grow(rows);
    for (int from = 0; from < rows; from += most) {
      int count = Math.min(most, rows - from);
      StepGraphs.Head head = graphs.head(count, others);
      head.want(batch, from, count);
      runner.run(head.head());
      bring(head, from, count);
    }
    return none();
  }

  private void grow(int rows) {
    int size = Math.multiplyExact(rows, spec.vocabularySize());
    if (logits.length < size) {
      logits = new float[size];
    }
  }

  private void bring(StepGraphs.Head head, int firstRow, int rows) {
    head.counts().set(0, rows);
    runner.run(head.bring());
    MemorySegment source = head.logits().getSegment();
    int vocabulary = spec.vocabularySize();
    for (int r = 0; r < rows; r++) {
      MemorySegment.copy(
          source,
          ValueLayout.JAVA_FLOAT,
          4L * r * stride,
          logits,
          (firstRow + r) * vocabulary,
          vocabulary);
    }
  }

  /** The results of a step whose wanted rows are still on the device. */
  private final class Handle implements ModelExecutor.StepHandle {
    private final StepGraphs.Head head;
    private final int rows;
    private final IntArray best;

    Handle(StepGraphs.Head head, int rows, IntArray best) {
      this.head = head;
      this.rows = rows;
      this.best = best;
    }

    @Override
    public float[] awaitLogits() {
      if (rows > 0) {
        grow(rows);
        bring(head, 0, rows);
      }
      return logits;
    }

    @Override
    public int @Nullable [] awaitBest() {
      int[] tokens = new int[rows];
      for (int r = 0; r < rows; r++) {
        tokens[r] = best.get(r);
      }
      return tokens;
    }
  }
}
