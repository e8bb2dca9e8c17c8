package dev.quire.engine;

/**
 * A prompt and how to continue it.
 *
 * @param priority lower runs first, where the engine schedules by priority
 * @param cacheSalt requests share cached prefixes only with requests of the same salt; 0 for all
 *     that need no separation
 */
public record GenerationRequest(
    Prompt prompt, SamplingParams params, int priority, long cacheSalt) {
  public GenerationRequest(Prompt prompt, SamplingParams params) {
    this(prompt, params, 0, 0);
  }

  /** The same request at another priority. */
  public GenerationRequest withPriority(int newPriority) {
    return new GenerationRequest(prompt, params, newPriority, cacheSalt);
  }

  /** The same request with another cache salt. */
  public GenerationRequest withCacheSalt(long newSalt) {
    return new GenerationRequest(prompt, params, priority, newSalt);
  }
}
