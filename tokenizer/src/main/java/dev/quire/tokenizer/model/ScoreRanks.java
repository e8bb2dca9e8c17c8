package dev.quire.tokenizer.model;

import dev.quire.tokenizer.text.ByteTable;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The merges of a SentencePiece BPE vocabulary, which lists tokens with scores and no merges: two
 * neighbours merge when their joint text is a token, the highest score first.
 */
final class ScoreRanks implements PairRanks {
  private final ByteTable vocabulary;
  private final int[] rankOf;

  ScoreRanks(ByteTable vocabulary, float[] scores) {
    this.vocabulary = vocabulary;
    rankOf = new int[scores.length];
    int[] order =
        IntStream.range(0, scores.length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer id) -> -scores[id]))
            .mapToInt(Integer::intValue)
            .toArray();
    int rank = 0;
    for (int i = 0; i < order.length; i++) {
      if (i > 0 && scores[order[i]] != scores[order[i - 1]]) {
        rank++;
      }
      rankOf[order[i]] = rank;
    }
  }

  @Override
  public long rank(byte[] bytes, int from, int to, int left, int right) {
    int merged = vocabulary.find(bytes, from, to);
    return merged < 0 ? NONE : (long) rankOf[merged] << 32 | merged;
  }
}
