package dev.quire.weights.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Blocks of 256 in 8 sub-blocks of 32: half d, 16 bits with the upper two bits of the scales s, 4
 * bytes with their lower four, 128 bytes of 4-bit indices into {@link Iq4Levels} (elements i and i
 * + 16 of a sub-block share a byte); value = d·(s − 32)·level.
 */
final class Iq4XsCodec implements Codec {
  private static final int BYTES = 136;

  @Override
  public void decode(
      MemorySegment source, long byteOffset, float[] target, int targetOffset, int elements) {
    long block = byteOffset;
    for (int start = 0; start < elements; start += 256, block += BYTES) {
      float d = Block.half(source, block);
      int highs = source.get(Block.SHORT, block + 2);
      for (int sub = 0; sub < 8; sub++) {
        int low = Block.unsigned(source, block + 4 + (sub >> 1)) >> (sub & 1) * 4 & 15;
        int high = highs >> sub * 2 & 3;
        float scale = d * ((low | high << 4) - 32);
        long bytes = block + 8 + sub * 16;
        int out = targetOffset + start + sub * 32;
        for (int i = 0; i < 16; i++) {
          int q = Block.unsigned(source, bytes + i);
          target[out + i] = scale * Iq4Levels.level(q & 15);
          target[out + i + 16] = scale * Iq4Levels.level(q >> 4);
        }
      }
    }
  }
}
