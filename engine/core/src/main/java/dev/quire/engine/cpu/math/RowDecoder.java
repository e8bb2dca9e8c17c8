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

  /** The inputs {@code [from, from + n)} of a row; {@code from} is a multiple of the block. */
  static void decode(Matrix w, int row, int from, int n, float[] target, Scratch s) {
    long at = row * w.rowBytes() + w.type().bytesFor(from);
    switch (w.type()) {
      case F32 -> MemorySegment.copy(w.data(), FLOAT, at, target, 0, n);
      case F16 -> halves(bytes(w, at, n, s), target, n);
      case BF16 -> brainFloats(bytes(w, at, n, s), target, n);
      case Q8_0 -> q8(bytes(w, at, n, s), target, n);
      case Q4_0 -> q4(bytes(w, at, n, s), target, n);
      default -> w.type().codec().decode(w.data(), at, target, 0, n);
    }
  }

  private static byte[] bytes(Matrix w, long from, int n, Scratch s) {
    int length = (int) w.type().bytesFor(n);
    byte[] bytes = s.bytes(length);
    MemorySegment.copy(w.data(), ValueLayout.JAVA_BYTE, from, bytes, 0, length);
    return bytes;
  }

  private static void halves(byte[] bytes, float[] target, int n) {
    for (int i = 0; i < n; i++) {
      target[i] = Float.float16ToFloat((short) SHORT.get(bytes, 2 * i));
    }
  }

  private static void brainFloats(byte[] bytes, float[] target, int n) {
    for (int i = 0; i < n; i++) {
      target[i] = Float.intBitsToFloat((short) SHORT.get(bytes, 2 * i) << 16);
    }
  }

  private static void q8(byte[] bytes, float[] target, int n) {
    int at = 0;
    for (int i = 0; i < n; i += BLOCK, at += Q8_0_BYTES) {
      float scale = Float.float16ToFloat((short) SHORT.get(bytes, at));
      for (int j = 0; j < BLOCK; j++) {
        target[i + j] = bytes[at + 2 + j] * scale;
      }
    }
  }

  /** Low nibbles are the first half of a block, high nibbles the second. */
  private static void q4(byte[] bytes, float[] target, int n) {
    int at = 0;
    for (int i = 0; i < n; i += BLOCK, at += Q4_0_BYTES) {
      float scale = Float.float16ToFloat((short) SHORT.get(bytes, at));
      for (int j = 0; j < BLOCK / 2; j++) {
        int pair = bytes[at + 2 + j];
        target[i + j] = ((pair & 15) - 8) * scale;
        target[i + j + BLOCK / 2] = ((pair >> 4 & 15) - 8) * scale;
      }
    }
  }
}
