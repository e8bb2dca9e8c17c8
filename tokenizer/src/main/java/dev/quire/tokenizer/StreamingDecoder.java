package dev.quire.tokenizer;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Turns ids that arrive one by one into text, never emitting half a UTF-8 character: bytes of an
 * unfinished character wait for the rest. For one thread at a time; a new one for each text.
 *
 * <p>Where a tokenizer.json spells bytes as tokens, a run of them that is no UTF-8 is one
 * replacement character a byte, those included that would be characters by themselves. A whole text
 * is decoded so; a stream emits each character as it is complete.
 */
public final class StreamingDecoder {
  private final Vocabulary vocabulary;
  private final boolean skipSpecial;
  private final boolean holdsTrailingSpace;
  private byte[] pending = new byte[64];
  private int length;
  private int spacesToDrop;
  private boolean first = true;

  /** Whether a run of byte tokens waits for its end. */
  private final boolean holdsRuns;

  /** Where the run of byte tokens at the end of what is pending begins; -1 for none. */
  private int runStart = -1;

  /**
   * @param holdsRuns whether runs of byte tokens wait for their end, as they must for a whole text
   */
  StreamingDecoder(Vocabulary vocabulary, boolean skipSpecial, boolean holdsRuns) {
    this.vocabulary = vocabulary;
    this.skipSpecial = skipSpecial;
    this.holdsRuns = holdsRuns;
    spacesToDrop = vocabulary.edges().leadingSpaces();
    holdsTrailingSpace = vocabulary.edges().dropTrailingSpace();
  }

  /**
   * Takes the next id and returns the text that became certain with it, possibly empty.
   *
   * @throws TokenizerException for an id outside the vocabulary
   */
  public String accept(int id) {
    if (skipSpecial && vocabulary.isSpecial(id)) {
      return "";
    }
    byte[] bytes = first ? vocabulary.firstBytes(id) : vocabulary.bytes(id);
    first = false;
    if (holdsRuns && vocabulary.isByte(id)) {
      runStart = runStart < 0 ? length : runStart;
      append(bytes, 0);
      return "";
    }
    endRun();
    appendStripped(bytes);
    int certain = length - unfinished(pending, length);
    if (holdsTrailingSpace && certain == length && certain > 0 && pending[certain - 1] == ' ') {
      certain--;
    }
    return take(certain);
  }

  /** Ends the text: what was still waiting, with U+FFFD for a character that stayed unfinished. */
  public String finish() {
    endRun();
    if (holdsTrailingSpace && length > 0 && pending[length - 1] == ' ') {
      length--;
    }
    return take(length);
  }

  /** A run of byte tokens that is no UTF-8 becomes replacement characters. */
  private void endRun() {
    if (runStart < 0) {
      return;
    }
    byte[] run = Arrays.copyOfRange(pending, runStart, length);
    length = runStart;
    runStart = -1;
    appendStripped(
        isUtf8(run) ? run : "\uFFFD".repeat(run.length).getBytes(StandardCharsets.UTF_8));
  }

  private static boolean isUtf8(byte[] bytes) {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
      return true;
    } catch (CharacterCodingException _) {
      return false;
    }
  }

  /** Appends bytes without the spaces that are dropped from the start of a text. */
  private void appendStripped(byte[] bytes) {
    int from = 0;
    while (spacesToDrop > 0 && from < bytes.length) {
      if (bytes[from] == ' ') {
        from++;
        spacesToDrop--;
      } else {
        spacesToDrop = 0;
      }
    }
    append(bytes, from);
  }

  private void append(byte[] bytes, int from) {
    int more = bytes.length - from;
    if (length + more > pending.length) {
      pending = Arrays.copyOf(pending, Math.max(pending.length * 2, length + more));
    }
    System.arraycopy(bytes, from, pending, length, more);
    length += more;
  }

  private String take(int count) {
    // The JDK takes the three bytes of a surrogate for one error; Unicode counts three, and only
    // then does the text not depend on how its bytes were spread over tokens. 0xFF is always one.
    for (int i = 0; i + 1 < count; i++) {
      if ((pending[i] & 0xFF) == 0xED && (pending[i + 1] & 0xE0) == 0xA0) {
        pending[i] = (byte) 0xFF;
      }
    }
    String text = new String(pending, 0, count, StandardCharsets.UTF_8);
    System.arraycopy(pending, count, pending, 0, length - count);
    length -= count;
    return text;
  }

  /** How many bytes at the end begin a character that more bytes could still complete: 0 … 3. */
  private static int unfinished(byte[] bytes, int length) {
    for (int back = 1; back <= Math.min(3, length); back++) {
      int b = bytes[length - back] & 0xFF;
      if (b >= 0xC0) {
        int needed = b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
        boolean possible =
            b >= 0xC2 && b <= 0xF4 && secondFits(b, bytes, length - back + 1, length);
        return needed > back && possible ? back : 0;
      }
      if (b < 0x80) {
        return 0;
      }
    }
    return 0;
  }

  /** Whether the byte after the lead, if it is there, is one that UTF-8 allows (RFC 3629). */
  private static boolean secondFits(int lead, byte[] bytes, int at, int length) {
    if (at >= length) {
      return true;
    }
    int second = bytes[at] & 0xFF;
    return switch (lead) {
      case 0xE0 -> second >= 0xA0;
      case 0xED -> second < 0xA0;
      case 0xF0 -> second >= 0x90;
      case 0xF4 -> second < 0x90;
      default -> true;
    };
  }
}
