package dev.quire.engine.sample;

import dev.quire.engine.SamplingParams;
import dev.quire.engine.TokenLogprobs;
import java.util.ArrayList;
import java.util.List;

/**
 * Chooses a token from a row of logits. Steps and their order are those of {@link SamplingParams};
 * a vocabulary is never sorted as a whole, and a token allocates nothing. Owned by one thread.
 *
 * <p>Weights are {@code exp((logit − max) / temperature)}, not normalised; a truncation divides by
 * the sum of what the earlier ones left.
 */
public final class Sampler {
  /** No token had a chance: every logit is −∞, or one is NaN or +∞. */
  public static final int IMPOSSIBLE = -1;

  // exp(−746) is zero in double precision.
  private static final double NEGLIGIBLE = -746;
  private static final int HEAP_LIMIT = 4096;

  private final int vocabulary;
  private final Candidates candidates = new Candidates();
  private final Candidates best = new Candidates();

  /**
   * @param vocabulary tokens that may be chosen: the first of each row
   */
  public Sampler(int vocabulary) {
    this.vocabulary = vocabulary;
  }

  /**
   * The token that follows {@code tokens[0 .. length)}.
   *
   * @param logits holds the row from {@code offset} on; is changed
   * @return a token id, or {@link #IMPOSSIBLE}
   */
  public int sample(float[] logits, int offset, SampleState state, int[] tokens, int length) {
    adjust(logits, offset, state, tokens, length);
    int top = argmax(logits, offset);
    if (top == IMPOSSIBLE || state.params.greedy()) {
      return top;
    }
    collect(logits, offset, logits[offset + top], state.params);
    keepTopP(state.params.topP());
    keepTypical(state.params.typicalP());
    return draw(Philox.uniform(state.seed, state.sample, length));
  }

  /**
   * Applies bias, bans and penalties to the row of the token that follows {@code tokens[0 ..
   * length)}.
   *
   * @param logits holds the row from {@code offset} on; is changed
   */
  public void adjust(float[] logits, int offset, SampleState state, int[] tokens, int length) {
    state.rules.apply(logits, offset, vocabulary, tokens, length, state.promptLength());
    state.constrain(logits, offset, vocabulary, tokens, length);
    state.penalise(logits, offset, tokens, length);
  }

  /** Tokens that may be chosen. */
  public int vocabulary() {
    return vocabulary;
  }

  /** The greatest logit's token, the first of equals. */
  private int argmax(float[] logits, int offset) {
    int top = IMPOSSIBLE;
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < vocabulary; i++) {
      float logit = logits[offset + i];
      if (logit > max) {
        max = logit;
        top = i;
      } else if (Float.isNaN(logit)) {
        return IMPOSSIBLE;
      }
    }
    return max == Float.POSITIVE_INFINITY ? IMPOSSIBLE : top;
  }

  /** Min-p and top-k work on the logits, so that only survivors cost an exponential. */
  private void collect(float[] logits, int offset, float max, SamplingParams params) {
    double temperature = params.temperature();
    double least = params.minP() > 0 ? Math.log(params.minP()) : NEGLIGIBLE;
    int k = params.topK();
    boolean few = k > 0 && k < vocabulary && k <= HEAP_LIMIT;
    candidates.clear();
    for (int i = 0; i < vocabulary; i++) {
      double exponent = ((double) logits[offset + i] - max) / temperature;
      if (exponent >= least) {
        if (few) {
          candidates.offer(i, exponent, k);
        } else {
          candidates.add(i, exponent);
        }
      }
    }
    if (k > 0 && k < candidates.size) {
      candidates.heapify();
      for (int i = 0; i < k; i++) {
        candidates.sinkBest(candidates.size - i);
      }
      candidates.keepSunk(k);
    } else if (few) {
      candidates.sort(); // the order must not depend on how the heap was filled
    }
    for (int i = 0; i < candidates.size; i++) {
      candidates.values[i] = Math.exp(candidates.values[i]);
    }
  }

  private double total() {
    double total = 0;
    for (int i = 0; i < candidates.size; i++) {
      total += candidates.values[i];
    }
    return total;
  }

  private void keepTopP(double topP) {
    if (topP >= 1 || candidates.size < 2) {
      return;
    }
    double wanted = topP * total();
    candidates.heapify();
    double reached = 0;
    int kept = 0;
    while (kept < candidates.size && (kept == 0 || reached < wanted)) {
      reached += candidates.values[0];
      candidates.sinkBest(candidates.size - kept);
      kept++;
    }
    candidates.keepSunk(kept);
  }

  private void keepTypical(double typicalP) {
    if (typicalP >= 1 || candidates.size < 2) {
      return;
    }
    double total = total();
    double entropy = 0;
    for (int i = 0; i < candidates.size; i++) {
      double p = candidates.values[i] / total;
      entropy -= p > 0 ? p * Math.log(p) : 0;
    }
    // Values become distances from the entropy, nearest first; ids become places in the candidates.
    best.clear();
    for (int i = 0; i < candidates.size; i++) {
      best.add(i, -Math.abs(-Math.log(candidates.values[i] / total) - entropy));
    }
    best.heapify();
    double wanted = typicalP * total;
    double reached = 0;
    int kept = 0;
    while (kept < best.size && (kept == 0 || reached < wanted)) {
      reached += candidates.values[best.ids[0]];
      best.sinkBest(best.size - kept);
      kept++;
    }
    best.keepSunk(kept);
    for (int i = 0; i < kept; i++) {
      int place = best.ids[i];
      best.ids[i] = candidates.ids[place];
      best.values[i] = candidates.values[place];
    }
    candidates.clear();
    for (int i = 0; i < kept; i++) {
      candidates.add(best.ids[i], best.values[i]);
    }
  }

  private int draw(double uniform) {
    double target = uniform * total();
    double reached = 0;
    for (int i = 0; i < candidates.size; i++) {
      reached += candidates.values[i];
      if (reached > target) {
        return candidates.ids[i];
      }
    }
    return candidates.ids[candidates.size - 1];
  }

  /**
   * Log-probabilities of a row as the model gave it: to be asked before {@link #sample} changes it.
   *
   * @param tokenId the token whose log-probability is wanted
   * @param top how many of the best to list
   */
  public TokenLogprobs logprobs(float[] logits, int offset, int tokenId, int top) {
    double logSum = logSum(logits, offset, vocabulary);
    int k = Math.min(top, vocabulary);
    List<TokenLogprobs.Candidate> list = new ArrayList<>(k);
    if (k > 0) {
      best.clear();
      for (int i = 0; i < vocabulary; i++) {
        best.offer(i, logits[offset + i], k);
      }
      best.sort();
      for (int i = 0; i < best.size; i++) {
        list.add(new TokenLogprobs.Candidate(best.ids[i], best.values[i] - logSum));
      }
    }
    float own = logits[offset + tokenId];
    int rank = 1;
    for (int i = 0; i < vocabulary; i++) {
      rank += logits[offset + i] > own ? 1 : 0;
    }
    return new TokenLogprobs(tokenId, own - logSum, rank, list);
  }

  /** ln Σ exp(logit) over a row, in double precision. */
  public static double logSum(float[] logits, int offset, int vocabulary) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < vocabulary; i++) {
      max = Math.max(max, logits[offset + i]);
    }
    double sum = 0;
    for (int i = 0; i < vocabulary; i++) {
      sum += Math.exp((double) logits[offset + i] - max);
    }
    return max + Math.log(sum);
  }
}
