package dev.quire.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.EngineOptions;
import dev.quire.engine.LoadedModel;
import dev.quire.engine.exec.ModelExecutor.StepHandle;
import dev.quire.engine.exec.StepBatch;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** After the start no step of several sequences waits for a graph to be compiled. */
class PreparedStepsTest {
  private static final int BLOCK_SIZE = 16;
  private static final int SEQUENCES = 5;
  private static final int TOKENS = 80;

  /** The golden Llama: which graphs there are is the same for a model of any size. */
  private static LoadedModel model(int sequences) {
    return LoadedModel.load(
        Path.of(System.getProperty("quire.root"))
            .resolve("tests/src/test/resources/golden/gguf/llama-f16.gguf"),
        EngineOptions.builder()
            .device("jvm")
            .blockSize(BLOCK_SIZE)
            .numKvBlocks(SEQUENCES * TOKENS / BLOCK_SIZE)
            .maxModelLen(TOKENS)
            .maxNumSeqs(sequences)
            .maxNumBatchedTokens(TOKENS)
            .build());
  }

  @Test
  void everyStepOfSeveralSequencesIsHeld() {
    try (LoadedModel model = model(SEQUENCES)) {
      var executor = (TornadoExecutor) model.executor();
      executor.prepareFirst();
      int started = executor.startedGraphs();
      for (List<Integer> counts :
          List.of(
              List.of(1, 1),
              IntStream.range(0, SEQUENCES).mapToObj(_ -> 1).toList(),
              List.of(2, 1),
              List.of(1, TOKENS - 1))) {
        StepHandle step = executor.submit(batch(counts));
        assertThat(step.awaitBest()).hasSize(counts.size());
        assertThat(executor.startedGraphs())
            .as("graphs after a step of " + counts)
            .isEqualTo(started);
      }
      StepBatch copying = batch(List.of(1, 1));
      copying.numCopies = 1;
      copying.copyGroup = new int[1];
      copying.copySource = new int[1];
      copying.copyDestination = new int[] {20};
      assertThat(executor.submit(copying).awaitBest()).hasSize(2);
      assertThat(executor.startedGraphs()).isEqualTo(started);
      int left = 0;
      while (executor.prepare()) {
        left++;
      }
      assertThat(left).isPositive();
      assertThat(executor.startedGraphs()).isGreaterThan(started);
    }
  }

  @Test
  void aLoneSequenceHasOnlyTheSmallestSteps() {
    try (LoadedModel alone = model(1);
        LoadedModel several = model(2)) {
      var first = (TornadoExecutor) alone.executor();
      var second = (TornadoExecutor) several.executor();
      int loading = first.startedGraphs();
      assertThat(second.startedGraphs()).isEqualTo(loading);
      first.prepareFirst();
      second.prepareFirst();
      assertThat(first.startedGraphs() - loading).isEqualTo(3);
      assertThat(second.startedGraphs() - loading).isGreaterThan(5);
    }
  }

  /** Sequences that compute so many tokens each, from their beginning. */
  private static StepBatch batch(List<Integer> counts) {
    int tokens = counts.stream().mapToInt(Integer::intValue).sum();
    int stride = TOKENS / BLOCK_SIZE;
    var batch = new StepBatch();
    batch.numSequences = counts.size();
    batch.numTokens = tokens;
    batch.numLogitsRows = counts.size();
    batch.tokenIds = new int[tokens];
    batch.positions = new int[tokens];
    batch.queryStart = new int[counts.size() + 1];
    batch.contextLengths = new int[counts.size()];
    batch.knownLengths = new int[counts.size()];
    batch.logitsRows = new int[counts.size()];
    batch.slots = new int[1][tokens];
    batch.blockTables = new int[1][counts.size() * stride];
    batch.tableStride = new int[] {stride};
    int at = 0;
    for (int s = 0; s < counts.size(); s++) {
      for (int b = 0; b < stride; b++) {
        batch.blockTables[0][s * stride + b] = s * stride + b;
      }
      batch.queryStart[s] = at;
      for (int t = 0; t < counts.get(s); t++, at++) {
        batch.positions[at] = t;
        batch.slots[0][at] = s * stride * BLOCK_SIZE + t;
      }
      batch.contextLengths[s] = counts.get(s);
      batch.knownLengths[s] = counts.get(s);
      batch.logitsRows[s] = at - 1;
    }
    batch.queryStart[counts.size()] = at;
    return batch;
  }
}
