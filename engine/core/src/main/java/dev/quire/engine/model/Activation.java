package dev.quire.engine.model;

/** The function between a feed-forward layer's gate and its product with the up projection. */
public enum Activation {
  /** x · sigmoid(x). */
  SILU,
  /** GELU by its tanh approximation, 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))). */
  GELU_TANH,
  /** GELU by the error function, x · Φ(x). */
  GELU
}
