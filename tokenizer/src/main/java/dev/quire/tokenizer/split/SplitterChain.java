package dev.quire.tokenizer.split;

import java.util.List;

/** Splitters one after another: each splits the pieces of the one before. */
public final class SplitterChain implements Splitter {
  private final List<Splitter> splitters;

  private SplitterChain(List<Splitter> splitters) {
    this.splitters = List.copyOf(splitters);
  }

  /** The splitter that applies all of these in order. */
  public static Splitter of(List<Splitter> splitters) {
    return switch (splitters.size()) {
      case 0 -> Splitter.whole();
      case 1 -> splitters.getFirst();
      default -> new SplitterChain(splitters);
    };
  }

  @Override
  public void split(String text, int start, int end, boolean atStart, Sink sink) {
    step(0, text, start, end, atStart, sink);
  }

  private void step(int index, String text, int start, int end, boolean atStart, Sink sink) {
    if (index == splitters.size()) {
      sink.accept(text, start, end, atStart);
      return;
    }
    splitters
        .get(index)
        .split(
            text,
            start,
            end,
            atStart,
            (piece, from, to, first) -> step(index + 1, piece, from, to, first, sink));
  }
}
