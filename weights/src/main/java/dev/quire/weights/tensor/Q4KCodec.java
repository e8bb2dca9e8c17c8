package dev.quire.weights.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Blocks of 256 in 8 sub-blocks of 32: half d, half dmin, 12 bytes of {@link PackedScales 6-bit
 * scales s and minima m}, 128 bytes of 4-bit q; value = d·s·q − dmin·m. Two neighbouring sub-blocks
 * share 32 bytes, the first in the low nibbles.
 */
final class Q4KCodec implements Codec {
  private static final int BYTES = 144;

  @Override
  public void decode(
      MemorySegment source, long byteOffset, float[] target, int targetOffset, int elements) {
    long block = byteOffset;
    for (int start = 0; start < elements; start += 256, block += BYTES) {
      float d = Block.half(source, block);
      float dmin = Block.half(source, block + 2);
      for (int sub = 0; sub < 8; sub++) {
        float scale = d * PackedScales.scale(source, block + 4, sub);
        float minimum = dmin * PackedScales.minimum(source, block + 4, sub);
        long bytes = block + 16 + (sub >> 1) * 32;
        int shift = (sub & 1) * 4;
        int out = targetOffset + start + sub * 32;
        for (int i = 0; i < 32; i++) {
          int q = Block.unsigned(source, bytes + i) >> shift & 15;
          target[out + i] = scale * q - minimum;
        }
      }
    }
  }

  @Override
  public void encode(
      float[] source, int sourceOffset, MemorySegment target, long byteOffset, int elements) {
    var fit = new AffineFit(15);
    long block = byteOffset;
    for (int start = 0; start < elements; start += 256, block += BYTES) {
      fit.fit(source, sourceOffset + start);
      Block.putHalf(target, block, fit.d);
      Block.putHalf(target, block + 2, fit.dmin);
      PackedScales.put(target, block + 4, fit.scale6, fit.minimum6);
      for (int i = 0; i < 128; i++) {
        int low = (i >> 5) * 64 + (i & 31);
        Block.putByte(target, block + 16 + i, fit.levels[low] | fit.levels[low + 32] << 4);
      }
    }
  }

  @Override
  public boolean canEncode() {
    return true;
  }
}
