package dev.quire.engine.cpu.math;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Locale;

/**
 * How a {@link KvCache} holds the numbers of keys and values. {@link #F32} is exact; the others are
 * decoded to floats, tile by tile, and all arithmetic is as with those.
 *
 * <pre>
 *   F32         float
 *   F16, BF16   short; halves beyond ±65504 become that
 *   Q8_0        byte level, and a half for every 32 of a vector: value = level · scale
 * </pre>
 */
public enum KvType {
  F32(4),
  F16(2),
  BF16(2),
  Q8_0(1);

  /** Values that share a scale; the last ones of a vector may be fewer. */
  static final int BLOCK = 32;

  private static final float GREATEST_HALF = 65504;
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final int elementBytes;

  KvType(int elementBytes) {
    this.elementBytes = elementBytes;
  }

  /** The name on the command line. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Bytes of a number, without scales. */
  long elementBytes() {
    return elementBytes;
  }

  /** Bytes of a vector, with scales. */
  long bytes(int n) {
    return (long) n * elementBytes + (this == Q8_0 ? 2L * Math.ceilDiv(n, BLOCK) : 0);
  }

  /**
   * Stores {@code n} numbers.
   *
   * @param factor what makes them levels, where they have a scale
   * @param step bytes from one number to the next
   */
  void encode(float[] x, int from, int n, float factor, MemorySegment data, long to, long step) {
    long at = to;
    switch (this) {
      case F32 -> {
        for (int i = 0; i < n; i++, at += step) {
          data.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, x[from + i]);
        }
      }
      case F16 -> {
        for (int i = 0; i < n; i++, at += step) {
          data.set(SHORT, at, half(x[from + i]));
        }
      }
      case BF16 -> {
        for (int i = 0; i < n; i++, at += step) {
          data.set(SHORT, at, brainFloat(x[from + i]));
        }
      }
      case Q8_0 -> {
        for (int i = 0; i < n; i++, at += step) {
          int level = Math.clamp(Math.round(x[from + i] * factor), -127, 127);
          data.set(ValueLayout.JAVA_BYTE, at, (byte) level);
        }
      }
    }
  }

  /**
   * Stores the scale that some numbers share.
   *
   * @return what makes them levels
   */
  static float encodeScale(float[] x, int from, int n, MemorySegment data, long at) {
    float greatest = 0;
    for (int i = 0; i < n; i++) {
      greatest = Math.max(greatest, Math.abs(x[from + i]));
    }
    short bits = half(greatest / 127);
    data.set(SHORT, at, bits);
    float scale = Float.float16ToFloat(bits);
    return scale == 0 ? 0 : 1 / scale;
  }

  /**
   * One number.
   *
   * @param scale where its scale is, if it has one
   */
  float decode(MemorySegment data, long at, long scale) {
    return switch (this) {
      case F32 -> data.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at);
      case F16 -> Float.float16ToFloat(data.get(SHORT, at));
      case BF16 -> Float.intBitsToFloat(data.get(SHORT, at) << 16);
      case Q8_0 ->
          data.get(ValueLayout.JAVA_BYTE, at) * Float.float16ToFloat(data.get(SHORT, scale));
    };
  }

  private static short half(float x) {
    return Float.floatToFloat16(Math.clamp(x, -GREATEST_HALF, GREATEST_HALF));
  }

  /** To the nearest, ties to even; what isn't a number stays so. */
  private static short brainFloat(float x) {
    int bits = Float.floatToRawIntBits(x);
    if (Float.isNaN(x)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
  }
}
