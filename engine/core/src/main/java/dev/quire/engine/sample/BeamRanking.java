package dev.quire.engine.sample;

import dev.quire.engine.BeamSearch;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Decides which continuations of beams go on, which are finished hypotheses, and when the search is
 * over, as Hugging Face's {@code generate} does (Transformers, {@code _beam_search}). A step is one
 * {@link #offer} for each beam and then {@link #decide}. Equal continuations are taken in the order
 * of beams, then of tokens.
 *
 * <p>Of the best {@code (1 + ending tokens) × width} continuations, at least {@code 2 × width}, an
 * ending one becomes a hypothesis if it is among the first {@code width}; of the others the first
 * {@code width} go on. Of the hypotheses the best {@code width} are kept.
 */
public final class BeamRanking {
  private final BeamSearch search;
  private final int vocabulary;
  private final int maxGenerated;
  private final int endingTokens;
  private final Candidates candidates = new Candidates();
  private final List<Continuation> beams = new ArrayList<>();
  private final List<Continuation> added = new ArrayList<>();
  private final double[] finished;
  private int numFinished;

  /**
   * A beam and the token that continues it.
   *
   * @param parent the beam, numbered in the order of the offers
   * @param cumulative summed log-probability, this token's included
   * @param score of a finished hypothesis; NaN for one that goes on
   * @param ends whether the token is an ending one
   */
  public record Continuation(
      int parent, int token, double cumulative, double score, boolean ends) {}

  /**
   * @param vocabulary tokens of a row that may be chosen
   * @param maxGenerated tokens after which every beam ends
   * @param endingTokens how many tokens there are that end a hypothesis
   */
  public BeamRanking(BeamSearch search, int vocabulary, int maxGenerated, int endingTokens) {
    this.search = search;
    this.vocabulary = vocabulary;
    this.maxGenerated = maxGenerated;
    this.endingTokens = endingTokens;
    this.finished = new double[search.width()];
  }

  /**
   * Offers every continuation of a beam.
   *
   * @param beam from 0, in this order
   * @param cumulative the beam's summed log-probability
   * @param logits its row from {@code offset} on; tokens at −∞ are no continuations
   */
  public void offer(int beam, double cumulative, float[] logits, int offset) {
    if (beam == 0) {
      candidates.clear();
    }
    int wanted = Math.max(2, 1 + endingTokens) * search.width();
    double base = cumulative - Sampler.logSum(logits, offset, vocabulary);
    for (int token = 0; token < vocabulary; token++) {
      double value = base + logits[offset + token];
      if (value > Double.NEGATIVE_INFINITY) {
        candidates.offer(beam * vocabulary + token, value, wanted);
      }
    }
  }

  /**
   * Ranks what was offered.
   *
   * @param generated tokens that each continuation has, this one included
   * @param ends which tokens end a hypothesis
   * @return whether the search is over
   */
  public boolean decide(int generated, IntPredicate ends) {
    candidates.sort();
    beams.clear();
    added.clear();
    int width = search.width();
    double length = Math.pow(generated, search.lengthPenalty());
    for (int i = 0; i < candidates.size; i++) {
      int token = candidates.ids[i] % vocabulary;
      int parent = candidates.ids[i] / vocabulary;
      double cumulative = candidates.values[i];
      boolean ending = ends.test(token);
      if (ending || generated >= maxGenerated) {
        if (i < width) {
          added.add(new Continuation(parent, token, cumulative, cumulative / length, ending));
        }
      } else if (beams.size() < width) {
        beams.add(new Continuation(parent, token, cumulative, Double.NaN, false));
      }
    }
    added.removeIf(c -> !keep(c.score()));
    return beams.isEmpty() || (numFinished == width && over(generated));
  }

  /** Notes a finished score if it is among the best. */
  private boolean keep(double score) {
    if (numFinished < finished.length) {
      finished[numFinished++] = score;
      return true;
    }
    int worst = worst();
    if (score > finished[worst]) {
      finished[worst] = score;
      return true;
    }
    return false;
  }

  private int worst() {
    int worst = 0;
    for (int i = 1; i < numFinished; i++) {
      worst = finished[i] < finished[worst] ? i : worst;
    }
    return worst;
  }

  private boolean over(int generated) {
    if (search.earlyStopping() == BeamSearch.EarlyStopping.FIRST_FINISHED) {
      return true;
    }
    boolean anyLength = search.earlyStopping() == BeamSearch.EarlyStopping.NEVER;
    int length = anyLength && search.lengthPenalty() > 0 ? maxGenerated : generated;
    double best = beams.getFirst().cumulative() / Math.pow(length, search.lengthPenalty());
    return best <= finished[worst()];
  }

  /** The continuations that go on, best first. */
  public List<Continuation> beams() {
    return List.copyOf(beams);
  }

  /** New hypotheses; each may have displaced the worst of those before. */
  public List<Continuation> finished() {
    return List.copyOf(added);
  }
}
