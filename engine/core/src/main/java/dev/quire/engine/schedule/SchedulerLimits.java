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
 */
public record SchedulerLimits(
    int maxNumSeqs, int maxNumBatchedTokens, int maxPromptRows, int maxOvertakes) {
  public SchedulerLimits {
    if (maxNumSeqs < 1 || maxNumBatchedTokens < 1 || maxPromptRows < 1 || maxOvertakes < 1) {
      throw new IllegalArgumentException("limits must be at least 1");
    }
  }
}
