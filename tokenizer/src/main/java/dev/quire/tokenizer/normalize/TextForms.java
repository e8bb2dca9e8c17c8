package dev.quire.tokenizer.normalize;

import dev.quire.tokenizer.text.CharClass;

/** Normal forms that the JDK has no call for. */
public final class TextForms {
  private TextForms() {}

  /** Lower case, each character by itself: a final capital sigma becomes the common small one. */
  public static String lowercase(String text) {
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      if (c == 0x130) {
        out.append("i\u0307");
      } else {
        out.appendCodePoint(Character.toLowerCase(c));
      }
      i += Character.charCount(c);
    }
    return out.toString();
  }

  /** The text without combining marks of any kind. */
  public static String withoutAnyMarks(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints().filter(c -> CharClass.of(c) != CharClass.MARK).forEach(out::appendCodePoint);
    return out.toString();
  }

  /** The text without white space at the ends asked for. */
  public static String stripped(String text, boolean left, boolean right) {
    int start = 0;
    int end = text.length();
    while (left && start < end && CharClass.isSpace(text.charAt(start))) {
      start++;
    }
    while (right && end > start && CharClass.isSpace(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(start, end);
  }

  /** Control characters go, odd spaces become plain ones (the rules of SentencePiece's nmt). */
  public static String cleaned(String text) {
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean gone =
          c >= 1 && c <= 8
              || c == 0xB
              || c >= 0xE && c <= 0x1F
              || c == 0x7F
              || c == 0x8F
              || c == 0x9F;
      if (!gone) {
        out.append(isOddSpace(c) ? ' ' : c);
      }
    }
    return out.toString();
  }

  private static boolean isOddSpace(char c) {
    return switch (c) {
      case 0x9, 0xA, 0xC, 0xD, 0x1680, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD -> true;
      default -> c >= 0x200B && c <= 0x200F;
    };
  }
}
