package dev.quire.tokenizer.normalize;

import dev.quire.tokenizer.TokenizerException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.text.BreakIterator;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * SentencePiece's precompiled character map: a double-array trie (Darts) from byte strings to
 * replacements, stored as the trie's size in bytes, its units of 32 bits, and the replacements,
 * each ended by a zero byte. The longest match at each place is replaced; the rest stays.
 */
public final class CharsMap implements Normalizer {
  private final int[] units;
  private final byte[] replacements;

  private CharsMap(int[] units, byte[] replacements) {
    this.units = units;
    this.replacements = replacements;
  }

  /**
   * Reads a map.
   *
   * @param field what the bytes were read from, for messages
   * @throws TokenizerException if the sizes do not fit together
   */
  public static Normalizer parse(byte[] bytes, String field) {
    if (bytes.length == 0) {
      return NONE;
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    long size = bytes.length < 4 ? -1 : Integer.toUnsignedLong(buffer.getInt());
    if (size < 4 || size % 4 != 0 || size > bytes.length - 4) {
      throw new TokenizerException(
          field + " is damaged: a trie of " + size + " bytes in " + bytes.length + " bytes");
    }
    int[] units = new int[(int) size / 4];
    buffer.asIntBuffer().get(units);
    return new CharsMap(units, Arrays.copyOfRange(bytes, 4 + (int) size, bytes.length));
  }

  @Override
  public String normalize(String text) {
    StringBuilder out = new StringBuilder(text.length());
    // Whole user-perceived characters are looked up first, as the reference implementation does.
    BreakIterator graphemes = BreakIterator.getCharacterInstance(Locale.ROOT);
    graphemes.setText(text);
    int start = graphemes.first();
    for (int end = graphemes.next(); end != BreakIterator.DONE; end = graphemes.next()) {
      append(text.substring(start, end), out);
      start = end;
    }
    return out.toString();
  }

  private void append(String grapheme, StringBuilder out) {
    byte[] bytes = grapheme.getBytes(StandardCharsets.UTF_8);
    String whole = bytes.length < 6 ? replacement(bytes) : null;
    if (whole != null) {
      out.append(whole);
      return;
    }
    for (int i = 0; i < grapheme.length(); ) {
      int end = grapheme.offsetByCodePoints(i, 1);
      String character = grapheme.substring(i, end);
      String part = replacement(character.getBytes(StandardCharsets.UTF_8));
      out.append(part != null ? part : character);
      i = end;
    }
  }

  /** The replacement of the shortest prefix of {@code key} that the trie knows, or null. */
  private @Nullable String replacement(byte[] key) {
    int node = offset(units[0]);
    for (byte b : key) {
      int label = b & 0xFF;
      if (label == 0) {
        return null;
      }
      node ^= label;
      if (node < 0 || node >= units.length || (units[node] & 0x800000FF) != label) {
        return null;
      }
      int unit = units[node];
      node ^= offset(unit);
      if ((unit >>> 8 & 1) == 1) {
        return node < 0 || node >= units.length ? null : text(units[node] & 0x7FFFFFFF);
      }
    }
    return null;
  }

  private static int offset(int unit) {
    return unit >>> 10 << ((unit & 0x200) >>> 6);
  }

  private @Nullable String text(int from) {
    if (from >= replacements.length) {
      return null;
    }
    int end = from;
    while (end < replacements.length && replacements[end] != 0) {
      end++;
    }
    return new String(replacements, from, end - from, StandardCharsets.UTF_8);
  }
}
