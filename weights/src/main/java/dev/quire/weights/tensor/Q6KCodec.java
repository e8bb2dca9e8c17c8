package dev.quire.weights.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Blocks of 256 in 16 sub-blocks of 16: 128 bytes of low nibbles, 64 bytes of upper bit pairs, 16
 * signed byte scales s, half d; value = d·s·(q − 32). A run of 128 elements takes 64 bytes of low
 * nibbles (its elements i and i + 64 share a byte) and 32 bytes of upper bits (elements i, i + 32,
 * i + 64 and i + 96 share a byte).
 */
final class Q6KCodec implements Codec {
  private static final int BYTES = 210;

  @Override
  public void decode(
      MemorySegment source, long byteOffset, float[] target, int targetOffset, int elements) {
    long block = byteOffset;
    for (int start = 0; start < elements; start += 256, block += BYTES) {
      float d = Block.half(source, block + 208);
      for (int sub = 0; sub < 16; sub++) {
        float scale = d * Block.signed(source, block + 192 + sub);
        int half = sub >> 3;
        int quarter = sub >> 1 & 3;
        int within = (sub & 1) * 16;
        long lows = block + half * 64 + (quarter & 1) * 32 + within;
        long highs = block + 128 + half * 32 + within;
        int lowShift = (quarter >> 1) * 4;
        int out = targetOffset + start + sub * 16;
        for (int i = 0; i < 16; i++) {
          int low = Block.unsigned(source, lows + i) >> lowShift & 15;
          int high = Block.unsigned(source, highs + i) >> quarter * 2 & 3;
          target[out + i] = scale * ((low | high << 4) - 32);
        }
      }
    }
  }

  @Override
  public void encode(
      float[] source, int sourceOffset, MemorySegment target, long byteOffset, int elements) {
    var fit = new SymmetricFit();
    long block = byteOffset;
    for (int start = 0; start < elements; start += 256, block += BYTES) {
      fit.fit(source, sourceOffset + start);
      for (int i = 0; i < 128; i++) {
        int low = (i >> 6) * 128 + (i & 63);
        int packed = fit.levels[low] & 15 | (fit.levels[low + 64] & 15) << 4;
        Block.putByte(target, block + i, packed);
      }
      for (int i = 0; i < 64; i++) {
        int first = (i >> 5) * 128 + (i & 31);
        int packed = 0;
        for (int quarter = 0; quarter < 4; quarter++) {
          packed |= fit.levels[first + 32 * quarter] >> 4 << 2 * quarter;
        }
        Block.putByte(target, block + 128 + i, packed);
      }
      for (int sub = 0; sub < 16; sub++) {
        Block.putByte(target, block + 192 + sub, fit.scale8[sub]);
      }
      Block.putHalf(target, block + 208, fit.d);
    }
  }

  @Override
  public boolean canEncode() {
    return true;
  }
}
