package dev.quire.tokenizer.normalize;

/** The space rules of SentencePiece vocabularies, which write spaces as {@code ▁} (U+2581). */
public final class Spaces {
  /** What stands for a space. */
  public static final char MARK = '▁';

  private Spaces() {}

  /**
   * Spaces become marks.
   *
   * @param prefix whether a mark is put before the text
   */
  public static Normalizer marked(boolean prefix) {
    return text -> (prefix ? MARK : "") + text.replace(' ', MARK);
  }

  /** Runs of spaces become one, those at the ends go. */
  public static Normalizer collapsed() {
    return text -> {
      StringBuilder out = new StringBuilder(text.length());
      for (int i = 0; i < text.length(); i++) {
        char c = text.charAt(i);
        if (c != ' ' || !out.isEmpty() && out.charAt(out.length() - 1) != ' ') {
          out.append(c);
        }
      }
      int length = out.length();
      if (length > 0 && out.charAt(length - 1) == ' ') {
        out.setLength(length - 1);
      }
      return out.toString();
    };
  }
}
