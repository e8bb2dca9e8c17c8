package dev.quire.weights.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Blocks of 256 in 16 sub-blocks of 16: 16 bytes of 4-bit scale s and 4-bit minimum m, 64 bytes of
 * 2-bit q, half d, half dmin; value = d·s·q − dmin·m. Each run of 128 elements shares 32 bytes, two
 * bits of a byte for every 32 elements.
 */
final class Q2KCodec implements Codec {
  private static final int BYTES = 84;

  @Override
  public void decode(
      MemorySegment source, long byteOffset, float[] target, int targetOffset, int elements) {
    long block = byteOffset;
    for (int start = 0; start < elements; start += 256, block += BYTES) {
      float d = Block.half(source, block + 80);
      float dmin = Block.half(source, block + 82);
      for (int sub = 0; sub < 16; sub++) {
        int packed = Block.unsigned(source, block + sub);
        float scale = d * (packed & 15);
        float minimum = dmin * (packed >> 4);
        long bytes = block + 16 + (sub >> 3) * 32 + (sub & 1) * 16;
        int shift = (sub >> 1 & 3) * 2;
        int out = targetOffset + start + sub * 16;
        for (int i = 0; i < 16; i++) {
          int q = Block.unsigned(source, bytes + i) >> shift & 3;
          target[out + i] = scale * q - minimum;
        }
      }
    }
  }
}
