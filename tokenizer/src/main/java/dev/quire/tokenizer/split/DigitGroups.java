package dev.quire.tokenizer.split;

/**
 * Cuts numbers into groups of three digits from the right, as {@code (?=(\d{3})+(?!\d))} does,
 * which as a regular expression looks at the rest of a number from each of its digits.
 */
final class DigitGroups implements Splitter {
  static final String PATTERN = "(?=(\\d{3})+(?!\\d))";
  private static final int GROUP = 3;

  @Override
  public void split(String text, int start, int end, boolean atStart, Sink sink) {
    int open = start;
    int at = start;
    while (at < end) {
      int next = at;
      int digits = 0;
      while (next < end && isDigit(text, next, end)) {
        next += PatternSplitter.width(text, next, end);
        digits++;
      }
      for (int left = digits; at < next; left--) {
        if (left % GROUP == 0 && at > open) {
          sink.accept(text, open, at, atStart && open == start);
          open = at;
        }
        at += PatternSplitter.width(text, at, end);
      }
      at = digits == 0 ? at + PatternSplitter.width(text, at, end) : at;
    }
    if (open < end) {
      sink.accept(text, open, end, atStart && open == start);
    }
  }

  private static boolean isDigit(String text, int at, int end) {
    return Character.getType(PatternSplitter.codePoint(text, at, end))
        == Character.DECIMAL_DIGIT_NUMBER;
  }
}
