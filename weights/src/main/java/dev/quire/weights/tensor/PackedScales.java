package dev.quire.weights.tensor;

import java.lang.foreign.MemorySegment;

/**
 * The eight 6-bit scales and eight 6-bit minima of a Q4_K or Q5_K block in 12 bytes.
 *
 * <pre>
 * byte j      (0..3)   scale j        + upper two bits of scale j + 4 in bits 6, 7
 * byte 4 + j  (0..3)   minimum j      + upper two bits of minimum j + 4 in bits 6, 7
 * byte 8 + j  (0..3)   low nibbles of scale j + 4 (bits 0..3) and minimum j + 4 (bits 4..7)
 * </pre>
 */
final class PackedScales {
  private PackedScales() {}

  static int scale(MemorySegment source, long offset, int sub) {
    if (sub < 4) {
      return Block.unsigned(source, offset + sub) & 63;
    }
    int low = Block.unsigned(source, offset + 4 + sub) & 15;
    return low | Block.unsigned(source, offset + sub - 4) >> 6 << 4;
  }

  static int minimum(MemorySegment source, long offset, int sub) {
    if (sub < 4) {
      return Block.unsigned(source, offset + 4 + sub) & 63;
    }
    int low = Block.unsigned(source, offset + 4 + sub) >> 4;
    return low | Block.unsigned(source, offset + sub) >> 6 << 4;
  }

  static void put(MemorySegment target, long offset, int[] scales, int[] minima) {
    for (int j = 0; j < 4; j++) {
      Block.putByte(target, offset + j, scales[j] | scales[j + 4] >> 4 << 6);
      Block.putByte(target, offset + 4 + j, minima[j] | minima[j + 4] >> 4 << 6);
      Block.putByte(target, offset + 8 + j, scales[j + 4] & 15 | (minima[j + 4] & 15) << 4);
    }
  }
}
