package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.engine.FolderConverter;
import dev.quire.engine.GgufTokenizer;
import dev.quire.tokenizer.Tokenizer;
import dev.quire.weights.GgufFile;
import dev.quire.weights.Progress;
import dev.quire.weights.WeightsException;
import dev.quire.weights.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Folders written as GGUF give the reference's logits, and keep their vocabularies. */
class FolderConverterTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gemma2",
        "gemma3",
        "granite",
        "llama-biases",
        "llama-linear",
        "llama-tied-rope3",
        "llama-yarn",
        "mixtral",
        "olmo2",
        "phi3-longrope",
        "phi3-partial",
        "qwen2-moe-windows",
        "qwen3-moe-windows",
        "smollm3"
      })
  void logits(String name) {
    Golden golden = Golden.folder(name);
    Path gguf = folder.resolve("model.gguf");
    FolderConverter.convert(golden.model(), gguf, TensorType.F32, Progress.NONE);
    try (var model = new PagedModel(gguf, PagedModel.Setup.USUAL)) {
      float[] logits = model.logits(golden.tokens()[0], 48);
      assertThat(golden.worstError(0, logits)).isLessThan(1e-4);
    }
  }

  @Test
  void theVocabularyComesAlong() throws IOException {
    Path source = Files.createDirectory(folder.resolve("source"));
    Golden golden = Golden.folder("llama");
    try (Stream<Path> files = Files.list(golden.model())) {
      for (Path file : files.toList()) {
        Files.copy(file, source.resolve(file.getFileName()));
      }
    }
    Path tokenizer = golden.model().resolve("../../gguf/tokenizer.json");
    Files.copy(tokenizer, source.resolve("tokenizer.json"));
    Files.writeString(source.resolve("generation_config.json"), "{\"eos_token_id\": [3, 5]}");
    Files.writeString(source.resolve("chat_template.jinja"), "{{ messages }}");
    Path named = Files.createDirectory(source.resolve("additional_chat_templates"));
    Files.writeString(named.resolve("tool_use.jinja"), "{{ tools }}");
    Path gguf = folder.resolve("model.gguf");
    FolderConverter.convert(source, gguf, TensorType.Q8_0, Progress.NONE);
    Tokenizer expected = Tokenizer.fromHuggingFace(source);
    try (GgufFile file = GgufFile.open(gguf)) {
      Tokenizer actual = GgufTokenizer.read(file);
      String text = "To be, or not to be: café 12";
      assertThat(actual.encode(text, true, true)).isEqualTo(expected.encode(text, true, true));
      assertThat(actual.endOfTurnIds()).isEqualTo(expected.endOfTurnIds()).contains(3, 5);
      assertThat(file.metadata().string("tokenizer.chat_template")).isEqualTo("{{ messages }}");
      assertThat(file.metadata().string("tokenizer.chat_template.tool_use"))
          .isEqualTo("{{ tools }}");
      assertThat(Objects.requireNonNull(file.tensor("blk.0.attn_q.weight")).type())
          .isEqualTo(TensorType.Q8_0);
    }
  }

  @Test
  void anActivationThatGgufCannotSayIsRefused() throws IOException {
    Path source = Files.createDirectory(folder.resolve("source"));
    Path model = Golden.folder("llama").model();
    Files.copy(model.resolve("model.safetensors"), source.resolve("model.safetensors"));
    String config = Files.readString(model.resolve("config.json"));
    Files.writeString(
        source.resolve("config.json"),
        config.replace("\"hidden_act\": \"silu\"", "\"hidden_act\": \"gelu\""));
    Path gguf = folder.resolve("model.gguf");
    assertThatThrownBy(() -> FolderConverter.convert(source, gguf, TensorType.F32, Progress.NONE))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining("activation");
  }

  @Test
  void whatGgufCannotSayIsRefusedByName() {
    Path model = Golden.folder("smollm3-windows").model();
    Path gguf = folder.resolve("model.gguf");
    assertThatThrownBy(() -> FolderConverter.convert(model, gguf, TensorType.F32, Progress.NONE))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining("rotation in other layers");
  }
}
