package dev.quire.engine.constrain;

import java.util.ArrayList;
import java.util.List;

/** Ranges of code points as sequences of byte ranges (RFC 3629, section 4). */
final class Utf8Ranges {
  private static final int[] LAST_OF_LENGTH = {0x7F, 0x7FF, 0xFFFF, CodePoints.LAST};

  private Utf8Ranges() {}

  /** Each sequence holds first and last value of every byte in turn. */
  static List<int[]> of(CodePoints set) {
    List<int[]> sequences = new ArrayList<>();
    for (int i = 0; i < set.ranges().size(); i += 2) {
      split(set.ranges().get(i), set.ranges().get(i + 1), sequences);
    }
    return sequences;
  }

  private static void split(int first, int last, List<int[]> out) {
    for (int end : LAST_OF_LENGTH) {
      if (first <= end && last > end) {
        split(first, end, out);
        split(end + 1, last, out);
        return;
      }
    }
    if (last <= 0x7F) {
      out.add(new int[] {first, last});
      return;
    }
    // Both have the same length here; bytes after the first one that differs must span all values.
    for (int bits = 6; bits <= 18; bits += 6) {
      int mask = (1 << bits) - 1;
      if ((first & ~mask) != (last & ~mask)) {
        if ((first & mask) != 0) {
          split(first, first | mask, out);
          split((first | mask) + 1, last, out);
          return;
        }
        if ((last & mask) != mask) {
          split(first, (last & ~mask) - 1, out);
          split(last & ~mask, last, out);
          return;
        }
      }
    }
    byte[] low = encode(first);
    byte[] high = encode(last);
    int[] sequence = new int[2 * low.length];
    for (int i = 0; i < low.length; i++) {
      sequence[2 * i] = low[i] & 0xFF;
      sequence[2 * i + 1] = high[i] & 0xFF;
    }
    out.add(sequence);
  }

  private static byte[] encode(int codePoint) {
    return new String(Character.toChars(codePoint))
        .getBytes(java.nio.charset.StandardCharsets.UTF_8);
  }
}
