package dev.quire.tokenizer.split;

/** Splits before each mark that follows something else: {@code a▁▁b▁c} into a, ▁▁b, ▁c. */
public record MarkSplitter(char mark) implements Splitter {

  @Override
  public void split(String text, int start, int end, boolean atStart, Sink sink) {
    int piece = start;
    for (int at = start + 1; at < end; at++) {
      if (text.charAt(at) == mark && text.charAt(at - 1) != mark) {
        sink.accept(text, piece, at, atStart && piece == start);
        piece = at;
      }
    }
    if (end > piece) {
      sink.accept(text, piece, end, atStart && piece == start);
    }
  }

  /**
   * Whether the vocabulary allows cutting there: no token holds the mark after something else, so
   * that no token can reach across a cut.
   */
  public static boolean isSafe(Iterable<String> tokens, char mark) {
    for (String token : tokens) {
      for (int at = 1; at < token.length(); at++) {
        if (token.charAt(at) == mark && token.charAt(at - 1) != mark) {
          return false;
        }
      }
    }
    return true;
  }
}
