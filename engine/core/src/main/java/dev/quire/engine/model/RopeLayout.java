package dev.quire.engine.model;

/** Which two elements of a head form a rotated pair; {@code r} is the rotated size. */
public enum RopeLayout {
  /**
   * Elements 2i and 2i + 1. GGUF files of the Llama family hold query and key rows permuted for
   * this layout.
   */
  INTERLEAVED,
  /** Elements i and i + r/2, as GPT-NeoX and Hugging Face's models have it. */
  HALVES
}
