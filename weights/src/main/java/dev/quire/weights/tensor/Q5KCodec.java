package dev.quire.weights.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Blocks of 256 in 8 sub-blocks of 32: half d, half dmin, 12 bytes of {@link PackedScales 6-bit
 * scales s and minima m}, 32 bytes of fifth bits (bit b of byte i: element i of sub-block b), 128
 * bytes of low nibbles as in Q4_K; value = d·s·q − dmin·m.
 */
final class Q5KCodec implements Codec {
  private static final int BYTES = 176;

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
        long bytes = block + 48 + (sub >> 1) * 32;
        int shift = (sub & 1) * 4;
        int out = targetOffset + start + sub * 32;
        for (int i = 0; i < 32; i++) {
          int low = Block.unsigned(source, bytes + i) >> shift & 15;
          int high = Block.unsigned(source, block + 16 + i) >> sub & 1;
          target[out + i] = scale * (low | high << 4) - minimum;
        }
      }
    }
  }

  @Override
  public void encode(
      float[] source, int sourceOffset, MemorySegment target, long byteOffset, int elements) {
    var fit = new AffineFit(31);
    long block = byteOffset;
    for (int start = 0; start < elements; start += 256, block += BYTES) {
      fit.fit(source, sourceOffset + start);
      Block.putHalf(target, block, fit.d);
      Block.putHalf(target, block + 2, fit.dmin);
      PackedScales.put(target, block + 4, fit.scale6, fit.minimum6);
      for (int i = 0; i < 32; i++) {
        int fifths = 0;
        for (int sub = 0; sub < 8; sub++) {
          fifths |= fit.levels[sub * 32 + i] >> 4 << sub;
        }
        Block.putByte(target, block + 16 + i, fifths);
      }
      for (int i = 0; i < 128; i++) {
        int low = (i >> 5) * 64 + (i & 31);
        int packed = fit.levels[low] & 15 | (fit.levels[low + 32] & 15) << 4;
        Block.putByte(target, block + 48 + i, packed);
      }
    }
  }

  @Override
  public boolean canEncode() {
    return true;
  }
}
