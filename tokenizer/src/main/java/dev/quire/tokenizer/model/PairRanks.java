package dev.quire.tokenizer.model;

/** Which neighbouring symbols merge, and how soon. */
sealed interface PairRanks permits PairTable, ScoreRanks {
  /** What {@link #rank} returns for a pair that does not merge. */
  long NONE = Long.MAX_VALUE;

  /**
   * The merge of two symbols that lie next to each other in {@code bytes[from, to)}.
   *
   * @param left id of the first symbol, or -1 if it is not in the vocabulary
   * @param right id of the second
   * @return rank (lower merges sooner) in the upper 32 bits, id of the merged symbol in the lower;
   *     or {@link #NONE}
   */
  long rank(byte[] bytes, int from, int to, int left, int right);
}
