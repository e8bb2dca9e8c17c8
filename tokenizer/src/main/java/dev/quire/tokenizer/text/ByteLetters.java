package dev.quire.tokenizer.text;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The printable letters that byte-level vocabularies write bytes with (GPT-2): printable bytes of
 * Latin-1 stand for themselves, the others for U+0100, U+0101, … in order.
 */
public final class ByteLetters {
  private static final char[] LETTER = letters();
  private static final short[] BYTE = bytes();

  private ByteLetters() {}

  private static char[] letters() {
    char[] letters = new char[256];
    char next = 0x100;
    for (int b = 0; b < 256; b++) {
      boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
      letters[b] = printable ? (char) b : next++;
    }
    return letters;
  }

  private static short[] bytes() {
    short[] bytes = new short[0x144];
    java.util.Arrays.fill(bytes, (short) -1);
    for (int b = 0; b < 256; b++) {
      bytes[LETTER[b]] = (short) b;
    }
    return bytes;
  }

  /** The letter of a byte (0 … 255). */
  public static char letter(int unsignedByte) {
    return LETTER[unsignedByte];
  }

  /** The bytes that {@code token} spells, or null if a character of it stands for no byte. */
  public static byte @Nullable [] bytes(String token) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = token.charAt(i);
      if (c >= BYTE.length || BYTE[c] < 0) {
        return null;
      }
      bytes[i] = (byte) BYTE[c];
    }
    return bytes;
  }

  /** The spelling of a text's UTF-8 bytes. */
  public static String spell(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    char[] letters = new char[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      letters[i] = LETTER[bytes[i] & 0xFF];
    }
    return new String(letters);
  }
}
