package dev.quire.weights.gguf;

import dev.quire.weights.WeightsException;
import dev.quire.weights.gguf.Metadata.Entry;
import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the header of a GGUF file and finds its tensors. The file is not trusted: nothing is
 * allocated by a count before the file is known to be long enough for it, and no tensor reaches
 * beyond the file or into another.
 *
 * <pre>
 * "GGUF"  version u32  tensor count u64  metadata count u64
 * metadata: key string, type u32, value                      × metadata count
 * tensors:  name string, dimension count u32, dimensions u64 (innermost first), type u32,
 *           offset u64 (from the start of the data)          × tensor count
 * padding to general.alignment; data
 * </pre>
 */
public final class GgufReader {
  /** The first four bytes, read as a little-endian integer. */
  static final int MAGIC = 0x46554747;

  static final String ALIGNMENT_KEY = "general.alignment";
  static final int DEFAULT_ALIGNMENT = 32;
  private static final int LONGEST_NAME = 65535;
  private static final int MOST_DIMENSIONS = 4;

  private final Cursor cursor;
  private final MemorySegment data;
  private final Path file;

  private GgufReader(MemorySegment data, Path file) {
    this.data = data;
    this.file = file;
    this.cursor = new Cursor(data, 0, file);
  }

  /**
   * Reads the bytes of a whole file.
   *
   * @param file for messages
   * @throws WeightsException if they aren't a sound GGUF file of version 2 or 3
   */
  public static GgufContent read(MemorySegment data, Path file) {
    return new GgufReader(data, file).read();
  }

  private GgufContent read() {
    int version = version();
    long tensorCount = cursor.count("tensor count", 1);
    long metadataCount = cursor.count("metadata count", 13);
    if (tensorCount > cursor.remaining() / 32) {
      throw cursor.fault(
          8,
          "tensor count of %d can't be true: %d bytes are left in the file"
              .formatted(tensorCount, cursor.remaining()));
    }
    Metadata metadata = metadata(metadataCount);
    int alignment = alignment(metadata);
    List<Placed> placed = directory(tensorCount);
    long dataStart = Math.ceilDiv(cursor.position(), alignment) * (long) alignment;
    return new GgufContent(version, alignment, metadata, tensors(placed, dataStart, alignment));
  }

  private int version() {
    if (data.byteSize() < 4 || cursor.int32("magic") != MAGIC) {
      throw cursor.fault(0, "not a GGUF file: it doesn't start with 'GGUF'");
    }
    int version = cursor.int32("version");
    if (version == 2 || version == 3) {
      return version;
    }
    int swapped = Integer.reverseBytes(version);
    if (swapped > 0 && swapped < 256) {
      throw cursor.fault(4, "a big-endian GGUF file; convert it to little endian");
    }
    throw cursor.fault(
        4,
        "GGUF version %s isn't supported (2 and 3 are); convert the model again"
            .formatted(Integer.toUnsignedString(version)));
  }

  private Metadata metadata(long count) {
    Map<String, Entry> entries = new LinkedHashMap<>();
    for (long i = 0; i < count; i++) {
      long start = cursor.position();
      String key = cursor.string("metadata key", LONGEST_NAME);
      String what = "metadata '" + key + "'";
      ValueType type = cursor.valueType("type of " + what);
      if (entries.put(key, new Entry(type, cursor.value(type, what))) != null) {
        throw cursor.fault(start, what + " appears twice");
      }
    }
    return new Metadata(file, entries);
  }

  private int alignment(Metadata metadata) {
    int alignment = metadata.integer(ALIGNMENT_KEY, DEFAULT_ALIGNMENT);
    if (Integer.bitCount(alignment) != 1 || alignment < 0) {
      throw WeightsException.in(
          file, "metadata '%s' is %d, not a power of two".formatted(ALIGNMENT_KEY, alignment));
    }
    return alignment;
  }

  /** A directory entry; {@code entryOffset} is where the file says so. */
  private record Placed(
      String name, TensorType type, long[] shape, long bytes, long offset, long entryOffset) {}

  private List<Placed> directory(long count) {
    List<Placed> placed = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      placed.add(entry());
    }
    return placed;
  }

  private Placed entry() {
    long start = cursor.position();
    String name = cursor.string("tensor name", LONGEST_NAME);
    String what = "tensor '" + name + "'";
    int dimensions = cursor.int32("dimension count of " + what);
    if (dimensions < 1 || dimensions > MOST_DIMENSIONS) {
      throw cursor.fault(
          start,
          "%s has %s dimensions; 1 to %d are possible"
              .formatted(what, Integer.toUnsignedString(dimensions), MOST_DIMENSIONS));
    }
    long[] shape = new long[dimensions];
    for (int d = dimensions - 1; d >= 0; d--) {
      shape[d] = cursor.int64("shape of " + what);
      if (shape[d] <= 0) {
        throw cursor.fault(
            start, "%s has a dimension of %s".formatted(what, Long.toUnsignedString(shape[d])));
      }
    }
    int typeId = cursor.int32("type of " + what);
    long offset = cursor.int64("offset of " + what);
    try {
      TensorType type = TensorType.ofGgufId(typeId);
      return new Placed(name, type, shape, Tensor.bytes(name, type, shape), offset, start);
    } catch (WeightsException e) {
      String message = String.valueOf(e.getMessage());
      throw cursor.fault(start, message.startsWith("tensor '") ? message : what + ": " + message);
    }
  }

  private Map<String, Tensor> tensors(List<Placed> placed, long dataStart, int alignment) {
    for (Placed p : placed) {
      checkPlace(p, dataStart, alignment);
    }
    checkDisjoint(placed);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Placed p : placed) {
      var bytes = data.asSlice(dataStart + p.offset, p.bytes);
      if (tensors.put(p.name, new Tensor(p.name, p.type, p.shape, bytes)) != null) {
        throw cursor.fault(p.entryOffset, "tensor '%s' appears twice".formatted(p.name));
      }
    }
    return Collections.unmodifiableMap(tensors);
  }

  private void checkPlace(Placed p, long dataStart, int alignment) {
    if (p.offset < 0 || p.offset % alignment != 0) {
      throw cursor.fault(
          p.entryOffset,
          "tensor '%s' starts at %s of the data, which isn't a multiple of the alignment %d"
              .formatted(p.name, Long.toUnsignedString(p.offset), alignment));
    }
    long available = data.byteSize() - dataStart;
    if (p.bytes > available || p.offset > available - p.bytes) {
      throw cursor.fault(
          p.entryOffset,
          "tensor '%s' %s %s needs bytes %d to %s, but the file has %d; is it cut short?"
              .formatted(
                  p.name,
                  p.type,
                  Arrays.toString(p.shape),
                  dataStart + p.offset,
                  Long.toUnsignedString(dataStart + p.offset + p.bytes),
                  data.byteSize()));
    }
  }

  private void checkDisjoint(List<Placed> placed) {
    List<Placed> byOffset = new ArrayList<>(placed);
    byOffset.sort(Comparator.comparingLong(Placed::offset));
    for (int i = 1; i < byOffset.size(); i++) {
      Placed before = byOffset.get(i - 1);
      Placed after = byOffset.get(i);
      if (before.offset + before.bytes > after.offset) {
        throw cursor.fault(
            after.entryOffset, "tensors '%s' and '%s' overlap".formatted(before.name, after.name));
      }
    }
  }
}
