package dev.quire.weights.tensor;

import java.lang.foreign.MemorySegment;

/** Blocks of 32: a half scale d, then 32 signed bytes q; value = d·q. */
final class Q80Codec implements Codec {
  @Override
  public void decode(
      MemorySegment source, long byteOffset, float[] target, int targetOffset, int elements) {
    long block = byteOffset;
    for (int start = 0; start < elements; start += 32, block += 34) {
      float d = Block.half(source, block);
      int out = targetOffset + start;
      for (int i = 0; i < 32; i++) {
        target[out + i] = d * Block.signed(source, block + 2 + i);
      }
    }
  }

  @Override
  public void encode(
      float[] source, int sourceOffset, MemorySegment target, long byteOffset, int elements) {
    long block = byteOffset;
    for (int start = 0; start < elements; start += 32, block += 34) {
      int in = sourceOffset + start;
      float largest = 0;
      for (int i = 0; i < 32; i++) {
        largest = Math.max(largest, Math.abs(source[in + i]));
      }
      float d = largest / 127;
      float inverse = d == 0 ? 0 : 1 / d;
      Block.putHalf(target, block, d);
      for (int i = 0; i < 32; i++) {
        float scaled = source[in + i] * inverse;
        Block.putByte(target, block + 2 + i, (int) (scaled + Math.copySign(0.5f, scaled)));
      }
    }
  }

  @Override
  public boolean canEncode() {
    return true;
  }
}
