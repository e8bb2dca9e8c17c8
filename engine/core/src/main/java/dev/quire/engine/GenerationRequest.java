package dev.quire.engine;

import dev.quire.engine.constrain.Constraint;
import org.jspecify.annotations.Nullable;

/**
 * A prompt and how to continue it.
 *
 * @param priority lower runs first, where the engine schedules by priority
 * @param cacheSalt requests share cached prefixes only with requests of the same salt; 0 for all
 *     that need no separation
 * @param constraint what the generated text must match; null for anything
 */
public record GenerationRequest(
    Prompt prompt,
    SamplingParams params,
    int priority,
    long cacheSalt,
    @Nullable Constraint constraint) {
  public GenerationRequest(Prompt prompt, SamplingParams params) {
    this(prompt, params, 0, 0, null);
  }

  public GenerationRequest(Prompt prompt, SamplingParams params, int priority, long cacheSalt) {
    this(prompt, params, priority, cacheSalt, null);
  }

  /** The same request at another priority. */
  public GenerationRequest withPriority(int newPriority) {
    return new GenerationRequest(prompt, params, newPriority, cacheSalt, constraint);
  }

  /** The same request with another cache salt. */
  public GenerationRequest withCacheSalt(long newSalt) {
    return new GenerationRequest(prompt, params, priority, newSalt, constraint);
  }

  /** The same request whose text must match; made by {@link Engine#constraint}. */
  public GenerationRequest withConstraint(@Nullable Constraint newConstraint) {
    return new GenerationRequest(prompt, params, priority, cacheSalt, newConstraint);
  }
}
