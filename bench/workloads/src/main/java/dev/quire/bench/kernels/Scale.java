package dev.quire.bench.kernels;

/** How large the shapes are. */
public enum Scale {
  /** A GPU's: models of 1 and 8 billion parameters. */
  FULL,
  /** What the JVM executes in moments: to try a variant, not to time it. */
  TINY
}
