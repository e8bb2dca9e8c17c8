package dev.quire.tokenizer.model;

import dev.quire.tokenizer.text.ByteTable;
import dev.quire.tokenizer.text.Utf8Buffer;
import org.jspecify.annotations.Nullable;

/** Whole words or nothing: a piece is a token or unknown. */
public final class WordLevelModel implements SubwordModel {
  private final ByteTable vocabulary;
  private final int unknown;

  /**
   * @param keys the text of each token
   * @param unknown id of other words, -1 to leave them out
   */
  public WordLevelModel(byte[] @Nullable [] keys, int unknown) {
    vocabulary = new ByteTable(keys);
    this.unknown = unknown;
  }

  @Override
  public void encode(String text, int start, int end, Workspace work) {
    Utf8Buffer piece = work.piece();
    piece.set(text, start, end);
    int id = vocabulary.find(piece.bytes(), 0, piece.length(), piece.hash());
    if (id >= 0) {
      work.ids().add(id);
    } else if (unknown >= 0) {
      work.ids().add(unknown);
    }
  }
}
