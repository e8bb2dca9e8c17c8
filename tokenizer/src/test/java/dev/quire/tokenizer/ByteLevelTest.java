package dev.quire.tokenizer;

import static dev.quire.tokenizer.SmallVocabularies.byteLevel;
import static dev.quire.tokenizer.SmallVocabularies.load;
import static dev.quire.tokenizer.SmallVocabularies.spellings;
import static dev.quire.tokenizer.SmallVocabularies.tokens;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/** Byte-level BPE: merges, special tokens, round trips, long words, streaming. */
class ByteLevelTest {
  private static final Tokenizer SHIPPED = SmallVocabularies.shipped();

  private static Tokenizer small(String preTokenizer) {
    return load(byteLevel(preTokenizer, "l o", "h e", "he l", "Ġ hel", "hel lo", "Ġhel lo"));
  }

  @Test
  void mergesByRank() {
    Tokenizer tokenizer = small("gpt-2");
    // "l o" comes first, so that "he l" finds only the first l.
    assertThat(tokens(tokenizer, "hello hello help"))
        .containsExactly("hello", "Ġhello", "Ġhel", "p");
    assertThat(tokens(tokenizer, "heló")).containsExactly("hel", "Ã", "³");
  }

  @Test
  void takesWholePiecesOnlyWhereThePreTokenizerSaysSo() {
    // No order of the merges leads from the letters to abc: "b c" is used up first.
    Map<String, Object> gpt2 = byteLevel("gpt-2", "b c", "a b", "ab c");
    Map<String, Object> llama3 = byteLevel("llama-bpe", "b c", "a b", "ab c");
    assertThat(tokens(load(gpt2), "abc")).containsExactly("a", "bc");
    assertThat(tokens(load(llama3), "abc")).containsExactly("abc");
  }

  @Test
  void readsSpecialTokensOnlyWhenAsked() {
    Tokenizer tokenizer = small("gpt-2");
    String text = "hello<|end|>hello<tool>";
    assertThat(spellings(tokenizer, tokenizer.encode(text, false, true)))
        .containsExactly("hello", "<|end|>", "hello", "<tool>");
    assertThat(spellings(tokenizer, tokenizer.encode(text, false, false)))
        .containsExactly("hello", "<", "|", "e", "n", "d", "|", ">", "hello", "<tool>");
    int[] ids = tokenizer.encode(text, false, true);
    assertThat(tokenizer.decode(ids, false)).isEqualTo(text);
    assertThat(tokenizer.decode(ids, true)).isEqualTo("hellohello<tool>");
    assertThat(tokenizer.isSpecial(tokenizer.idOf("<|end|>").orElseThrow())).isTrue();
    assertThat(tokenizer.isSpecial(tokenizer.idOf("<tool>").orElseThrow())).isFalse();
  }

  @Test
  void addsBosAndEosAsTheFileSays() {
    Map<String, Object> values = byteLevel("gpt-2", "l o");
    assertThat(spellings(load(values), load(values).encode("lo", true, false)))
        .containsExactly("lo");
    values.put("tokenizer.ggml.add_bos_token", true);
    assertThat(spellings(load(values), load(values).encode("lo", true, false)))
        .containsExactly("<|begin|>", "lo");
    values.put("tokenizer.ggml.add_eos_token", true);
    assertThat(spellings(load(values), load(values).encode("lo", true, false)))
        .containsExactly("<|begin|>", "lo", "<|end|>");
    assertThat(spellings(load(values), load(values).encode("", false, false))).isEmpty();
    assertThat(load(values).endOfTurnIds()).containsExactly(load(values).eosId().orElseThrow());
  }

  @Test
  void llama3FilesMeanABosWhereTheyDoNotSay() {
    Tokenizer tokenizer = load(byteLevel("llama-bpe", "l o"));
    assertThat(spellings(tokenizer, tokenizer.encode("lo", true, false)))
        .containsExactly("<|begin|>", "lo");
  }

  @Test
  void everyTokenDecodesToItsBytesAndSpelling() {
    for (int id = 0; id < SHIPPED.vocabularySize(); id++) {
      byte[] bytes = SHIPPED.tokenBytes(id);
      assertThat(SHIPPED.decode(new int[] {id}, false))
          .isEqualTo(new String(bytes, StandardCharsets.UTF_8));
      assertThat(SHIPPED.idOf(SHIPPED.token(id))).hasValue(id);
    }
  }

  @Test
  void everyCodePointRoundTrips() {
    StringBuilder all = new StringBuilder();
    for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
      if (c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE) {
        all.appendCodePoint(c);
      }
    }
    String text = all.toString();
    assertThat(SHIPPED.decode(SHIPPED.encode(text, false, false), false).equals(text)).isTrue();
  }

  @Property(tries = 500)
  void anyTextRoundTripsThroughTheStreamingDecoder(@ForAll("texts") String text) {
    int[] ids = SHIPPED.encode(text, false, false);
    assertThat(SHIPPED.decode(ids, false)).isEqualTo(text);
    StringBuilder streamed = new StringBuilder();
    StreamingDecoder decoder = SHIPPED.streamingDecoder(false);
    for (int id : ids) {
      String part = decoder.accept(id);
      assertThat(part).doesNotContain("\uFFFD");
      assertThat(part.isEmpty() || !Character.isHighSurrogate(part.charAt(part.length() - 1)))
          .isTrue();
      streamed.append(part);
    }
    assertThat(decoder.finish()).isEmpty();
    assertThat(streamed.toString()).isEqualTo(text);
  }

  @Provide
  Arbitrary<String> texts() {
    Arbitrary<Integer> characters =
        Arbitraries.frequencyOf(
            net.jqwik.api.Tuple.of(4, Arbitraries.integers().between(' ', '~')),
            net.jqwik.api.Tuple.of(1, Arbitraries.of(0x20, 0x0A, 0x0D, 0x09, 0xA0, 0x3000)),
            net.jqwik.api.Tuple.of(2, Arbitraries.integers().between(0x80, 0xD7FF)),
            net.jqwik.api.Tuple.of(2, Arbitraries.integers().between(0x10000, 0x10FFFF)));
    return characters
        .list()
        .ofMaxSize(60)
        .map(
            list ->
                list.stream()
                    .collect(
                        StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                    .toString());
  }

  /** Any ids at all, so also bytes that are no UTF-8: the text is what the bytes spell. */
  @Property(tries = 3000)
  void anyIdsDecodeToWhatTheirBytesSpell(@ForAll long seed) {
    Random random = new Random(seed);
    int[] ids = random.ints(random.nextInt(1, 40), 0, 300).toArray();
    java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();
    StreamingDecoder decoder = SHIPPED.streamingDecoder(false);
    StringBuilder streamed = new StringBuilder();
    for (int id : ids) {
      bytes.writeBytes(SHIPPED.tokenBytes(id));
      streamed.append(decoder.accept(id));
    }
    streamed.append(decoder.finish());
    String expected = lossy(bytes.toByteArray());
    assertThat(streamed.toString()).isEqualTo(expected);
    assertThat(SHIPPED.decode(ids, false)).isEqualTo(expected);
  }

  /** As Unicode recommends; the JDK by itself makes one error of the three bytes of a surrogate. */
  private static String lossy(byte[] bytes) {
    String latin1 = new String(bytes, StandardCharsets.ISO_8859_1);
    String split = latin1.replaceAll("\u00ED(?=[\u00A0-\u00BF])", "\u00FF");
    return new String(split.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
  }

  @Test
  void surrogatesInUtf8AreThreeErrors() {
    int[] ids = {id(0xED), id(0xA0), id(0x80), SHIPPED.encode("x", false, false)[0]};
    assertThat(SHIPPED.decode(ids, false)).isEqualTo("\uFFFD\uFFFD\uFFFDx");
  }

  private static int id(int unsignedByte) {
    return SHIPPED
        .idOf(String.valueOf(dev.quire.tokenizer.text.ByteLetters.letter(unsignedByte)))
        .orElseThrow();
  }

  @Test
  void unpairedSurrogatesBecomeReplacementCharacters() {
    int[] ids = SHIPPED.encode("a\uD800b\uDC00", false, false);
    assertThat(SHIPPED.decode(ids, false)).isEqualTo("a\uFFFDb\uFFFD");
  }

  @Test
  void aMillionCharactersWithoutSpacesDoNotTakeQuadraticTime() {
    StringBuilder letters = new StringBuilder();
    Random random = new Random(7);
    for (int i = 0; i < 1_000_000; i++) {
      letters.append((char) ('a' + random.nextInt(26)));
    }
    String text = letters.toString();
    int[] ids =
        Assertions.assertTimeoutPreemptively(
            Duration.ofSeconds(10), () -> SHIPPED.encode(text, false, false));
    assertThat(SHIPPED.decode(ids, false).equals(text)).isTrue();
    assertThat(ids).hasSizeLessThan(900_000);
  }

  @Test
  void refusesIdsOutsideTheVocabulary() {
    for (int id : new int[] {-1, SHIPPED.vocabularySize(), Integer.MAX_VALUE}) {
      org.assertj.core.api.Assertions.assertThatThrownBy(
              () -> SHIPPED.decode(new int[] {id}, false))
          .isInstanceOf(TokenizerException.class)
          .hasMessageContaining(String.valueOf(id));
    }
  }
}
