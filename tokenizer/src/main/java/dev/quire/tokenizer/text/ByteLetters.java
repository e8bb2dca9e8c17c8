package dev.quire.tokenizer.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
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
    Arrays.fill(bytes, (short) -1);
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

  /** The same of a token in UTF-8; null also where that is malformed. */
  public static byte @Nullable [] bytesOfUtf8(byte[] token) {
    byte[] bytes = new byte[token.length];
    int n = 0;
    for (int i = 0; i < token.length; i++) {
      int letter = token[i];
      if (letter < 0) {
        // All letters take one or two bytes.
        int lead = letter & 0xFF;
        if (lead < 0xC2 || lead > 0xC5 || i + 1 == token.length || token[i + 1] >= (byte) 0xC0) {
          return null;
        }
        i++;
        letter = (lead & 0x1F) << 6 | (token[i] & 0x3F);
      }
      if (letter >= BYTE.length || BYTE[letter] < 0) {
        return null;
      }
      bytes[n++] = (byte) BYTE[letter];
    }
    return n == bytes.length ? bytes : Arrays.copyOf(bytes, n);
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
