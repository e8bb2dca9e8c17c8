package dev.quire.tokenizer.split;

import dev.quire.tokenizer.TokenizerException;

/**
 * A text that can be looked at so often and no more. The patterns of a vocabulary come from
 * strangers, and the JDK's engine tries some of them exponentially often.
 */
public final class BoundedText implements CharSequence {
  private static final long LOOKS_A_CHARACTER = 2000;
  private static final long LOOKS = 1_000_000;

  private final String text;
  private long left;

  public BoundedText(String text) {
    this.text = text;
    left = LOOKS + LOOKS_A_CHARACTER * text.length();
  }

  @Override
  public char charAt(int index) {
    if (--left < 0) {
      throw new TokenizerException(
          "a pattern of the vocabulary takes too long on a text of %d characters; it was stopped"
              .formatted(text.length()));
    }
    return text.charAt(index);
  }

  @Override
  public int length() {
    return text.length();
  }

  @Override
  public CharSequence subSequence(int start, int end) {
    return text.substring(start, end);
  }

  @Override
  public String toString() {
    return text;
  }
}
