package dev.quire.tokenizer.split;

import dev.quire.tokenizer.text.CharClass;

/**
 * The splitting patterns of the GPT family as a hand-written matcher, since a regular expression
 * engine takes ten times as long over them. Three shapes cover nearly all byte-level vocabularies:
 *
 * <pre>
 * GPT-2     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * Llama 3   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}
 *           | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 * </pre>
 *
 * with letters that include marks or not. What no alternative matches cannot occur: they cover all
 * characters.
 */
public final class PatternSplitter implements Splitter {
  private final boolean gpt2;
  private final int digits;
  private final boolean marksAreLetters;

  private PatternSplitter(boolean gpt2, int digits, boolean marksAreLetters) {
    this.gpt2 = gpt2;
    this.digits = digits;
    this.marksAreLetters = marksAreLetters;
  }

  /** The GPT-2 pattern. */
  public static PatternSplitter gpt2() {
    return new PatternSplitter(true, Integer.MAX_VALUE, false);
  }

  /** The Llama-3 pattern with numbers of at most {@code digits} digits a piece. */
  public static PatternSplitter llama3(int digits, boolean marksAreLetters) {
    return new PatternSplitter(false, digits, marksAreLetters);
  }

  @Override
  public void split(String text, int start, int end, boolean atStart, Sink sink) {
    int at = start;
    while (at < end) {
      int next = gpt2 ? endOfGpt2(text, at, end) : endOfLlama3(text, at, end);
      sink.accept(text, at, next, atStart && at == start);
      at = next;
    }
  }

  private int endOfGpt2(String text, int at, int end) {
    char c = text.charAt(at);
    if (c == '\'') {
      int contraction = contraction(text, at, end, false);
      if (contraction > 0) {
        return at + contraction;
      }
    }
    int body = c == ' ' && at + 1 < end ? at + 1 : at;
    int kind = kind(text, body, end);
    return kind == CharClass.SPACE ? endOfSpace(text, at, end) : run(text, body, end, kind);
  }

  private int endOfLlama3(String text, int at, int end) {
    char c = text.charAt(at);
    if (c == '\'') {
      int contraction = contraction(text, at, end, true);
      if (contraction > 0) {
        return at + contraction;
      }
    }
    int kind = kind(text, at, end);
    if (kind == CharClass.LETTER) {
      return run(text, at, end, kind);
    }
    if (kind == CharClass.NUMBER) {
      int next = at;
      for (int n = 0; n < digits && next < end && kind(text, next, end) == kind; n++) {
        next += width(text, next, end);
      }
      return next;
    }
    int after = at + width(text, at, end);
    if (after < end && c != '\r' && c != '\n' && kind(text, after, end) == CharClass.LETTER) {
      return run(text, after, end, CharClass.LETTER);
    }
    int body = c == ' ' && after < end ? after : at;
    if (kind(text, body, end) == CharClass.OTHER) {
      int next = run(text, body, end, CharClass.OTHER);
      while (next < end && isNewline(text.charAt(next))) {
        next++;
      }
      return next;
    }
    return endOfLinesOrSpace(text, at, end);
  }

  /** {@code \s*[\r\n]+|\s+(?!\S)|\s+}: up to the last line end of the run, if it has one. */
  static int endOfLinesOrSpace(String text, int at, int end) {
    int next = at;
    int afterNewline = -1;
    while (next < end && CharClass.isSpace(text.charAt(next))) {
      if (isNewline(text.charAt(next))) {
        afterNewline = next + 1;
      }
      next++;
    }
    return afterNewline >= 0 ? afterNewline : beforeLast(at, next, end);
  }

  /** {@code \s+(?!\S)|\s+}: the last space before a word is left to the word. */
  static int endOfSpace(String text, int at, int end) {
    int next = at;
    while (next < end && CharClass.isSpace(text.charAt(next))) {
      next++;
    }
    return beforeLast(at, next, end);
  }

  private static int beforeLast(int at, int next, int end) {
    return next == end || next - at == 1 ? next : next - 1;
  }

  private int run(String text, int at, int end, int kind) {
    int next = at;
    while (next < end) {
      char c = text.charAt(next);
      if (c < 128) {
        if (CharClass.of(c) != kind) {
          return next;
        }
        next++;
      } else {
        if (kind(text, next, end) != kind) {
          return next;
        }
        next += width(text, next, end);
      }
    }
    return next;
  }

  private int kind(String text, int at, int end) {
    char c = text.charAt(at);
    if (c < 128) {
      return CharClass.of(c);
    }
    int kind = CharClass.of(codePoint(text, at, end));
    if (kind == CharClass.MARK) {
      return marksAreLetters ? CharClass.LETTER : CharClass.OTHER;
    }
    return kind;
  }

  static int codePoint(String text, int at, int end) {
    char c = text.charAt(at);
    if (Character.isHighSurrogate(c) && at + 1 < end) {
      char low = text.charAt(at + 1);
      if (Character.isLowSurrogate(low)) {
        return Character.toCodePoint(c, low);
      }
    }
    return c;
  }

  static int width(String text, int at, int end) {
    return codePoint(text, at, end) >= 0x10000 ? 2 : 1;
  }

  static boolean isNewline(char c) {
    return c == '\n' || c == '\r';
  }

  /** Length of {@code 's|'t|'re|'ve|'m|'ll|'d} at {@code at}, where an apostrophe stands, or 0. */
  static int contraction(String text, int at, int end, boolean ignoreCase) {
    if (at + 1 >= end) {
      return 0;
    }
    char first = fold(text.charAt(at + 1), ignoreCase);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') {
      return 2;
    }
    if (at + 2 >= end) {
      return 0;
    }
    char second = fold(text.charAt(at + 2), ignoreCase);
    boolean two =
        first == 'r' && second == 'e'
            || first == 'v' && second == 'e'
            || first == 'l' && second == 'l';
    return two ? 3 : 0;
  }

  /** Simple case folding of the letters that matter; the long s folds to s. */
  private static char fold(char c, boolean ignoreCase) {
    if (!ignoreCase) {
      return c;
    }
    return c == 0x17F ? 's' : c >= 'A' && c <= 'Z' ? (char) (c + 32) : c;
  }
}
