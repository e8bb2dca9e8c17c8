package dev.quire.engine.model;

/** Where a layer normalises, around its attention and its feed-forward part alike. */
public enum NormPlacement {
  /** The input of each part (Llama and most others). */
  BEFORE,
  /** The output of each part, before it is added to the residual stream (OLMo 2). */
  AFTER,
  /** Both (Gemma 2 and 3). */
  AROUND;

  public boolean before() {
    return this != AFTER;
  }

  public boolean after() {
    return this != BEFORE;
  }
}
