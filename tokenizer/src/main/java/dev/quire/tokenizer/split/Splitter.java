package dev.quire.tokenizer.split;

/**
 * Cuts text into pieces. Pieces arrive at the sink in order; together they cover the text unless
 * the splitter drops separators by design.
 */
public interface Splitter {

  /** Takes pieces as ranges of a text, which need not be the text that was split. */
  interface Sink {
    /**
     * @param atStart whether the piece starts where the whole input started
     */
    void accept(String text, int start, int end, boolean atStart);
  }

  /** Splits text[start, end). */
  void split(String text, int start, int end, boolean atStart, Sink sink);

  /** The splitter that leaves the text whole. */
  static Splitter whole() {
    return (text, start, end, atStart, sink) -> {
      if (end > start) {
        sink.accept(text, start, end, atStart);
      }
    };
  }
}
