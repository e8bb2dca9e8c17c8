package dev.quire.weights.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Blocks of 256 in 16 sub-blocks of 16: 32 bytes of third bits, 64 bytes of 2-bit q, 12 bytes of
 * 6-bit scales s, half d; value = d·(s − 32)·(q − 4). Each run of 128 elements shares 32 bytes of
 * q, two bits of a byte for every 32 elements.
 */
final class Q3KCodec implements Codec {
  private static final int BYTES = 110;

  @Override
  public void decode(
      MemorySegment source, long byteOffset, float[] target, int targetOffset, int elements) {
    long block = byteOffset;
    for (int start = 0; start < elements; start += 256, block += BYTES) {
      float d = Block.half(source, block + 108);
      for (int sub = 0; sub < 16; sub++) {
        float scale = d * (scale(source, block + 96, sub) - 32);
        long lows = block + 32 + (sub >> 3) * 32 + (sub & 1) * 16;
        long highs = block + (sub & 1) * 16;
        int shift = (sub >> 1 & 3) * 2;
        int out = targetOffset + start + sub * 16;
        for (int i = 0; i < 16; i++) {
          int low = Block.unsigned(source, lows + i) >> shift & 3;
          int high = Block.unsigned(source, highs + i) >> (sub >> 1) & 1;
          target[out + i] = scale * ((low | high << 2) - 4);
        }
      }
    }
  }

  /** Four low bits from the first 8 bytes, two high bits from the last 4. */
  private static int scale(MemorySegment source, long scales, int sub) {
    int low = Block.unsigned(source, scales + (sub & 7)) >> (sub >> 3) * 4 & 15;
    int high = Block.unsigned(source, scales + 8 + (sub & 3)) >> (sub >> 2) * 2 & 3;
    return low | high << 4;
  }
}
