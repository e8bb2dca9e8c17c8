package dev.quire.weights.tensor;

import java.lang.foreign.MemorySegment;

/** IEEE 754 double precision, rounded to single. */
final class F64Codec implements Codec {
  @Override
  public void decode(
      MemorySegment source, long byteOffset, float[] target, int targetOffset, int elements) {
    for (int i = 0; i < elements; i++) {
      target[targetOffset + i] = (float) source.get(Block.DOUBLE, byteOffset + 8L * i);
    }
  }
}
