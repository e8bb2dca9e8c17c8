package dev.quire.paging;

/**
 * What is known of a sequence's length before it runs. Paging needs none of it; the reserving
 * baselines decide by it how much to set aside.
 *
 * @param promptTokens tokens of the prompt
 * @param outputTokens tokens that the sequence will really generate, known to an oracle alone
 */
public record LengthHint(int promptTokens, int outputTokens) {
  /** Tokens at the end. */
  public int totalTokens() {
    return promptTokens + outputTokens;
  }
}
