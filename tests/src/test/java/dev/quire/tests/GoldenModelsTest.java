package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every architecture from its Hugging Face folder gives transformers' numbers. */
class GoldenModelsTest {

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
        "llama-linear",
        "llama-tied-rope3",
        "llama-yarn",
        "mistral-window",
        "mixtral",
        "olmo2",
        "olmo2-odd",
        "phi3",
        "phi3-longrope",
        "phi3-partial",
        "qwen2",
        "qwen2-moe",
        "qwen2-moe-odd",
        "qwen2-moe-windows",
        "qwen2-yarn-mscale",
        "qwen3",
        "qwen3-odd",
        "qwen3-moe",
        "qwen3-moe-windows",
        "smollm3",
        "smollm3-windows"
      })
  void logitsAndGreedyContinuation(String name) {
    Golden golden = Golden.folder(name);
    try (var model = new PagedModel(golden.model(), PagedModel.Setup.USUAL)) {
      for (int row = 0; row < golden.tokens().length; row++) {
        float[] logits = model.logits(golden.tokens()[row], 48);
        assertThat(golden.worstError(row, logits)).as("row %d", row).isLessThan(1e-4);
      }
      assertThat(model.greedy(golden.tokens()[0], golden.greedy())).isEqualTo(golden.greedy());
    }
  }

  /** Gemma 3's code in transformers reads the cap of attention scores and does not apply it. */
  @Test
  void gemma3TakesNoNoticeOfACapOfAttentionScores(@TempDir Path folder) throws IOException {
    Golden golden = Golden.folder("gemma3");
    Files.copy(golden.model().resolve("model.safetensors"), folder.resolve("model.safetensors"));
    String config = Files.readString(golden.model().resolve("config.json"));
    Files.writeString(
        folder.resolve("config.json"),
        config.replace("\"attn_logit_softcapping\": null", "\"attn_logit_softcapping\": 3.0"));
    try (var model = new PagedModel(folder, PagedModel.Setup.USUAL)) {
      float[] logits = model.logits(golden.tokens()[0], 48);
      assertThat(golden.worstError(0, logits)).isLessThan(1e-4);
    }
  }
}
