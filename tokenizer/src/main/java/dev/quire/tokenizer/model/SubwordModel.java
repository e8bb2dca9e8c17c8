package dev.quire.tokenizer.model;

/** Encodes one piece of text. Implementations are safe for use by many threads at once. */
public sealed interface SubwordModel
    permits BpeModel, UnigramModel, WordPieceModel, WordLevelModel {

  /** Appends the ids of text[start, end) to {@link Workspace#ids}. */
  void encode(String text, int start, int end, Workspace work);
}
