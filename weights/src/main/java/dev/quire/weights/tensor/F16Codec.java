package dev.quire.weights.tensor;

import java.lang.foreign.MemorySegment;

/** IEEE 754 half precision; encodes to the nearest, ties to even. */
final class F16Codec implements Codec {
  @Override
  public void decode(
      MemorySegment source, long byteOffset, float[] target, int targetOffset, int elements) {
    for (int i = 0; i < elements; i++) {
      target[targetOffset + i] = Block.half(source, byteOffset + 2L * i);
    }
  }

  @Override
  public void encode(
      float[] source, int sourceOffset, MemorySegment target, long byteOffset, int elements) {
    for (int i = 0; i < elements; i++) {
      target.set(Block.SHORT, byteOffset + 2L * i, Float.floatToFloat16(source[sourceOffset + i]));
    }
  }

  @Override
  public boolean canEncode() {
    return true;
  }
}
