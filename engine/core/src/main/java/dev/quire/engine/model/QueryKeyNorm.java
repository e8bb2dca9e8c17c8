package dev.quire.engine.model;

/** Normalisation of queries and keys before they are rotated. */
public enum QueryKeyNorm {
  NONE,
  /** Each head by itself; one weight vector of the head's size (Qwen3, Gemma 3). */
  PER_HEAD,
  /** All heads of a token together; a weight for each element (OLMo 2). */
  WHOLE_ROW
}
