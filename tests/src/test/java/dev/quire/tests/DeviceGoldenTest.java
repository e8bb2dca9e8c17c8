package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every architecture on the GPU's kernels gives the CPU's logits: prompts in chunks, chunks of
 * several sequences in a step, and single tokens of several sequences.
 */
class DeviceGoldenTest {
  private static final double RELATIVE_ERROR = 5e-3;
  private static final int TOKENS = 3;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gemma2",
        "gemma2-odd",
        "gemma3",
        "granite",
        "llama",
        "llama-biases",
        "llama-odd",
        "llama-tied-rope3",
        "llama-yarn",
        "mistral-window",
        "mixtral",
        "olmo2",
        "olmo2-odd",
        "phi3",
        "phi3-longrope-crossing",
        "phi3-partial",
        "qwen2",
        "qwen2-moe",
        "qwen2-moe-odd",
        "qwen3",
        "qwen3-odd",
        "qwen3-moe",
        "smollm3"
      })
  void logitsAreTheCpus(String name) {
    Golden golden = Golden.folder(name);
    try (var cpu = new PagedModel(golden.model(), PagedModel.Setup.EXACT);
        var device = PagedModel.onJvmDevice(golden.model(), PagedModel.Setup.EXACT)) {
      int[] tokens = golden.tokens()[0];
      assertThat(error(cpu.logits(tokens, 48), device.logits(tokens, 19)))
          .as("a prompt in chunks")
          .isLessThan(RELATIVE_ERROR);
      List<int[]> prompts =
          List.of(Arrays.copyOf(tokens, 21), Arrays.copyOf(golden.tokens()[1], 6));
      List<PagedModel.Sequence> onCpu =
          prompts.stream().map(p -> cpu.sequence(p, p.length + TOKENS)).toList();
      List<PagedModel.Sequence> onDevice =
          prompts.stream().map(p -> device.sequence(p, p.length + TOKENS)).toList();
      int[] counts = {21, 6};
      for (int step = 0; step < TOKENS; step++) {
        float[] expected = cpu.step(onCpu, counts, false);
        float[] logits = device.step(onDevice, counts, false);
        assertThat(error(expected, logits)).as("step %d", step).isLessThan(RELATIVE_ERROR);
        for (int s = 0; s < prompts.size(); s++) {
          int token = best(expected, s, golden.vocabulary());
          onCpu.get(s).append(token);
          onDevice.get(s).append(token);
        }
        counts = new int[] {1, 1};
      }
    }
  }

  private static int best(float[] logits, int row, int vocabulary) {
    int best = 0;
    for (int v = 1; v < vocabulary; v++) {
      best = logits[row * vocabulary + v] > logits[row * vocabulary + best] ? v : best;
    }
    return best;
  }

  /** Root of the mean square of the difference, relative to the expected values'. */
  private static double error(float[] expected, float[] actual) {
    assertThat(actual).hasSameSizeAs(expected);
    double difference = 0;
    double size = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      size += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / size);
  }
}
