package dev.quire.tokenizer.text;

import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.RandomAccess;

/**
 * Strings kept in UTF-8 and made when asked for: a process asks for few of a vocabulary's. Not
 * modifiable.
 */
public final class Utf8Strings extends AbstractList<String> implements RandomAccess {
  private final byte[][] utf8;

  /**
   * @param utf8 stays in use
   */
  public Utf8Strings(byte[][] utf8) {
    this.utf8 = utf8;
  }

  @Override
  public String get(int index) {
    return new String(utf8[index], StandardCharsets.UTF_8);
  }

  @Override
  public int size() {
    return utf8.length;
  }
}
