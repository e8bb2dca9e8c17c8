package dev.quire.engine;

/**
 * Beam search: of all continuations of the beams, the {@code width} with the greatest summed
 * log-probability go on. The meaning of every parameter is that of Hugging Face's {@code generate},
 * as is the result.
 *
 * <p>A finished hypothesis of {@code t} generated tokens, the ending one included, scores {@code Σ
 * ln p / t^lengthPenalty}. Log-probabilities are those of the logits after bias, bans and
 * penalties; temperature, truncation and seed have no part in it.
 *
 * @param width beams; at most {@link #MAX_WIDTH}
 * @param lengthPenalty above 0 favours longer hypotheses, below 0 shorter ones
 * @param earlyStopping when the search ends
 */
public record BeamSearch(int width, double lengthPenalty, EarlyStopping earlyStopping) {
  /** The widest search. */
  public static final int MAX_WIDTH = 256;

  /** When a search that has {@code width} finished hypotheses ends. */
  public enum EarlyStopping {
    /** Once the best beam, scored at its present length, is no better than the worst of them. */
    HEURISTIC,
    /** As soon as there are so many; a hypothesis that is found later might have been better. */
    FIRST_FINISHED,
    /**
     * Once the best beam is no better than the worst of them even if it lost nothing more up to the
     * length that suits it best.
     */
    NEVER
  }

  public BeamSearch {
    require(width >= 1 && width <= MAX_WIDTH, "beamWidth", "in [1, " + MAX_WIDTH + "]", width);
    require(
        lengthPenalty >= -100 && lengthPenalty <= 100,
        "lengthPenalty",
        "in [-100, 100]",
        lengthPenalty);
  }

  /** A search by mean log-probability that stops by the heuristic. */
  public static BeamSearch ofWidth(int width) {
    return new BeamSearch(width, 1, EarlyStopping.HEURISTIC);
  }

  private static void require(boolean holds, String field, String range, Object value) {
    if (!holds) {
      throw QuireException.outOfRange(field, range, value);
    }
  }
}
