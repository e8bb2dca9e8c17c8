package dev.quire.engine.cpu.math;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Locale;

/**
 * How a {@link KvCache} holds the vectors of keys and values. {@link #F32} is exact; the others are
 * decoded to floats, tile by tile, and all arithmetic is as with those.
 *
 * <pre>
 *   F32         float [n]
 *   F16, BF16   short [n]; halves beyond ±65504 become that
 *   Q8_0        byte [n] levels, then a half for every 32 of them: value = level · scale
 * </pre>
 */
public enum KvType {
  F32,
  F16,
  BF16,
  Q8_0;

  /** Values that share a scale; the last ones of a vector may be fewer. */
  static final int BLOCK = 32;

  private static final float GREATEST_HALF = 65504;
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** The name on the command line. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Bytes of a vector. */
  long bytes(int n) {
    return switch (this) {
      case F32 -> 4L * n;
      case F16, BF16 -> 2L * n;
      case Q8_0 -> n + 2L * Math.ceilDiv(n, BLOCK);
    };
  }

  /** Stores a vector of {@code n} floats. */
  void encode(float[] x, int from, int n, MemorySegment data, long to) {
    switch (this) {
      case F32 -> MemorySegment.copy(x, from, data, ValueLayout.JAVA_FLOAT, to, n);
      case F16 -> {
        for (int i = 0; i < n; i++) {
          data.set(SHORT, to + 2L * i, half(x[from + i]));
        }
      }
      case BF16 -> {
        for (int i = 0; i < n; i++) {
          data.set(SHORT, to + 2L * i, brainFloat(x[from + i]));
        }
      }
      case Q8_0 -> {
        for (int block = 0; block < n; block += BLOCK) {
          int end = Math.min(n, block + BLOCK);
          encodeBlock(x, from + block, end - block, data, to + block, to + n + block / BLOCK * 2L);
        }
      }
    }
  }

  private static void encodeBlock(
      float[] x, int from, int n, MemorySegment data, long to, long scaleAt) {
    float greatest = 0;
    for (int i = 0; i < n; i++) {
      greatest = Math.max(greatest, Math.abs(x[from + i]));
    }
    short bits = half(greatest / 127);
    float scale = Float.float16ToFloat(bits);
    float factor = scale == 0 ? 0 : 1 / scale;
    data.set(SHORT, scaleAt, bits);
    for (int i = 0; i < n; i++) {
      int level = Math.clamp(Math.round(x[from + i] * factor), -127, 127);
      data.set(ValueLayout.JAVA_BYTE, to + i, (byte) level);
    }
  }

  /** Decodes {@code vectors} vectors of {@code n} that lie together. */
  void decode(MemorySegment data, long from, int vectors, int n, MemorySegment floats, long to) {
    long at = from;
    long target = to;
    for (int v = 0; v < vectors; v++, at += bytes(n), target += 4L * n) {
      for (int i = 0; i < n; i++) {
        float value =
            switch (this) {
              case F32 -> data.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at + 4L * i);
              case F16 -> Float.float16ToFloat(data.get(SHORT, at + 2L * i));
              case BF16 -> Float.intBitsToFloat(data.get(SHORT, at + 2L * i) << 16);
              case Q8_0 ->
                  data.get(ValueLayout.JAVA_BYTE, at + i)
                      * Float.float16ToFloat(data.get(SHORT, at + n + i / BLOCK * 2L));
            };
        floats.set(ValueLayout.JAVA_FLOAT, target + 4L * i, value);
      }
    }
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
