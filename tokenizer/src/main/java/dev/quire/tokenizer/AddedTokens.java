package dev.quire.tokenizer;

import dev.quire.tokenizer.text.CharClass;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds added tokens in text: leftmost first, the longest of those that start at the same place. A
 * trie over characters, so that a vocabulary of thousands of added tokens costs no more than one of
 * ten.
 */
public final class AddedTokens {

  /**
   * A token that is matched as text before anything else looks at the text.
   *
   * @param special whether it steers the model; special tokens match only when asked for
   * @param stripLeft whether it swallows white space before it
   * @param stripRight whether it swallows white space after it
   * @param singleWord whether it must not touch word characters
   * @param normalized whether it is looked for in normalised text rather than in the original
   */
  public record AddedToken(
      int id,
      String text,
      boolean special,
      boolean stripLeft,
      boolean stripRight,
      boolean singleWord,
      boolean normalized) {}

  /** Takes the fragments of a text in order. */
  public interface Sink {
    void text(int start, int end);

    void token(int id);
  }

  private static final class Node {
    private final Map<Character, Node> next = new HashMap<>();
    private final List<AddedToken> ends = new ArrayList<>(0);
  }

  private final Node root = new Node();
  private final BitSet firstCharacters = new BitSet();

  /** Tokens with an empty text never match. */
  public AddedTokens(List<AddedToken> tokens) {
    for (AddedToken token : tokens) {
      if (token.text().isEmpty()) {
        continue;
      }
      Node node = root;
      for (int i = 0; i < token.text().length(); i++) {
        node = node.next.computeIfAbsent(token.text().charAt(i), _ -> new Node());
      }
      node.ends.add(token);
      firstCharacters.set(token.text().charAt(0));
    }
  }

  /** Whether there is nothing to match. */
  public boolean isEmpty() {
    return firstCharacters.isEmpty();
  }

  /**
   * Hands the fragments of text[start, end) to the sink; empty text between tokens is left out.
   *
   * @param parseSpecial whether special tokens match, too
   */
  public void split(String text, int start, int end, boolean parseSpecial, Sink sink) {
    int textStart = start;
    int at = start;
    while (at < end) {
      AddedToken token =
          firstCharacters.get(text.charAt(at)) ? longest(text, at, end, parseSpecial) : null;
      if (token == null) {
        at++;
        continue;
      }
      int textEnd = at;
      if (token.stripLeft()) {
        while (textEnd > textStart && CharClass.isSpace(text.charAt(textEnd - 1))) {
          textEnd--;
        }
      }
      if (textEnd > textStart) {
        sink.text(textStart, textEnd);
      }
      sink.token(token.id());
      at += token.text().length();
      if (token.stripRight()) {
        while (at < end && CharClass.isSpace(text.charAt(at))) {
          at++;
        }
      }
      textStart = at;
    }
    if (textStart < end) {
      sink.text(textStart, end);
    }
  }

  private @org.jspecify.annotations.Nullable AddedToken longest(
      String text, int at, int end, boolean parseSpecial) {
    AddedToken found = null;
    Node node = root;
    for (int i = at; i < end; i++) {
      node = node.next.get(text.charAt(i));
      if (node == null) {
        break;
      }
      for (AddedToken token : node.ends) {
        if ((parseSpecial || !token.special()) && fits(token, text, at, i + 1)) {
          found = token;
          break;
        }
      }
    }
    return found;
  }

  private static boolean fits(AddedToken token, String text, int from, int to) {
    return !token.singleWord()
        || (from == 0 || !isWord(text.codePointBefore(from)))
            && (to == text.length() || !isWord(text.codePointAt(to)));
  }

  /** Unicode's {@code \w}: letters, marks, digits, connectors and the joiners between letters. */
  private static boolean isWord(int codePoint) {
    return Character.isAlphabetic(codePoint)
        || CharClass.of(codePoint) == CharClass.MARK
        || Character.getType(codePoint) == Character.DECIMAL_DIGIT_NUMBER
        || Character.getType(codePoint) == Character.CONNECTOR_PUNCTUATION
        || codePoint == 0x200C
        || codePoint == 0x200D;
  }
}
