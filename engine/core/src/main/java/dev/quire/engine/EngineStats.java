package dev.quire.engine;

import dev.quire.paging.KvUsage;

/**
 * Counters since the engine started, and its state after the latest step.
 *
 * @param requestsSubmitted taken into the queue, scoring requests included
 * @param requestsFinished ended for any reason
 * @param requestsRefused not taken: full, invalid or closed
 * @param waiting requests in the queue
 * @param runningSequences sequences that hold blocks
 * @param steps steps executed
 * @param preemptions times that a sequence group gave its blocks back
 * @param swapOuts those of them in which the blocks went to the host pool; the others are computed
 *     again
 * @param prefillTokens tokens computed in chunks of more than one, or before a sequence's first
 *     sample
 * @param decodeTokens tokens computed one a step, after it
 * @param sampledTokens tokens that the sampler chose
 * @param cachedTokens tokens found in the prefix cache instead of computed
 * @param prefillNanos time of steps, shared out by their tokens: the part of prefill
 * @param decodeNanos the part of decode
 * @param hostNanos time between an executor's end of a step and the start of the next, with work at
 *     hand
 * @param memory what the KV cache holds, all groups; while steps run it may be some steps old
 */
public record EngineStats(
    long requestsSubmitted,
    long requestsFinished,
    long requestsRefused,
    int waiting,
    int runningSequences,
    long steps,
    long preemptions,
    long swapOuts,
    long prefillTokens,
    long decodeTokens,
    long sampledTokens,
    long cachedTokens,
    long prefillNanos,
    long decodeNanos,
    long hostNanos,
    KvUsage memory) {

  EngineStats withRefused(long refused) {
    return new EngineStats(
        requestsSubmitted,
        requestsFinished,
        refused,
        waiting,
        runningSequences,
        steps,
        preemptions,
        swapOuts,
        prefillTokens,
        decodeTokens,
        sampledTokens,
        cachedTokens,
        prefillNanos,
        decodeNanos,
        hostNanos,
        memory);
  }

  /** KV cache blocks, all groups. */
  public int totalBlocks() {
    return (int) memory.totalBlocks();
  }

  /** Of them, referenced by sequences. */
  public int usedBlocks() {
    return (int) (memory.totalBlocks() - memory.freeBlocks());
  }

  /** Prefill rate over all steps so far; zero before the first. */
  public double prefillTokensPerSecond() {
    return prefillNanos == 0 ? 0 : prefillTokens * 1e9 / prefillNanos;
  }

  /** Decode rate over all steps so far, all sequences together; zero before the first. */
  public double decodeTokensPerSecond() {
    return decodeNanos == 0 ? 0 : decodeTokens * 1e9 / decodeNanos;
  }
}
