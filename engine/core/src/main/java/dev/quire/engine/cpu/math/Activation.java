package dev.quire.engine.cpu.math;

/** The non-linearity of a feed-forward layer. */
public enum Activation {
  /** {@code x · sigmoid(x)}. */
  SILU,
  /** GELU by its tanh approximation (Hendrycks and Gimpel, arXiv 1606.08415, section 2). */
  GELU_TANH,
  /** GELU by the error function. */
  GELU,
  /** {@code max(x, 0)}. */
  RELU
}
