package dev.quire.tokenizer.split;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.tokenizer.TokenizerException;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.Chars;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Splits worked out by hand from the published patterns. */
class PreTokenizersTest {
  /** What patterns with several ways to match a text would match in many. */
  private static final List<String> RUNS =
      List.of(
          (" ~1~\t~a~A~\n~!~'~\u0301~日~é~🚀~\u200d~\r\n~ \n~aA~Aa~a1~A!~1 ~a\u0301~'s"
                  + "~👩\u200d👩\u200d👧")
              .split("~"));

  private static List<String> split(String name, String text) {
    return split(java.util.Objects.requireNonNull(PreTokenizers.named(name)), text);
  }

  private static List<String> split(Splitter splitter, String text) {
    List<String> pieces = new ArrayList<>();
    splitter.split(
        text,
        0,
        text.length(),
        true,
        (piece, from, to, _) -> pieces.add(piece.substring(from, to)));
    return pieces;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gpt-2",
        "llama-bpe",
        "qwen2",
        "qwen35",
        "starcoder",
        "refact",
        "default",
        "falcon",
        "mpt",
        "deepseek-llm",
        "deepseek-coder",
        "deepseek-v3",
        "poro-chat",
        "viking",
        "tekken",
        "gpt-4o",
        "superbpe",
        "bailingmoe",
        "seed-coder",
        "kimi-k2",
        "grok-2"
      })
  void everyPatternLosesNothingAndTakesLinearTime(String name) {
    String text = "Don't: x1234 = ὗ-\u1F7D Ά Ω\u2126\u212A 中文テキスト\n\n  é 🚀 ½ 한국어 \u0130ı\t end ";
    assertThat(String.join("", split(name, text))).isEqualTo(text);
    // A text at which a pattern looks more than two thousand times a character is refused.
    for (String run : RUNS) {
      for (String end : List.of("中", "x", "")) {
        String longText = run.repeat(8_000) + end;
        assertThat(String.join("", split(name, longText))).isEqualTo(longText);
      }
    }
  }

  @Test
  void deepSeeksLettersAreThoseWithCase() { // and its punctuation includes ASCII letters
    assertThat(split("deepseek-llm", "abc\u1F7D\u2126\u212AⱾx ab中文c"))
        .containsExactly("abc", "\u1F7D\u2126\u212AⱾ", "x", " ab", "中文", "c");
  }

  @Test
  void digitsAreGroupedFromTheRight() {
    Splitter groups = PreTokenizers.ofPattern("(?=(\\d{3})+(?!\\d))");
    Splitter regex =
        new RegexSplitter("(?=(\\d{3})+(?!\\d))", RegexSplitter.Behavior.ISOLATED, false);
    for (String text :
        List.of("1234567", "a12 345678b", "123", "x٣٣٣٣y12", "", "no digits", "1 22 333 4444")) {
      assertThat(split(groups, text)).isEqualTo(split(regex, text));
    }
  }

  @Test
  void patternsThatNeverEndAreStopped() {
    Splitter splitter = new RegexSplitter("(.*a){12}b", RegexSplitter.Behavior.ISOLATED, false);
    assertThatThrownBy(() -> split(splitter, "a".repeat(100) + "c"))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("pattern");
    Splitter deep = new RegexSplitter("(?:(a|b)c?)+d", RegexSplitter.Behavior.ISOLATED, false);
    assertThatThrownBy(() -> split(deep, "ab".repeat(100_000)))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("pattern");
  }

  @Test
  void gpt2() {
    assertThat(split("gpt-2", "Hello world's  end\n\n x1234 !?"))
        .containsExactly("Hello", " world", "'s", " ", " end", "\n\n", " x", "1234", " !?");
    assertThat(split("gpt-2", "I'LL don't!!\nok"))
        .containsExactly("I", "'", "LL", " don", "'t", "!!", "\n", "ok");
    assertThat(split("gpt-2", "a\t\tb  ")).containsExactly("a", "\t", "\t", "b", "  ");
    assertThat(split("gpt-2", "e\u0301x 😀😀 naïve"))
        .containsExactly("e", "\u0301", "x", " 😀😀", " naïve");
    assertThat(split("gpt-2", "Ⅷ½ 三")).containsExactly("Ⅷ½", " 三");
  }

  @Test
  void llama3() {
    assertThat(split("llama-bpe", "Hello world's  end\n\n x1234 !?"))
        .containsExactly("Hello", " world", "'s", " ", " end", "\n\n", " x", "123", "4", " !?");
    assertThat(split("llama-bpe", "I'LL don't!!\nok"))
        .containsExactly("I", "'LL", " don", "'t", "!!\n", "ok");
    assertThat(split("llama-bpe", "a\t\tb  ")).containsExactly("a", "\t", "\tb", "  ");
    assertThat(split("llama-bpe", "e\u0301x (yes)"))
        .containsExactly("e", "\u0301x", " (", "yes", ")");
    assertThat(split("llama-bpe", "a \n \n  b")).containsExactly("a", " \n \n", " ", " b");
    assertThat(split("llama-bpe", "12345678 9")).containsExactly("123", "456", "78", " ", "9");
  }

  @Test
  void qwen2TakesDigitsOneByOne() {
    assertThat(split("qwen2", "in 2025: it's"))
        .containsExactly("in", " ", "2", "0", "2", "5", ":", " it", "'s");
  }

  @Test
  void starcoderTakesDigitsOneByOneBeforeTheGpt2Pattern() {
    assertThat(split("starcoder", "x = 42")).containsExactly("x", " =", " ", "4", "2");
  }

  @Test
  void unknownNamesAreUnknown() {
    assertThat(PreTokenizers.named("no-such")).isNull();
  }

  /** The hand-written matchers give what the regular expressions give. */
  @Property(tries = 2000)
  void handWrittenMatchersAgreeWithTheirPatterns(
      @ForAll
          @StringLength(max = 24)
          @CharRange(from = ' ', to = '~')
          @Chars({
            '\'', ' ', ' ', '\n', '\r', '\t', 's', 'L', '7', '\u0301', 'é', '三', '½', '\u00A0'
          })
          String text) {
    String llama3 =
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    assertThat(PreTokenizers.ofPattern(llama3)).isInstanceOf(PatternSplitter.class);
    assertThat(split("llama-bpe", text)).isEqualTo(split(RegexSplitter.isolated(llama3), text));
    assertThat(split("gpt-2", text))
        .isEqualTo(split(RegexSplitter.isolated(PreTokenizers.GPT2), text));
  }
}
