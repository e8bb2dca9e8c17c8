package dev.quire.engine;

/** Why a sample ended. */
public enum FinishReason {
  /** An end-of-turn token, a stop token or a stop string. */
  STOP,
  /** The most tokens asked for, or the end of the model's context. */
  LENGTH,
  /** Cancelled by its handle, or by closing the engine. */
  CANCELLED,
  /** The engine failed; the event's detail says how. */
  ERROR
}
