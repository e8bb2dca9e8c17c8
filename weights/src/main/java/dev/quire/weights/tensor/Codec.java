package dev.quire.weights.tensor;

import dev.quire.weights.WeightsException;
import java.lang.foreign.MemorySegment;

/**
 * Turns the blocks of one {@link TensorType} into floats and back. Codecs have no state and may be
 * used by any number of threads.
 */
public interface Codec {
  /**
   * Decodes whole blocks.
   *
   * @param source holds the blocks, little endian, at any alignment
   * @param byteOffset where the first block starts in {@code source}
   * @param elements how many values to decode, a multiple of the type's block
   */
  void decode(
      MemorySegment source, long byteOffset, float[] target, int targetOffset, int elements);

  /**
   * Encodes whole blocks; the result depends on the values of each block alone.
   *
   * @param elements how many values to encode, a multiple of the type's block
   * @throws WeightsException if {@link #canEncode} is false
   */
  default void encode(
      float[] source, int sourceOffset, MemorySegment target, long byteOffset, int elements) {
    throw new WeightsException("Quire reads this tensor type but doesn't write it");
  }

  /** Whether Quire writes this type. */
  default boolean canEncode() {
    return false;
  }
}
