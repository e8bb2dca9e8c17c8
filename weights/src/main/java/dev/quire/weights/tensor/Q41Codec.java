package dev.quire.weights.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Blocks of 32: half scale d, half minimum m, 16 bytes of 4-bit q (elements i and i + 16 share a
 * byte); value = d·q + m.
 */
final class Q41Codec implements Codec {
  @Override
  public void decode(
      MemorySegment source, long byteOffset, float[] target, int targetOffset, int elements) {
    long block = byteOffset;
    for (int start = 0; start < elements; start += 32, block += 20) {
      int out = targetOffset + start;
      float d = Block.half(source, block);
      float m = Block.half(source, block + 2);
      for (int i = 0; i < 16; i++) {
        int q = Block.unsigned(source, block + 4 + i);
        target[out + i] = d * (q & 15) + m;
        target[out + i + 16] = d * (q >> 4) + m;
      }
    }
  }
}
