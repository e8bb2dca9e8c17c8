package dev.quire.tokenizer.text;

import java.util.Arrays;

/**
 * The UTF-8 bytes of a piece of text, reused from piece to piece, with the hash that {@link
 * ByteTable} uses.
 */
public final class Utf8Buffer {
  private byte[] bytes = new byte[256];
  private int length;
  private int hash;

  /** Replaces the contents by text[start, end); unpaired surrogates become U+FFFD. */
  public void set(String text, int start, int end) {
    int room = Math.multiplyExact(end - start, 3);
    if (bytes.length < room) {
      bytes = new byte[Math.max(room, (int) Math.min(Integer.MAX_VALUE - 16L, bytes.length * 2L))];
    }
    byte[] out = bytes;
    int at = 0;
    int h = 0;
    for (int i = start; i < end; i++) {
      char c = text.charAt(i);
      if (c < 0x80) {
        out[at++] = (byte) c;
        h = 31 * h + c;
        continue;
      }
      int before = at;
      at = putWide(out, at, text, i, end, c);
      if (at - before == 4) {
        i++;
      }
      for (int k = before; k < at; k++) {
        h = 31 * h + out[k];
      }
    }
    length = at;
    hash = h;
  }

  private static int putWide(byte[] out, int at, String text, int i, int end, char c) {
    int codePoint = c;
    if (Character.isSurrogate(c)) {
      boolean paired =
          Character.isHighSurrogate(c)
              && i + 1 < end
              && Character.isLowSurrogate(text.charAt(i + 1));
      codePoint = paired ? Character.toCodePoint(c, text.charAt(i + 1)) : 0xFFFD;
    }
    if (codePoint < 0x800) {
      out[at++] = (byte) (0xC0 | codePoint >> 6);
    } else {
      if (codePoint < 0x10000) {
        out[at++] = (byte) (0xE0 | codePoint >> 12);
      } else {
        out[at++] = (byte) (0xF0 | codePoint >> 18);
        out[at++] = (byte) (0x80 | codePoint >> 12 & 0x3F);
      }
      out[at++] = (byte) (0x80 | codePoint >> 6 & 0x3F);
    }
    out[at++] = (byte) (0x80 | codePoint & 0x3F);
    return at;
  }

  /** The buffer itself; valid up to {@link #length}, until the next {@link #set}. */
  public byte[] bytes() {
    return bytes;
  }

  public int length() {
    return length;
  }

  /** {@link ByteTable#hash} of the contents. */
  public int hash() {
    return hash;
  }

  public byte[] copy() {
    return Arrays.copyOf(bytes, length);
  }

  /** Length in bytes of the UTF-8 sequence that starts with {@code lead}. */
  public static int sequenceLength(byte lead) {
    if (lead >= 0) {
      return 1;
    }
    int unsigned = lead & 0xFF;
    return unsigned < 0xE0 ? 2 : unsigned < 0xF0 ? 3 : 4;
  }
}
