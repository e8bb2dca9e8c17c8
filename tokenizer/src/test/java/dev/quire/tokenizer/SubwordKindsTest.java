package dev.quire.tokenizer;

import static dev.quire.tokenizer.SmallVocabularies.BYTE;
import static dev.quire.tokenizer.SmallVocabularies.CONTROL;
import static dev.quire.tokenizer.SmallVocabularies.NORMAL;
import static dev.quire.tokenizer.SmallVocabularies.UNKNOWN;
import static dev.quire.tokenizer.SmallVocabularies.describe;
import static dev.quire.tokenizer.SmallVocabularies.load;
import static dev.quire.tokenizer.SmallVocabularies.spellings;
import static dev.quire.tokenizer.SmallVocabularies.tokens;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** SentencePiece BPE, unigram and WordPiece on vocabularies made by hand. */
class SubwordKindsTest {

  private static Tokenizer sentencePiece() {
    List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
    List<Integer> types = new ArrayList<>(List.of(UNKNOWN, CONTROL, CONTROL));
    List<Float> scores = new ArrayList<>(List.of(0f, 0f, 0f));
    for (int b = 0; b < 256; b++) {
      tokens.add("<0x%02X>".formatted(b));
      types.add(BYTE);
      scores.add(0f);
    }
    List<String> pieces =
        List.of("▁h", "el", "lo", "▁hel", "▁hello", "▁▁", "▁", "h", "e", "l", "o", "p");
    for (int i = 0; i < pieces.size(); i++) {
      tokens.add(pieces.get(i));
      types.add(NORMAL);
      scores.add(-1f - i);
    }
    Map<String, Object> values = describe("llama", tokens, types);
    values.put("tokenizer.ggml.scores", scores);
    return load(values);
  }

  @Test
  void sentencePieceMergesTheHighestScoreFirst() {
    Tokenizer tokenizer = sentencePiece();
    assertThat(tokens(tokenizer, "hello help")).containsExactly("▁hello", "▁hel", "p");
    assertThat(spellings(tokenizer, tokenizer.encode("hello", true, false)))
        .containsExactly("<s>", "▁hello");
  }

  @Test
  void sentencePieceKeepsSpacesAndDropsOnlyTheOneItAdded() {
    Tokenizer tokenizer = sentencePiece();
    assertThat(tokens(tokenizer, "  hello")).containsExactly("▁▁", "▁hello");
    for (String text : List.of("hello", " hello", "hello  ", "   ", "hello  hello")) {
      assertThat(tokenizer.decode(tokenizer.encode(text, false, false), false)).isEqualTo(text);
    }
  }

  @Test
  void sentencePieceFallsBackToBytes() {
    Tokenizer tokenizer = sentencePiece();
    assertThat(tokens(tokenizer, "hé\n")).containsExactly("▁h", "<0xC3>", "<0xA9>", "<0x0A>");
    String text = "hello 😀 三\t<0x41>";
    int[] ids = tokenizer.encode(text, false, false);
    assertThat(tokenizer.decode(ids, false)).isEqualTo(text);
    StreamingDecoder decoder = tokenizer.streamingDecoder(false);
    StringBuilder streamed = new StringBuilder();
    for (int id : ids) {
      String part = decoder.accept(id);
      assertThat(part).doesNotContain("\uFFFD");
      streamed.append(part);
    }
    assertThat(streamed.append(decoder.finish()).toString()).isEqualTo(text);
  }

  @Test
  void unigramTakesTheLikeliestCut() {
    List<String> tokens = List.of("<pad>", "</s>", "<unk>", "▁", "▁ab", "c", "▁a", "bc", "d");
    List<Integer> types = new ArrayList<>(Collections.nCopies(9, NORMAL));
    types.set(0, CONTROL);
    types.set(1, CONTROL);
    types.set(2, UNKNOWN);
    Map<String, Object> values = describe("t5", tokens, types);
    values.put("tokenizer.ggml.scores", List.of(0f, 0f, 0f, -4f, -2f, -5f, -3f, -3f, -6f));
    values.put("tokenizer.ggml.eos_token_id", 1);
    Tokenizer tokenizer = load(values);
    // ▁ab + c = -7, ▁a + bc = -6.
    assertThat(tokens(tokenizer, "abc")).containsExactly("▁a", "bc");
    assertThat(tokens(tokenizer, "ab abcd")).containsExactly("▁ab", "▁a", "bc", "d");
    assertThat(tokens(tokenizer, "abxyd")).containsExactly("▁ab", "<unk>", "d");
    assertThat(spellings(tokenizer, tokenizer.encode("ab", true, false)))
        .containsExactly("▁ab", "</s>");
    assertThat(tokenizer.decode(tokenizer.encode("ab abc", false, false), true))
        .isEqualTo("ab abc");
  }

  @Test
  void wordPieceTakesTheLongestStart() {
    List<String> tokens =
        List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁un", "▁unaff", "aff", "able", "▁!", "▁cafe");
    List<Integer> types = new ArrayList<>(Collections.nCopies(tokens.size(), NORMAL));
    Collections.fill(types.subList(0, 4), CONTROL);
    Map<String, Object> values = describe("bert", tokens, types);
    values.put("tokenizer.ggml.unknown_token_id", 1);
    values.put("tokenizer.ggml.cls_token_id", 2);
    values.put("tokenizer.ggml.seperator_token_id", 3);
    Tokenizer tokenizer = load(values);
    assertThat(tokens(tokenizer, "Unaffable!")).containsExactly("▁unaff", "able", "▁!");
    assertThat(tokens(tokenizer, "unable  café")).containsExactly("▁un", "able", "▁cafe");
    assertThat(tokens(tokenizer, "unx able")).containsExactly("[UNK]", "[UNK]");
    assertThat(spellings(tokenizer, tokenizer.encode("un", true, false)))
        .containsExactly("[CLS]", "▁un", "[SEP]");
    assertThat(tokenizer.decode(tokenizer.encode("unable !", false, false), true))
        .isEqualTo("unable !");
  }
}
