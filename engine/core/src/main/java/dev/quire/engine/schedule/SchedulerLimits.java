package dev.quire.engine.schedule;

/**
 * Bounds of a step.
 *
 * @param maxNumSeqs sequences that run at once
 * @param maxNumBatchedTokens tokens a step
 * @param maxPromptRows rows of logits that sequences which score their prompt may ask of a step,
 *     beyond one a sequence; bounds the size of the logits
 * @param maxOvertakes times that the oldest waiting group is passed over for a later one, whatever
 *     the policy, before it goes first
 * @param recomputesBeyond length beyond which a sequence is computed anew; 0 for none
 */
public record SchedulerLimits(
    int maxNumSeqs,
    int maxNumBatchedTokens,
    int maxPromptRows,
    int maxOvertakes,
    int recomputesBeyond) {
  public SchedulerLimits {
    if (maxNumSeqs < 1 || maxNumBatchedTokens < 1 || maxPromptRows < 1 || maxOvertakes < 1) {
      throw new IllegalArgumentException("limits must be at least 1");
    }
  }

  /** For models of which no sequence is computed anew for its length. */
  public SchedulerLimits(
      int maxNumSeqs, int maxNumBatchedTokens, int maxPromptRows, int maxOvertakes) {
    this(maxNumSeqs, maxNumBatchedTokens, maxPromptRows, maxOvertakes, 0);
  }

  /** Whether a sequence of this length is past what {@code recomputesBeyond} says. */
  boolean stretched(int length) {
    return recomputesBeyond > 0 && length > recomputesBeyond;
  }
}
