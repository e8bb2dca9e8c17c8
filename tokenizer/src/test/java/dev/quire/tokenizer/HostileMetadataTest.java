package dev.quire.tokenizer;

import static dev.quire.tokenizer.SmallVocabularies.NORMAL;
import static dev.quire.tokenizer.SmallVocabularies.byteLevel;
import static dev.quire.tokenizer.SmallVocabularies.describe;
import static dev.quire.tokenizer.SmallVocabularies.load;
import static dev.quire.tokenizer.SmallVocabularies.tokens;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Metadata that contradicts itself is refused, and the message names the key. */
class HostileMetadataTest {

  private static void refused(Map<String, Object> values, String... words) {
    assertThatThrownBy(() -> load(values))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContainingAll(words);
  }

  private static Map<String, Object> with(String key, Object value) {
    Map<String, Object> values = byteLevel("gpt-2", "a b");
    values.put(key, value);
    return values;
  }

  @Test
  void missingOrEmptyVocabulary() {
    refused(Map.of(), "tokenizer.ggml.model");
    refused(Map.of("tokenizer.ggml.model", "gpt2"), "tokenizer.ggml.tokens");
    refused(with("tokenizer.ggml.tokens", List.of()), "tokenizer.ggml.tokens", "empty");
  }

  @Test
  void unknownKinds() {
    refused(with("tokenizer.ggml.model", "rwkv"), "tokenizer.ggml.model", "rwkv");
    refused(with("tokenizer.ggml.pre", "no-such"), "tokenizer.ggml.pre", "no-such");
  }

  @Test
  void listsOfDifferentLengths() {
    refused(with("tokenizer.ggml.token_type", List.of(1, 1)), "token_type", "2");
    Map<String, Object> values = describe("llama", List.of("a", "b"), List.of(NORMAL, NORMAL));
    refused(values, "tokenizer.ggml.scores");
    values.put("tokenizer.ggml.scores", List.of(1f));
    refused(values, "tokenizer.ggml.scores", "1", "2");
  }

  @Test
  void mergesThatAreNone() {
    refused(with("tokenizer.ggml.merges", List.of("ab")), "tokenizer.ggml.merges[0]", "ab");
    refused(
        with("tokenizer.ggml.merges", List.of("a b", "a zz")), "tokenizer.ggml.merges[1]", "zz");
    Map<String, Object> missing = byteLevel("gpt-2", "a b");
    missing.remove("tokenizer.ggml.merges");
    refused(missing, "tokenizer.ggml.merges");
  }

  @Test
  void idsOutsideTheVocabulary() {
    for (String key : List.of("bos_token_id", "eos_token_id", "unknown_token_id")) {
      refused(with("tokenizer.ggml." + key, 1_000_000), "tokenizer.ggml." + key, "1000000");
    }
  }

  @Test
  void wordPieceWithoutAnUnknownToken() {
    refused(describe("bert", List.of("▁a"), List.of(NORMAL)), "unknown_token_id");
  }

  @Test
  void scoresThatAreNoNumbers() {
    Map<String, Object> values = describe("llama", List.of("a", "b"), List.of(NORMAL, NORMAL));
    values.put("tokenizer.ggml.scores", List.of(1f, Float.NaN));
    refused(values, "tokenizer.ggml.scores[1]");
  }

  @Test
  void bytesWithoutTokensAreLeftOut() {
    Map<String, Object> values = describe("gpt2", List.of("a", "ab", "b"), List.of(1, 1, 1));
    values.put("tokenizer.ggml.pre", "gpt-2");
    values.put("tokenizer.ggml.merges", List.of("a b"));
    assertThat(tokens(load(values), "abc b")).containsExactly("ab", "b");
  }

  @Test
  void equalTokensAreTheFirstOfThem() {
    Map<String, Object> values = describe("gpt2", List.of("a", "a", "b"), List.of(1, 1, 1));
    values.put("tokenizer.ggml.pre", "gpt-2");
    values.put("tokenizer.ggml.merges", List.of());
    Tokenizer tokenizer = load(values);
    assertThat(tokenizer.encode("aba", false, false)).containsExactly(0, 2, 0);
  }
}
