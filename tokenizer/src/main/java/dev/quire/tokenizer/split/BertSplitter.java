package dev.quire.tokenizer.split;

import dev.quire.tokenizer.text.CharClass;

/** BERT's words: split at white space, which is dropped; each punctuation character by itself. */
public final class BertSplitter implements Splitter {

  @Override
  public void split(String text, int start, int end, boolean atStart, Sink sink) {
    int word = start;
    int at = start;
    while (at < end) {
      int c = PatternSplitter.codePoint(text, at, end);
      int next = at + Character.charCount(c);
      boolean space = CharClass.isSpace(c);
      if (space || isPunctuation(c)) {
        if (at > word) {
          sink.accept(text, word, at, atStart && word == start);
        }
        if (!space) {
          sink.accept(text, at, next, atStart && at == start);
        }
        word = next;
      }
      at = next;
    }
    if (end > word) {
      sink.accept(text, word, end, atStart && word == start);
    }
  }

  /** Unicode punctuation and every ASCII symbol. */
  static boolean isPunctuation(int c) {
    return c < 128
        ? c >= '!' && c <= '/'
            || c >= ':' && c <= '@'
            || c >= '[' && c <= '`'
            || c >= '{' && c <= '~'
        : CharClass.isPunctuation(c);
  }
}
