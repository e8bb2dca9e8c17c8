package dev.quire.weights.gguf;

import dev.quire.weights.WeightsException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * An array among the metadata, kept as the bytes of the file and decoded when asked for: a
 * vocabulary has hundreds of thousands of strings that not every reader wants.
 */
final class MetadataArray {
  private final ValueType elementType;
  private final long count;
  private final MemorySegment encoded;
  private final Path file;

  /**
   * @param encoded the elements as the format writes them, without the array's type and count;
   *     known to be sound
   */
  MetadataArray(ValueType elementType, long count, MemorySegment encoded, Path file) {
    this.elementType = elementType;
    this.count = count;
    this.encoded = encoded;
    this.file = file;
  }

  ValueType elementType() {
    return elementType;
  }

  long count() {
    return count;
  }

  MemorySegment encoded() {
    return encoded;
  }

  private int size() {
    if (count > Integer.MAX_VALUE - 8) {
      throw WeightsException.in(file, "a metadata array of " + count + " elements is too long");
    }
    return (int) count;
  }

  /** Every element as {@link Cursor#value} gives it. */
  List<Object> values() {
    var cursor = new Cursor(encoded, 0, file);
    var values = new ArrayList<>(size());
    for (long i = 0; i < count; i++) {
      values.add(cursor.value(elementType, "array element"));
    }
    return values;
  }

  /** The elements of an array of strings. */
  List<String> strings() {
    var cursor = new Cursor(encoded, 0, file);
    var strings = new String[size()];
    for (int i = 0; i < strings.length; i++) {
      strings[i] = cursor.string("array element");
    }
    return List.of(strings);
  }

  /** The elements of an array of strings as they are in the file, in UTF-8. */
  byte[][] utf8Strings() {
    if (encoded.byteSize() > Integer.MAX_VALUE - 8) {
      throw WeightsException.in(
          file, "a metadata array of %d bytes is too long".formatted(encoded.byteSize()));
    }
    // Plain arrays are what the interpreter is quick with, and nothing is compiled yet.
    byte[] all = encoded.toArray(ValueLayout.JAVA_BYTE);
    byte[][] strings = new byte[size()][];
    int at = 0;
    for (int i = 0; i < strings.length; i++) {
      int length = (int) Cursor.littleEndian(all, at);
      at += Long.BYTES;
      strings[i] = Arrays.copyOfRange(all, at, at + length);
      at += length;
    }
    return strings;
  }

  /** The elements of an array of integers. */
  long[] integers() {
    var longs = new long[size()];
    for (int i = 0; i < longs.length; i++) {
      longs[i] =
          switch (elementType) {
            case UINT8 -> encoded.get(ValueLayout.JAVA_BYTE, i) & 0xFF;
            case INT8 -> encoded.get(ValueLayout.JAVA_BYTE, i);
            case UINT16 -> encoded.get(Cursor.SHORT, 2L * i) & 0xFFFF;
            case INT16 -> encoded.get(Cursor.SHORT, 2L * i);
            case UINT32 -> encoded.get(Cursor.INT, 4L * i) & 0xFFFFFFFFL;
            case INT32 -> encoded.get(Cursor.INT, 4L * i);
            default -> encoded.get(Cursor.LONG, 8L * i);
          };
    }
    return longs;
  }

  /** The elements of an array of floating-point numbers, rounded to single precision. */
  float[] floats() {
    var floats = new float[size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] =
          elementType == ValueType.FLOAT32
              ? encoded.get(Cursor.FLOAT, 4L * i)
              : (float) encoded.get(Cursor.DOUBLE, 8L * i);
    }
    return floats;
  }
}
