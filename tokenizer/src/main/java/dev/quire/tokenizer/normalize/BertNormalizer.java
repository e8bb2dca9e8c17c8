package dev.quire.tokenizer.normalize;

import dev.quire.tokenizer.text.CharClass;
import java.text.Normalizer.Form;

/**
 * BERT's cleaning: control characters go, every white space becomes a space, ideographs get spaces
 * around them, accents and capitals go where asked.
 */
public record BertNormalizer(
    boolean cleanText, boolean spaceIdeographs, boolean stripAccents, boolean lowercase)
    implements Normalizer {
  private static final NormalForm DECOMPOSED = new NormalForm(Form.NFD);

  @Override
  public String normalize(String text) {
    StringBuilder out = new StringBuilder(text.length() + 16);
    text.codePoints().forEach(c -> clean(c, out));
    String result = out.toString();
    if (stripAccents) {
      result = withoutMarks(DECOMPOSED.normalize(result));
    }
    return lowercase ? TextForms.lowercase(result) : result;
  }

  private void clean(int c, StringBuilder out) {
    if (cleanText) {
      if (c == 0 || c == 0xFFFD || isControl(c)) {
        return;
      }
      if (CharClass.isSpace(c)) {
        out.append(' ');
        return;
      }
    }
    if (spaceIdeographs && isIdeograph(c)) {
      out.append(' ').appendCodePoint(c).append(' ');
    } else {
      out.appendCodePoint(c);
    }
  }

  private static boolean isControl(int c) {
    if (c == '\t' || c == '\n' || c == '\r') {
      return false;
    }
    return switch (Character.getType(c)) {
      case Character.CONTROL, Character.FORMAT, Character.PRIVATE_USE, Character.SURROGATE -> true;
      default -> false;
    };
  }

  private static boolean isIdeograph(int c) {
    return c >= 0x4E00 && c <= 0x9FFF
        || c >= 0x3400 && c <= 0x4DBF
        || c >= 0x20000 && c <= 0x2A6DF
        || c >= 0x2A700 && c <= 0x2B73F
        || c >= 0x2B740 && c <= 0x2B81F
        || c >= 0x2B920 && c <= 0x2CEAF
        || c >= 0xF900 && c <= 0xFAFF
        || c >= 0x2F800 && c <= 0x2FA1F;
  }

  /** The text without its non-spacing marks. */
  public static String withoutMarks(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints()
        .filter(c -> Character.getType(c) != Character.NON_SPACING_MARK)
        .forEach(out::appendCodePoint);
    return out.toString();
  }
}
