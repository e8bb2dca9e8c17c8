package dev.quire.weights.gguf;

import java.lang.foreign.MemorySegment;

/** Gives a tensor's bytes piece by piece, to several threads at once. */
@FunctionalInterface
public interface TensorSource {
  /**
   * Fills {@code piece} with the elements {@code first} to {@code first + elements}, counted in
   * row-major order; both are multiples of the type's block.
   */
  void fill(long first, int elements, MemorySegment piece);
}
