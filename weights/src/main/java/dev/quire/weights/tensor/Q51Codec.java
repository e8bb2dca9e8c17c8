package dev.quire.weights.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Blocks of 32: half scale d, half minimum m, 32 fifth bits, 16 bytes of low nibbles (elements i
 * and i + 16 share a byte); value = d·q + m.
 */
final class Q51Codec implements Codec {
  @Override
  public void decode(
      MemorySegment source, long byteOffset, float[] target, int targetOffset, int elements) {
    long block = byteOffset;
    for (int start = 0; start < elements; start += 32, block += 24) {
      int out = targetOffset + start;
      float d = Block.half(source, block);
      float m = Block.half(source, block + 2);
      int high = source.get(Block.INT, block + 4);
      for (int i = 0; i < 16; i++) {
        int q = Block.unsigned(source, block + 8 + i);
        target[out + i] = d * (q & 15 | (high >>> i & 1) << 4) + m;
        target[out + i + 16] = d * (q >> 4 | (high >>> i + 16 & 1) << 4) + m;
      }
    }
  }
}
