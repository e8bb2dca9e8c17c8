package dev.quire.tokenizer.text;

/** The classes of characters that pre-tokenizers tell apart, as Unicode defines them. */
public final class CharClass {
  public static final int OTHER = 0;

  /** {@code \p{L}}. */
  public static final int LETTER = 1;

  /** {@code \p{N}}. */
  public static final int NUMBER = 2;

  /** White_Space, the {@code \s} of regular expressions over Unicode. */
  public static final int SPACE = 3;

  /** {@code \p{M}}; told apart from OTHER only where a caller asks. */
  public static final int MARK = 4;

  private static final byte[] ASCII = ascii();

  private CharClass() {}

  private static byte[] ascii() {
    byte[] classes = new byte[128];
    for (int c = 0; c < 128; c++) {
      classes[c] = (byte) slow(c);
    }
    return classes;
  }

  /** The class of a code point. */
  public static int of(int codePoint) {
    return codePoint < 128 ? ASCII[codePoint] : slow(codePoint);
  }

  private static int slow(int codePoint) {
    if (isSpace(codePoint)) {
      return SPACE;
    }
    return switch (Character.getType(codePoint)) {
      case Character.UPPERCASE_LETTER,
          Character.LOWERCASE_LETTER,
          Character.TITLECASE_LETTER,
          Character.MODIFIER_LETTER,
          Character.OTHER_LETTER ->
          LETTER;
      case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
          NUMBER;
      case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK ->
          MARK;
      default -> OTHER;
    };
  }

  /** The Unicode property White_Space. */
  public static boolean isSpace(int c) {
    return c == ' '
        || c >= '\t' && c <= '\r'
        || c >= 0x85
            && (c == 0x85
                || c == 0xA0
                || c == 0x1680
                || c >= 0x2000 && c <= 0x200A
                || c == 0x2028
                || c == 0x2029
                || c == 0x202F
                || c == 0x205F
                || c == 0x3000);
  }

  /** {@code \p{P}}. */
  public static boolean isPunctuation(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONNECTOR_PUNCTUATION,
          Character.DASH_PUNCTUATION,
          Character.START_PUNCTUATION,
          Character.END_PUNCTUATION,
          Character.INITIAL_QUOTE_PUNCTUATION,
          Character.FINAL_QUOTE_PUNCTUATION,
          Character.OTHER_PUNCTUATION ->
          true;
      default -> false;
    };
  }
}
