package dev.quire.tokenizer.split;

/**
 * SentencePiece's view of a text: spaces become marks, a mark is put before it, and each mark
 * starts a piece.
 *
 * @param prefix where a mark is put
 * @param cut whether the text is cut at the marks
 */
public record MetaspaceSplitter(String mark, Prefix prefix, boolean cut) implements Splitter {

  /** Which pieces get a mark before them, unless they have one. */
  public enum Prefix {
    NEVER,
    /** Only the one that the input starts with. */
    FIRST,
    ALWAYS
  }

  @Override
  public void split(String text, int start, int end, boolean atStart, Sink sink) {
    if (start == end) {
      return;
    }
    String marked = text.substring(start, end).replace(" ", mark);
    boolean wanted = prefix == Prefix.ALWAYS || prefix == Prefix.FIRST && atStart;
    if (wanted && !marked.startsWith(mark)) {
      marked = mark + marked;
    }
    int piece = 0;
    while (cut) {
      int next = marked.indexOf(mark, piece + 1);
      if (next < 0) {
        break;
      }
      sink.accept(marked, piece, next, atStart && piece == 0);
      piece = next;
    }
    sink.accept(marked, piece, marked.length(), atStart && piece == 0);
  }
}
