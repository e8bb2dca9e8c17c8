package dev.quire.weights.tensor;

import java.lang.foreign.MemorySegment;

/** The upper half of a single; encodes to the nearest, ties to even; NaN stays NaN. */
final class Bf16Codec implements Codec {
  @Override
  public void decode(
      MemorySegment source, long byteOffset, float[] target, int targetOffset, int elements) {
    for (int i = 0; i < elements; i++) {
      target[targetOffset + i] =
          Float.intBitsToFloat(source.get(Block.SHORT, byteOffset + 2L * i) << 16);
    }
  }

  @Override
  public void encode(
      float[] source, int sourceOffset, MemorySegment target, long byteOffset, int elements) {
    for (int i = 0; i < elements; i++) {
      target.set(Block.SHORT, byteOffset + 2L * i, round(source[sourceOffset + i]));
    }
  }

  private static short round(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short)
          (bits >>> 16 | 0x40); // quiet, so that cut-off payload bits can't make infinity
    }
    int tiesToEven = 0x7FFF + (bits >>> 16 & 1);
    return (short) (bits + tiesToEven >>> 16);
  }

  @Override
  public boolean canEncode() {
    return true;
  }
}
