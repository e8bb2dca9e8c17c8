package dev.quire.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Published vocabularies against the ids that their own tokenizers gave. */
class PublishedVocabulariesTest {
  private static Path vocabulary(String name) {
    return External.file("tokenizers/ggml-vocab-" + name + ".gguf");
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt-2", "llama-spm", "phi-3", "deepseek-coder", "refact"})
  void encodesEveryCaseLikeItsModelsTokenizer(String name) throws Exception {
    Path file = vocabulary(name);
    Tokenizer tokenizer = Tokenizer.fromGguf(GgufHeader.read(file));
    String[] texts = Files.readString(Path.of(file + ".inp")).split("\n__ggml_vocab_test__\n", -1);
    List<String> expected = Files.readAllLines(Path.of(file + ".out"));
    SoftAssertions.assertSoftly(
        softly -> {
          for (int i = 0; i < expected.size(); i++) {
            int[] ids =
                Arrays.stream(expected.get(i).trim().split(" +"))
                    .filter(id -> !id.isEmpty())
                    .mapToInt(Integer::parseInt)
                    .toArray();
            softly
                .assertThat(tokenizer.encode(texts[i], false, false))
                .as("case %d of %s: “%s”", i, name, texts[i])
                .containsExactly(ids);
            softly.assertThat(tokenizer.decode(ids, false)).isEqualTo(texts[i]);
          }
        });
    assertThat(expected).hasSize(46);
  }
}
