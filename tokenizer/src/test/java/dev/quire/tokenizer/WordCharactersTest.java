package dev.quire.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.tokenizer.AddedTokens.AddedToken;
import dev.quire.tokenizer.split.RegexSplitter;
import dev.quire.tokenizer.split.RegexSplitter.Behavior;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What the package tokenizers 0.23 takes for a character of a word: one set where an added token
 * must stand alone, another in the patterns of files, which Oniguruma runs.
 */
class WordCharactersTest {

  private static boolean standsAlone(String text) {
    var tokens = new AddedTokens(List.of(new AddedToken(7, "ab", false, false, false, true, true)));
    List<Integer> found = new ArrayList<>();
    tokens.split(
        text,
        0,
        text.length(),
        true,
        new AddedTokens.Sink() {
          @Override
          public void text(int start, int end) {}

          @Override
          public void token(int id) {
            found.add(id);
          }
        });
    return !found.isEmpty();
  }

  @Test
  void marksAndJoinersBelongToTheWordBesideThem() {
    assertThat(standsAlone("ab\u200d x")).isFalse();
    assertThat(standsAlone("\u0323ab")).isFalse();
    assertThat(standsAlone("\u24d0ab")).isFalse();
    assertThat(standsAlone("\u203fab")).isFalse();
    assertThat(standsAlone("\u00bdab\u2581")).isTrue();
    assertThat(standsAlone("(ab)")).isTrue();
  }

  private static List<String> matches(String pattern, String text) {
    List<String> pieces = new ArrayList<>();
    new RegexSplitter(pattern, Behavior.REMOVED, true)
        .split(text, 0, text.length(), true, (t, from, to, _) -> pieces.add(t.substring(from, to)));
    return pieces;
  }

  @Test
  void patternsHaveOnigurumasWords() {
    String text = "a\u200db \u00bd\u0301 \u2460 \u24d0_\u216b";
    assertThat(matches("\\w+", text)).containsExactly("a", "b", "\u00bd\u0301", "\u24d0_\u216b");
    assertThat(matches("[\\w-]+", "a-b c")).containsExactly("a-b", "c");
    assertThat(matches("\\W+", "a\u200db, c")).containsExactly("\u200d", ", ");
    assertThat(matches("[^\\w ]+", "a\u200d, c")).containsExactly("\u200d,");
    assertThat(matches("\\\\w", "\\w w")).containsExactly("\\w");
  }
}
