package dev.quire.engine;

import java.time.Duration;

/**
 * What a request cost.
 *
 * @param promptTokens tokens of the prompt
 * @param cachedTokens those of them whose keys and values came from the prefix cache
 * @param completionTokens tokens generated, the ending one included
 * @param peakBlocks the most KV cache blocks the request held at once, shared ones counted once per
 *     sample
 * @param preemptions times it gave its blocks back and was computed again
 * @param queued from submission to its first step
 * @param prefill from its first step to its first token
 * @param decode from its first token to its last
 */
public record Usage(
    int promptTokens,
    int cachedTokens,
    int completionTokens,
    int peakBlocks,
    int preemptions,
    Duration queued,
    Duration prefill,
    Duration decode) {

  /** The same for a sample of which so many tokens were kept. */
  Usage of(int tokensKept) {
    return new Usage(
        promptTokens, cachedTokens, tokensKept, peakBlocks, preemptions, queued, prefill, decode);
  }

  /** From submission to the first token. */
  public Duration timeToFirstToken() {
    return queued.plus(prefill);
  }

  /** Prompt tokens computed (not cached) a second; zero when none were. */
  public double prefillTokensPerSecond() {
    return rate(promptTokens - cachedTokens, prefill);
  }

  /** Tokens a second after the first; zero when there is only one. */
  public double decodeTokensPerSecond() {
    return rate(completionTokens - 1, decode);
  }

  private static double rate(int tokens, Duration time) {
    return tokens <= 0 || time.isZero() ? 0 : tokens * 1e9 / time.toNanos();
  }
}
