package dev.quire.weights.gguf;

import dev.quire.weights.WeightsException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Reads a GGUF header forwards, never beyond the file's end; every fault names its offset. */
final class Cursor {
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Arrays of arrays of … deeper than this are an attack on the stack, not a model. */
  private static final int DEEPEST_ARRAY = 16;

  private static final String LENGTH_OF = "length of ";

  /** Of the file's bytes that are copied to walk over strings. */
  private static final int WINDOW = 1 << 16;

  private final MemorySegment data;
  private final Path file;
  private long position;

  Cursor(MemorySegment data, long position, Path file) {
    this.data = data;
    this.position = position;
    this.file = file;
  }

  long position() {
    return position;
  }

  long remaining() {
    return data.byteSize() - position;
  }

  WeightsException fault(String message) {
    return fault(position, message);
  }

  WeightsException fault(long offset, String message) {
    return WeightsException.at(file, offset, message);
  }

  /** Moves on by {@code bytes} and returns where they start. */
  private long take(long bytes, String what) {
    if (bytes < 0 || bytes > remaining()) {
      throw fault(
          "the file ends inside %s: %s bytes are needed, %d are left"
              .formatted(what, Long.toUnsignedString(bytes), remaining()));
    }
    long start = position;
    position += bytes;
    return start;
  }

  int int32(String what) {
    return data.get(INT, take(4, what));
  }

  long int64(String what) {
    return data.get(LONG, take(8, what));
  }

  /** A count of things of at least {@code leastBytes} each, so that it can't exceed the file. */
  long count(String what, long leastBytes) {
    return count("", what, leastBytes);
  }

  /** The same; the parts of its name become one only in a message, since there are many strings. */
  private long count(String prefix, String what, long leastBytes) {
    long start = position;
    long count = int64(what);
    if (count < 0 || count > remaining() / leastBytes) {
      throw fault(
          start,
          "%s%s of %s can't be true: %d bytes are left in the file"
              .formatted(prefix, what, Long.toUnsignedString(count), remaining()));
    }
    return count;
  }

  String string(String what) {
    return string(what, Integer.MAX_VALUE - 8);
  }

  String string(String what, int longest) {
    long start = position;
    long length = count(LENGTH_OF, what, 1);
    if (length > longest) {
      throw fault(start, "%s of %d bytes is too long".formatted(what, length));
    }
    byte[] bytes = new byte[(int) length];
    MemorySegment.copy(data, ValueLayout.JAVA_BYTE, take(length, what), bytes, 0, bytes.length);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  ValueType valueType(String what) {
    long start = position;
    int id = int32(what);
    ValueType type = ValueType.ofId(id);
    if (type == null) {
      throw fault(start, "%s %s is unknown".formatted(what, Integer.toUnsignedString(id)));
    }
    return type;
  }

  /** Integers come as Long (unsigned 64-bit ones as their bits), arrays as views of the file. */
  Object value(ValueType type, String what) {
    if (type == ValueType.STRING) {
      return string(what);
    }
    if (type == ValueType.ARRAY) {
      return array(what);
    }
    long at = take(type.bytes(), what);
    return switch (type) {
      case UINT8 -> (long) Byte.toUnsignedInt(data.get(ValueLayout.JAVA_BYTE, at));
      case INT8 -> (long) data.get(ValueLayout.JAVA_BYTE, at);
      case UINT16 -> (long) Short.toUnsignedInt(data.get(SHORT, at));
      case INT16 -> (long) data.get(SHORT, at);
      case UINT32 -> Integer.toUnsignedLong(data.get(INT, at));
      case INT32 -> (long) data.get(INT, at);
      case UINT64, INT64 -> data.get(LONG, at);
      case FLOAT32 -> data.get(FLOAT, at);
      case FLOAT64 -> data.get(DOUBLE, at);
      case BOOL -> flag(at, what);
      case STRING, ARRAY -> throw new AssertionError(type);
    };
  }

  private boolean flag(long at, String what) {
    byte value = data.get(ValueLayout.JAVA_BYTE, at);
    if (value != 0 && value != 1) {
      throw fault(at, "%s is a boolean of value %d".formatted(what, value));
    }
    return value == 1;
  }

  private MetadataArray array(String what) {
    ValueType element = valueType("element type of " + what);
    long count = count("element count of " + what, leastBytes(element));
    long start = position;
    skip(element, count, what, 1);
    return new MetadataArray(element, count, data.asSlice(start, position - start), file);
  }

  private static long leastBytes(ValueType type) {
    return switch (type) {
      case STRING -> 8;
      case ARRAY -> 12;
      default -> type.bytes();
    };
  }

  /** Walks over values, so that a view of them is known to be sound. */
  private void skip(ValueType type, long count, String what, int depth) {
    switch (type) {
      case STRING -> {
        skipStrings(count, what);
      }
      case ARRAY -> {
        if (depth == DEEPEST_ARRAY) {
          throw fault(what + " nests arrays more than " + DEEPEST_ARRAY + " deep");
        }
        for (long i = 0; i < count; i++) {
          ValueType element = valueType("element type of " + what);
          skip(element, count("element count of " + what, leastBytes(element)), what, depth + 1);
        }
      }
      default -> take(count * type.bytes(), what);
    }
  }

  /**
   * A vocabulary's strings are walked over when a process starts, before anything is compiled: the
   * lengths are therefore read from plain arrays, which the interpreter is quick with.
   */
  private void skipStrings(long count, String what) {
    byte[] window = new byte[(int) Math.min(WINDOW, remaining())];
    long windowStart = 0;
    int filled = 0;
    for (long i = 0; i < count; i++) {
      if (position < windowStart || position + Long.BYTES > windowStart + filled) {
        windowStart = position;
        filled = (int) Math.min(window.length, remaining());
        MemorySegment.copy(data, ValueLayout.JAVA_BYTE, windowStart, window, 0, filled);
      }
      if (filled < Long.BYTES) {
        take(Long.BYTES, what);
      }
      long length = littleEndian(window, (int) (position - windowStart));
      if (length < 0 || length > remaining() - Long.BYTES) {
        count("length of a string in ", what, 1);
      }
      position += Long.BYTES + length;
    }
  }

  static long littleEndian(byte[] bytes, int at) {
    long value = 0;
    for (int i = Long.BYTES - 1; i >= 0; i--) {
      value = value << Byte.SIZE | (bytes[at + i] & 0xFF);
    }
    return value;
  }
}
