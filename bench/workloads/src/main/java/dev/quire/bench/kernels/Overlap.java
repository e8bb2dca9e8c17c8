package dev.quire.bench.kernels;

/** Which launches of a captured graph begin while those before them end. */
public enum Overlap {
  /** Those that the engine has so: of a single row, and of prompts. */
  ENGINE,
  /** All but libraries'. */
  ALWAYS,
  /** None: each waits for the end of the one before, as in any captured graph. */
  NEVER;

  boolean of(KernelWork work) {
    return this == ALWAYS || (this == ENGINE && work.overlap());
  }
}
