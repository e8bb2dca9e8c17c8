package dev.quire.engine;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A finished request.
 *
 * @param outputs {@code n} of them: ranked ones best first, others in the order of their indices
 * @param promptTokenIds the prompt as the model saw it
 * @param promptLogprobs of the prompt's tokens after the first, where asked for; else empty
 * @param seed what the random numbers were keyed by; the same seed gives the same outputs
 * @param usage of the whole request, samples that were not given out included
 */
public record Generation(
    List<Output> outputs,
    List<Integer> promptTokenIds,
    List<TokenLogprobs> promptLogprobs,
    long seed,
    Usage usage) {
  public Generation {
    outputs = List.copyOf(outputs);
    promptTokenIds = List.copyOf(promptTokenIds);
    promptLogprobs = List.copyOf(promptLogprobs);
  }

  /** The first sample's text. */
  public String text() {
    return outputs.getFirst().text();
  }

  /** Why the first sample ended. */
  public FinishReason finishReason() {
    return outputs.getFirst().finishReason();
  }

  /**
   * One sample, or hypothesis of a beam search.
   *
   * @param tokenIds every token that was kept, the ending one included
   * @param logprobs one for each token where asked for; else empty
   * @param cumulativeLogprob sum of the tokens' log-probabilities, in a beam search those after
   *     bias, bans and penalties; NaN unless outputs are ranked or logprobs were asked for
   * @param score what outputs are ranked by: the mean log-probability of a token for bestOf, the
   *     hypothesis' score in a beam search; NaN where they are not ranked
   * @param detail the stop string that matched; null otherwise
   */
  public record Output(
      int index,
      String text,
      List<Integer> tokenIds,
      List<TokenLogprobs> logprobs,
      double cumulativeLogprob,
      double score,
      FinishReason finishReason,
      @Nullable String detail) {
    public Output {
      tokenIds = List.copyOf(tokenIds);
      logprobs = List.copyOf(logprobs);
    }
  }
}
