package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.weights.Progress;
import dev.quire.weights.quantize.Quantizer;
import dev.quire.weights.tensor.TensorType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Experts on the GPU's kernels, in the types of the file and as the router wants them. */
class DeviceExpertsTest {
  private static final double RELATIVE_ERROR = 5e-3;

  @TempDir Path folder;

  /**
   * All positions of both rows, each by itself: one expert chosen wrongly would be seen.
   *
   * @param close positions whose last expert and the next differ by less in their routers' logits
   *     than halves in the layers before can tell: qwen3-moe has one, where it is 2.7e-4
   */
  @ParameterizedTest
  @CsvSource({"mixtral, 0", "qwen2-moe, 0", "qwen3-moe, 1"})
  void everyPositionGetsItsExperts(String name, int close) {
    Golden golden = Golden.folder(name);
    int others = 0;
    try (var device = PagedModel.onJvmDevice(golden.model(), PagedModel.Setup.EXACT)) {
      for (int row = 0; row < golden.tokens().length; row++) {
        float[] logits = device.logits(golden.tokens()[row], 19);
        int size = golden.vocabulary();
        for (int t = 0; t < golden.tokens()[row].length; t++) {
          float[] expected = Arrays.copyOfRange(golden.logits()[row], t * size, (t + 1) * size);
          float[] actual = Arrays.copyOfRange(logits, t * size, (t + 1) * size);
          others += Golden.worstError(expected, actual, size) < RELATIVE_ERROR ? 0 : 1;
        }
      }
    }
    assertThat(others).isLessThanOrEqualTo(close);
  }

  @ParameterizedTest
  @CsvSource({
    "mixtral, Q8_0",
    "mixtral, Q4_0",
    "qwen2-moe, Q8_0",
    "qwen2-moe, Q4_0",
    "qwen3-moe, Q8_0",
    "qwen3-moe, Q4_0"
  })
  void quantisedExpertsStayAsTheyAre(String name, TensorType type) {
    Golden golden = Golden.folder(name);
    Path whole = folder.resolve("whole.gguf");
    Path quantised = folder.resolve("quantised.gguf");
    GgufConversion.write(golden.model(), whole);
    new Quantizer(type).quantize(whole, quantised, Progress.NONE);
    List<String> said = new ArrayList<>();
    try (var cpu = new PagedModel(quantised, PagedModel.Setup.EXACT);
        var device = PagedModel.onJvmDevice(quantised, PagedModel.Setup.EXACT, 4, said::add)) {
      int[] tokens = golden.tokens()[0];
      float[] expected = cpu.logits(tokens, 48);
      assertThat(Golden.worstError(expected, device.logits(tokens, 19), golden.vocabulary()))
          .isLessThan(RELATIVE_ERROR);
      // Single rows, whose kernels are others.
      int[] some = Arrays.copyOf(tokens, 21);
      int[] greedy = cpu.greedy(some, new int[8]);
      assertThat(device.greedy(some, greedy)).isEqualTo(greedy);
    }
    assertThat(said).isNotEmpty().noneMatch(line -> line.contains("converted"));
  }
}
