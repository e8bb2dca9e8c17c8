package dev.quire.tokenizer.model;

import dev.quire.tokenizer.text.ByteTable;
import dev.quire.tokenizer.text.IntList;
import dev.quire.tokenizer.text.Utf8Buffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The unigram language model (Kudo, 2018): of all ways to cut a piece into tokens, the one with the
 * greatest sum of log probabilities, found by Viterbi's algorithm over character boundaries.
 */
public final class UnigramModel implements SubwordModel {
  /**
   * How much worse an unknown character is than the least likely token, as SentencePiece has it.
   */
  private static final double UNKNOWN_PENALTY = 10;

  private final ByteTable vocabulary;
  private final double[] scores;
  private final double unknownScore;
  private final int unknown;
  private final int @Nullable [] byteTokens;

  /**
   * @param keys the text of each token in UTF-8; null where text never becomes that token
   * @param scores log probability of each token
   * @param unknown id of what no token covers, -1 to leave it out
   * @param byteTokens the token of each byte, for characters without a token; or null
   */
  public UnigramModel(
      byte[] @Nullable [] keys, double[] scores, int unknown, int @Nullable [] byteTokens) {
    vocabulary = new ByteTable(keys);
    this.scores = scores;
    this.unknown = unknown;
    this.byteTokens = byteTokens;
    double least = 0;
    for (int id = 0; id < keys.length; id++) {
      if (keys[id] != null) {
        least = Math.min(least, scores[id]);
      }
    }
    unknownScore = least - UNKNOWN_PENALTY;
  }

  @Override
  public void encode(String text, int start, int end, Workspace work) {
    Utf8Buffer piece = work.piece();
    piece.set(text, start, end);
    byte[] bytes = piece.bytes();
    int length = piece.length();
    double[] best = new double[length + 1];
    int[] from = new int[length + 1];
    int[] token = new int[length + 1];
    Arrays.fill(from, -1);
    for (int at = 0; at < length; at += Utf8Buffer.sequenceLength(bytes[at])) {
      extend(bytes, at, length, best, from, token);
    }
    emit(bytes, length, from, token, work.ids());
  }

  private void extend(byte[] bytes, int at, int length, double[] best, int[] from, int[] token) {
    int firstEnd = at + Utf8Buffer.sequenceLength(bytes[at]);
    boolean single = false;
    int limit = Math.min(length, at + vocabulary.longest());
    int hash = 0;
    int end = at;
    while (end < limit) {
      int next = end + Utf8Buffer.sequenceLength(bytes[end]);
      if (next > limit) {
        break;
      }
      for (; end < next; end++) {
        hash = 31 * hash + bytes[end];
      }
      int id = vocabulary.find(bytes, at, end, hash);
      if (id >= 0) {
        offer(best[at] + scores[id], at, end, id, best, from, token);
        single |= end == firstEnd;
      }
    }
    if (!single) {
      offer(best[at] + unknownScore, at, firstEnd, -1, best, from, token);
    }
  }

  private static void offer(
      double score, int at, int end, int id, double[] best, int[] from, int[] token) {
    if (from[end] < 0 || score > best[end]) {
      best[end] = score;
      from[end] = at;
      token[end] = id;
    }
  }

  private void emit(byte[] bytes, int length, int[] from, int[] token, IntList out) {
    int steps = 0;
    for (int end = length; end > 0; end = from[end]) {
      steps++;
    }
    int[] ends = new int[steps];
    for (int end = length; end > 0; end = from[end]) {
      ends[--steps] = end;
    }
    boolean unknownBefore = false;
    for (int end : ends) {
      if (token[end] >= 0) {
        out.add(token[end]);
        unknownBefore = false;
        continue;
      }
      if (byteTokens != null && addBytes(bytes, from[end], end, byteTokens, out)) {
        continue;
      }
      if (unknown >= 0 && !unknownBefore) {
        out.add(unknown);
      }
      unknownBefore = true;
    }
  }

  private static boolean addBytes(byte[] bytes, int from, int end, int[] byteTokens, IntList out) {
    for (int k = from; k < end; k++) {
      if (byteTokens[bytes[k] & 0xFF] < 0) {
        return false;
      }
    }
    for (int k = from; k < end; k++) {
      out.add(byteTokens[bytes[k] & 0xFF]);
    }
    return true;
  }
}
