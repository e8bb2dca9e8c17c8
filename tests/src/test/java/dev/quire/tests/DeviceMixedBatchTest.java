package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Prefill chunks beside single tokens, a prefix out of the cache and a fork that copies on write,
 * all in one step: the device's kernels give the CPU's logits, and the same bits each time.
 */
class DeviceMixedBatchTest {
  private static final double RELATIVE_ERROR = 5e-3;

  /** The logits of each step. */
  private static List<float[]> steps(PagedModel model, int[] tokens, int[] others) {
    List<float[]> logits = new ArrayList<>();
    PagedModel.Sequence first = model.sequence(Arrays.copyOf(tokens, 37), 41);
    PagedModel.Sequence second = model.sequence(Arrays.copyOf(others, 9), 12);
    logits.add(model.step(List.of(first), new int[] {20}, true));
    logits.add(model.step(List.of(first, second), new int[] {17, 9}, true));
    PagedModel.Sequence fork = model.fork(first);
    first.append(7);
    second.append(11);
    logits.add(model.step(List.of(first, second), new int[] {1, 1}, true));
    PagedModel.Sequence shared = model.sequence(Arrays.copyOf(tokens, 40), 40);
    int known = model.attach(shared);
    assertThat(known).as("tokens in the cache").isPositive();
    first.append(8);
    fork.append(9);
    second.append(12);
    logits.add(
        model.step(List.of(first, shared, second, fork), new int[] {1, 40 - known, 1, 1}, true));
    fork.append(10);
    first.append(9);
    logits.add(model.step(List.of(fork, first), new int[] {1, 1}, true));
    return logits;
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "qwen3"})
  void logitsAreTheCpusAndTheSameTwice(String name) {
    Golden golden = Golden.folder(name);
    int[] tokens = golden.tokens()[0];
    int[] others = golden.tokens()[1];
    List<float[]> expected;
    try (var cpu = new PagedModel(golden.model(), PagedModel.Setup.EXACT)) {
      expected = steps(cpu, tokens, others);
    }
    List<List<float[]>> runs = new ArrayList<>();
    for (int run = 0; run < 2; run++) {
      try (var device = PagedModel.onJvmDevice(golden.model(), PagedModel.Setup.EXACT)) {
        runs.add(steps(device, tokens, others));
      }
    }
    for (int step = 0; step < expected.size(); step++) {
      float[] actual = runs.getFirst().get(step);
      assertThat(actual).as("step %d", step).isEqualTo(runs.getLast().get(step));
      for (int row = 0; row < actual.length / golden.vocabulary(); row++) {
        assertThat(error(expected.get(step), actual, row, golden.vocabulary()))
            .as("step %d row %d", step, row)
            .isLessThan(RELATIVE_ERROR);
      }
    }
  }

  private static double error(float[] expected, float[] actual, int row, int vocabulary) {
    double difference = 0;
    double size = 0;
    for (int v = row * vocabulary; v < (row + 1) * vocabulary; v++) {
      difference += (actual[v] - expected[v]) * (double) (actual[v] - expected[v]);
      size += (double) expected[v] * expected[v];
    }
    return Math.sqrt(difference / size);
  }
}
