package dev.quire.engine;

import java.util.List;

/**
 * Log-probabilities at one position, natural logarithms of the model's own distribution: before
 * temperature, penalties and truncation.
 *
 * @param tokenId the token at this position
 * @param logprob its log-probability
 * @param rank 1 for the most probable token; one more than the number of more probable ones
 * @param top the most probable tokens, best first; as many as were asked for
 */
public record TokenLogprobs(int tokenId, double logprob, int rank, List<Candidate> top) {
  public TokenLogprobs {
    top = List.copyOf(top);
  }

  /** One of the most probable tokens. */
  public record Candidate(int tokenId, double logprob) {}
}
