package dev.quire.weights.synth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.weights.GgufFile;
import dev.quire.weights.Progress;
import dev.quire.weights.WeightsException;
import dev.quire.weights.quantize.Quantizer;
import dev.quire.weights.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.ValueSource;

class SynthesizerTest {
  @TempDir Path folder;

  private Path model(String shape, TensorType type, long seed) {
    Path file = folder.resolve(shape + "-" + type + "-" + seed + ".gguf");
    new Synthesizer(ModelShape.named(shape), type, seed).write(file, Progress.NONE);
    return file;
  }

  @ParameterizedTest
  @EnumSource(
      mode = Mode.INCLUDE,
      names = {"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K"})
  void weightsHaveTheRightSpread(TensorType type) {
    try (GgufFile file = GgufFile.open(model("tiny-llama", type, 1))) {
      var query = Objects.requireNonNull(file.tensor("blk.1.attn_q.weight"));
      assertThat(query.type()).isEqualTo(type);
      assertThat(query.shape()).containsExactly(256, 256);
      double sum = 0;
      double squares = 0;
      for (float value : query.toFloats()) {
        sum += value;
        squares += (double) value * value;
      }
      assertThat(sum / query.elements()).isBetween(-0.001, 0.001);
      assertThat(Math.sqrt(squares / query.elements())).isBetween(0.019, 0.021);
      assertThat(Objects.requireNonNull(file.tensor("output_norm.weight")).type())
          .isEqualTo(TensorType.F32);
    }
  }

  @Test
  void theSeedDecidesEveryByte() throws IOException {
    byte[] one = Files.readAllBytes(model("tiny-qwen3", TensorType.Q8_0, 1));
    assertThat(Files.readAllBytes(model("tiny-qwen3", TensorType.Q8_0, 1))).isEqualTo(one);
    assertThat(Files.readAllBytes(model("tiny-qwen3", TensorType.Q8_0, 2))).isNotEqualTo(one);
  }

  @ParameterizedTest
  @ValueSource(ints = {300, 512, 4096, 128256})
  void vocabulariesHaveTheExactSizeAndMergesBuildOnWhatIsThere(int size) {
    Vocabulary vocabulary = Vocabulary.of(size, List.of("<a>", "<b>"));
    assertThat(vocabulary.tokens()).hasSize(size);
    assertThat(Set.copyOf(vocabulary.tokens())).hasSize(size);
    assertThat(vocabulary.tokens()).endsWith("<a>", "<b>");
    assertThat(vocabulary.merges()).hasSize(size - 256 - 2);
    Set<String> known = new HashSet<>(vocabulary.tokens().subList(0, 256));
    for (String merge : vocabulary.merges()) {
      String[] parts = merge.split(" ", -1);
      assertThat(parts).hasSize(2);
      assertThat(known.contains(parts[0]) && known.contains(parts[1])).as(merge).isTrue();
      known.add(parts[0] + parts[1]);
    }
    assertThat(known.equals(Set.copyOf(vocabulary.tokens().subList(0, size - 2)))).isTrue();
  }

  @Test
  void namedShapesCarryTheirTokenizer() {
    try (GgufFile file = GgufFile.open(model("tiny-llama-untied", TensorType.Q4_K, 3))) {
      var metadata = file.metadata();
      List<String> tokens = metadata.strings("tokenizer.ggml.tokens");
      assertThat(tokens).hasSize(metadata.integer("llama.vocab_size"));
      assertThat(metadata.integers("tokenizer.ggml.token_type")).hasSameSizeAs(tokens);
      assertThat(tokens.get(metadata.integer("tokenizer.ggml.bos_token_id")))
          .isEqualTo("<|begin_of_text|>");
      assertThat(tokens.get(metadata.integer("tokenizer.ggml.eos_token_id")))
          .isEqualTo("<|eot_id|>");
      assertThat(Objects.requireNonNull(file.tensor("rope_freqs.weight")).shape())
          .containsExactly(16);
      assertThat(file.tensor("output.weight")).isNotNull();
      // Rows of 128 don't fill blocks of 256; rows of 384 don't either.
      assertThat(Objects.requireNonNull(file.tensor("blk.0.ffn_down.weight")).type())
          .isEqualTo(TensorType.Q8_0);
    }
    assertThatThrownBy(() -> ModelShape.named("gpt-5"))
        .isInstanceOf(WeightsException.class)
        .hasMessageContainingAll("gpt-5", "llama-3.2-1b");
    assertThatThrownBy(() -> new Synthesizer(ModelShape.named("tiny-llama"), TensorType.Q2_K, 1))
        .isInstanceOf(WeightsException.class)
        .hasMessageContainingAll("Q2_K", "Q4_K");
  }

  @ParameterizedTest
  @EnumSource(
      mode = Mode.INCLUDE,
      names = {"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K"})
  void quantisingKeepsMetadataAndNormsAndStaysClose(TensorType type) {
    Path input = model("tiny-llama", TensorType.F32, 9);
    Path output = folder.resolve("quantised.gguf");
    new Quantizer(type).quantize(input, output, Progress.NONE);
    try (GgufFile before = GgufFile.open(input);
        GgufFile after = GgufFile.open(output)) {
      assertThat(after.metadata().keys()).containsAll(before.metadata().keys());
      assertThat(after.metadata().strings("tokenizer.ggml.merges"))
          .isEqualTo(before.metadata().strings("tokenizer.ggml.merges"));
      assertThat(after.tensors()).hasSameSizeAs(before.tensors());
      for (var tensor : after.tensors()) {
        var original = Objects.requireNonNull(before.tensor(tensor.name()));
        assertThat(tensor.shape()).isEqualTo(original.shape());
        assertThat(tensor.type()).isEqualTo(original.shape().length == 1 ? TensorType.F32 : type);
        float[] expected = original.toFloats();
        float[] actual = tensor.toFloats();
        double error = 0;
        double size = 0;
        for (int i = 0; i < expected.length; i++) {
          error += Math.pow(expected[i] - actual[i], 2);
          size += Math.pow(expected[i], 2);
        }
        assertThat(Math.sqrt(error / size)).isLessThan(0.1);
      }
    }
  }

  @Test
  void theQuantizerRefusesItsOwnInput() {
    Path input = model("tiny-llama", TensorType.F16, 5);
    var quantizer = new Quantizer(TensorType.Q8_0);
    assertThatThrownBy(() -> quantizer.quantize(input, input, Progress.NONE))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining("is the input");
  }
}
