package dev.quire.tokenizer.model;

import dev.quire.tokenizer.text.ByteTable;
import dev.quire.tokenizer.text.Utf8Buffer;
import org.jspecify.annotations.Nullable;

/**
 * WordPiece (Schuster and Nakajima, 2012): the longest token that starts a word, then again and
 * again the longest that continues it; a word that does not come out is one unknown token.
 */
public final class WordPieceModel implements SubwordModel {
  private final ByteTable starting;
  private final ByteTable continuing;
  private final int unknown;
  private final int longestWord;

  /**
   * @param starting the text of each token that may start a word; null for the others
   * @param continuing the text of each token that may continue a word, without its mark
   * @param longestWord words of more characters are unknown unseen
   */
  public WordPieceModel(
      byte[] @Nullable [] starting, byte[] @Nullable [] continuing, int unknown, int longestWord) {
    this.starting = new ByteTable(starting);
    this.continuing = new ByteTable(continuing);
    this.unknown = unknown;
    this.longestWord = longestWord;
  }

  @Override
  public void encode(String text, int start, int end, Workspace work) {
    if (text.codePointCount(start, end) > longestWord) {
      work.ids().add(unknown);
      return;
    }
    Utf8Buffer piece = work.piece();
    piece.set(text, start, end);
    int before = work.ids().size();
    int at = 0;
    while (at < piece.length()) {
      int next = longest(at == 0 ? starting : continuing, piece, at, work);
      if (next == at) {
        work.ids().truncate(before);
        work.ids().add(unknown);
        return;
      }
      at = next;
    }
  }

  private static int longest(ByteTable table, Utf8Buffer piece, int at, Workspace work) {
    for (int end = Math.min(piece.length(), at + table.longest()); end > at; end--) {
      int id = table.find(piece.bytes(), at, end);
      if (id >= 0) {
        work.ids().add(id);
        return end;
      }
    }
    return at;
  }
}
