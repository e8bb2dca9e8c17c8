package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The architectures give the same numbers from GGUF metadata and tensor names. */
class GgufConversionTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gemma2",
        "gemma3",
        "granite",
        "llama",
        "llama-tied-rope3",
        "mistral-window",
        "mixtral",
        "olmo2",
        "phi3",
        "qwen2",
        "qwen2-moe",
        "qwen3",
        "qwen3-moe",
        "smollm3"
      })
  void logits(String name) {
    Golden golden = Golden.folder(name);
    Path gguf = folder.resolve(name + ".gguf");
    GgufConversion.write(golden.model(), gguf);
    try (var model = new PagedModel(gguf, PagedModel.Setup.USUAL)) {
      for (int row = 0; row < golden.tokens().length; row++) {
        float[] logits = model.logits(golden.tokens()[row], 48);
        assertThat(golden.worstError(row, logits)).as("row %d", row).isLessThan(1e-4);
      }
    }
  }
}
