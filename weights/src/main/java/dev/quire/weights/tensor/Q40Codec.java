package dev.quire.weights.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Blocks of 32: half scale d, 16 bytes of 4-bit q (elements i and i + 16 share a byte); value =
 * d·(q − 8).
 */
final class Q40Codec implements Codec {
  /** Levels that the value of largest magnitude may fall on; −8 alone is the plain rule. */
  private static final float[] EXTREMES = {
    -8, -8.8f, -8.6f, -8.4f, -8.2f, -7.8f, -7.6f, -7.4f, -7.2f, -7, 7, 7.3f, 7.6f
  };

  @Override
  public void decode(
      MemorySegment source, long byteOffset, float[] target, int targetOffset, int elements) {
    long block = byteOffset;
    for (int start = 0; start < elements; start += 32, block += 18) {
      float d = Block.half(source, block);
      int out = targetOffset + start;
      for (int i = 0; i < 16; i++) {
        int q = Block.unsigned(source, block + 2 + i);
        target[out + i] = d * ((q & 15) - 8);
        target[out + i + 16] = d * ((q >> 4) - 8);
      }
    }
  }

  @Override
  public void encode(
      float[] source, int sourceOffset, MemorySegment target, long byteOffset, int elements) {
    long block = byteOffset;
    for (int start = 0; start < elements; start += 32, block += 18) {
      int in = sourceOffset + start;
      float inverse = bestInverse(source, in);
      Block.putHalf(target, block, inverse == 0 ? 0 : 1 / inverse);
      for (int i = 0; i < 16; i++) {
        int low = quantum(source[in + i], inverse);
        int high = quantum(source[in + i + 16], inverse);
        Block.putByte(target, block + 2 + i, low | high << 4);
      }
    }
  }

  /** One over the scale with the least squared error after everything is rounded. */
  private static float bestInverse(float[] source, int in) {
    float extreme = 0;
    for (int i = 0; i < 32; i++) {
      if (Math.abs(source[in + i]) > Math.abs(extreme)) {
        extreme = source[in + i];
      }
    }
    if (extreme == 0) {
      return 0;
    }
    float best = 0;
    float leastError = Float.POSITIVE_INFINITY;
    for (float level : EXTREMES) {
      float inverse = 1 / (extreme / level);
      float d = Block.roundToHalf(1 / inverse);
      float error = 0;
      for (int i = 0; i < 32; i++) {
        float difference = d * (quantum(source[in + i], inverse) - 8) - source[in + i];
        error += difference * difference;
      }
      if (error < leastError) {
        leastError = error;
        best = inverse;
      }
    }
    return best;
  }

  private static int quantum(float value, float inverse) {
    return Math.clamp((int) (value * inverse + 8.5f), 0, 15);
  }

  @Override
  public boolean canEncode() {
    return true;
  }
}
