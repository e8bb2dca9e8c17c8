package dev.quire.weights.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Signed integers of 1, 2, 4 or 8 bytes. Exact up to 2^24; whoever needs more reads the tensor's
 * data.
 */
final class IntegerCodec implements Codec {
  private final int bytes;

  IntegerCodec(int bytes) {
    this.bytes = bytes;
  }

  @Override
  public void decode(
      MemorySegment source, long byteOffset, float[] target, int targetOffset, int elements) {
    for (int i = 0; i < elements; i++) {
      long offset = byteOffset + (long) bytes * i;
      target[targetOffset + i] =
          switch (bytes) {
            case 1 -> Block.signed(source, offset);
            case 2 -> source.get(Block.SHORT, offset);
            case 4 -> source.get(Block.INT, offset);
            default -> source.get(Block.LONG, offset);
          };
    }
  }
}
