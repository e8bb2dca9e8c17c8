package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.cpu.math.KvType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One Llama in several tensor types gives the logits of its decoded weights. */
class GoldenGgufTest {

  @ParameterizedTest
  @CsvSource({"f32, 1e-4", "f16, 1e-3", "bf16, 1e-3", "q8_0, 2e-2", "q4_0, 2e-2", "q4_k, 2e-2"})
  void logits(String type, double tolerance) {
    Golden golden = Golden.gguf(type);
    check(golden, PagedModel.Setup.USUAL, tolerance);
    check(golden, PagedModel.Setup.EXACT, 1e-4);
  }

  /** What a smaller cache costs beside exact activations. */
  @ParameterizedTest
  @CsvSource({"F16, 1e-3", "BF16, 1e-2", "Q8_0, 2e-2"})
  void keysAndValuesOfSmallerTypes(KvType type, double tolerance) {
    check(Golden.gguf("f32"), new PagedModel.Setup(16, 64, 2, true, type), tolerance);
  }

  private static void check(Golden golden, PagedModel.Setup setup, double tolerance) {
    try (var model = new PagedModel(golden.model(), setup)) {
      for (int row = 0; row < golden.tokens().length; row++) {
        float[] logits = model.logits(golden.tokens()[row], 48);
        assertThat(golden.worstError(row, logits)).as("row %d", row).isLessThan(tolerance);
      }
      if (tolerance <= 1e-4) {
        assertThat(model.greedy(golden.tokens()[0], golden.greedy())).isEqualTo(golden.greedy());
      }
    }
  }
}
