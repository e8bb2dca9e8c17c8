package dev.quire.weights.tensor;

import java.lang.foreign.MemorySegment;

/** IEEE 754 single precision. */
final class F32Codec implements Codec {
  @Override
  public void decode(
      MemorySegment source, long byteOffset, float[] target, int targetOffset, int elements) {
    MemorySegment.copy(source, Block.FLOAT, byteOffset, target, targetOffset, elements);
  }

  @Override
  public void encode(
      float[] source, int sourceOffset, MemorySegment target, long byteOffset, int elements) {
    MemorySegment.copy(source, sourceOffset, target, Block.FLOAT, byteOffset, elements);
  }

  @Override
  public boolean canEncode() {
    return true;
  }
}
