package dev.quire.engine;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds stop strings in text that comes in pieces. Text that may be the beginning of one is held
 * back, and no more than that.
 */
final class StopMatcher {
  private final List<String> stops;
  private final boolean includeStop;
  private String held = "";
  private @Nullable String matched;

  StopMatcher(List<String> stops, boolean includeStop) {
    this.stops = stops;
    this.includeStop = includeStop;
  }

  /** The stop string that was found, or null. */
  @Nullable String matched() {
    return matched;
  }

  /**
   * Takes a piece and returns what is certain now; after a match, what stands before it.
   *
   * @param mayStop whether a match counts already
   */
  String accept(String piece, boolean mayStop) {
    if (stops.isEmpty() || piece.isEmpty()) {
      return piece;
    }
    String text = held + piece;
    if (mayStop) {
      int first = -1;
      for (String stop : stops) {
        int at = text.indexOf(stop);
        // Of two that begin together the longer one counts.
        boolean earlier = matched == null || at < first;
        if (at >= 0
            && (earlier || (at == first && stop.length() > String.valueOf(matched).length()))) {
          first = at;
          matched = stop;
        }
      }
      if (matched != null) {
        held = "";
        return text.substring(0, includeStop ? first + matched.length() : first);
      }
    }
    int keep = 0;
    for (String stop : stops) {
      keep = Math.max(keep, overlap(text, stop));
    }
    held = text.substring(text.length() - keep);
    return text.substring(0, text.length() - keep);
  }

  /** Length of the longest proper prefix of {@code stop} that ends {@code text}. */
  private static int overlap(String text, String stop) {
    for (int length = Math.min(text.length(), stop.length() - 1); length > 0; length--) {
      if (text.regionMatches(text.length() - length, stop, 0, length)) {
        return length;
      }
    }
    return 0;
  }

  /** Ends the text: what was held back stays. */
  String finish() {
    String rest = held;
    held = "";
    return rest;
  }
}
