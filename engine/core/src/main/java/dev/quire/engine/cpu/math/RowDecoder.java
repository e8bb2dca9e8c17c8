package dev.quire.engine.cpu.math;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Decodes rows of weights. The most frequent types go through a byte array: loops over it are fast
 * from the interpreter on, those over a memory segment only once C2 has compiled them.
 */
final class RowDecoder {
  private static final VarHandle SHORT =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int Q8_0_BYTES = 34;
  private static final int Q4_0_BYTES = 18;
  private static final int BLOCK = 32;

  private RowDecoder() {}

  static void decode(Matrix w, int row, float[] target, int offset, Scratch s) {
    long from = row * w.rowBytes();
    int n = w.inputs();
    switch (w.type()) {
      case F32 -> MemorySegment.copy(w.data(), FLOAT, from, target, offset, n);
      case F16 -> halves(bytes(w, from, s), target, offset, n);
      case BF16 -> brainFloats(bytes(w, from, s), target, offset, n);
      case Q8_0 -> q8(bytes(w, from, s), target, offset, n);
      case Q4_0 -> q4(bytes(w, from, s), target, offset, n);
      default -> w.type().codec().decode(w.data(), from, target, offset, n);
    }
  }

  private static byte[] bytes(Matrix w, long from, Scratch s) {
    int length = (int) w.rowBytes();
    byte[] bytes = s.bytes(length);
    MemorySegment.copy(w.data(), ValueLayout.JAVA_BYTE, from, bytes, 0, length);
    return bytes;
  }

  private static void halves(byte[] bytes, float[] target, int offset, int n) {
    for (int i = 0; i < n; i++) {
      target[offset + i] = Float.float16ToFloat((short) SHORT.get(bytes, 2 * i));
    }
  }

  private static void brainFloats(byte[] bytes, float[] target, int offset, int n) {
    for (int i = 0; i < n; i++) {
      target[offset + i] = Float.intBitsToFloat((short) SHORT.get(bytes, 2 * i) << 16);
    }
  }

  private static void q8(byte[] bytes, float[] target, int offset, int n) {
    int at = 0;
    for (int i = 0; i < n; i += BLOCK, at += Q8_0_BYTES) {
      float scale = Float.float16ToFloat((short) SHORT.get(bytes, at));
      for (int j = 0; j < BLOCK; j++) {
        target[offset + i + j] = bytes[at + 2 + j] * scale;
      }
    }
  }

  /** Low nibbles are the first half of a block, high nibbles the second. */
  private static void q4(byte[] bytes, float[] target, int offset, int n) {
    int at = 0;
    for (int i = 0; i < n; i += BLOCK, at += Q4_0_BYTES) {
      float scale = Float.float16ToFloat((short) SHORT.get(bytes, at));
      for (int j = 0; j < BLOCK / 2; j++) {
        int pair = bytes[at + 2 + j];
        target[offset + i + j] = ((pair & 15) - 8) * scale;
        target[offset + i + j + BLOCK / 2] = ((pair >> 4 & 15) - 8) * scale;
      }
    }
  }
}
