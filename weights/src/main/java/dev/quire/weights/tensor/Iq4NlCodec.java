package dev.quire.weights.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Blocks of 32: half scale d, 16 bytes of 4-bit indices into {@link Iq4Levels} (elements i and i +
 * 16 share a byte); value = d·level.
 */
final class Iq4NlCodec implements Codec {
  @Override
  public void decode(
      MemorySegment source, long byteOffset, float[] target, int targetOffset, int elements) {
    long block = byteOffset;
    for (int start = 0; start < elements; start += 32, block += 18) {
      int out = targetOffset + start;
      float d = Block.half(source, block);
      for (int i = 0; i < 16; i++) {
        int q = Block.unsigned(source, block + 2 + i);
        target[out + i] = d * Iq4Levels.level(q & 15);
        target[out + i + 16] = d * Iq4Levels.level(q >> 4);
      }
    }
  }
}
