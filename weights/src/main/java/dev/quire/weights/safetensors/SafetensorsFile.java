package dev.quire.weights.safetensors;

import dev.quire.weights.MappedFile;
import dev.quire.weights.WeightsException;
import dev.quire.weights.safetensors.SafetensorsHeader.Entry;
import dev.quire.weights.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One mapped safetensors file. As the format asks, its tensors must fill the data without holes or
 * overlaps.
 */
public final class SafetensorsFile implements AutoCloseable {
  private static final ValueLayout.OfLong LENGTH =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** The format's own bound on the directory. */
  private static final long LONGEST_HEADER = 100_000_000;

  private final Path path;
  private final Arena arena;
  private final Map<String, Tensor> tensors;
  private final Map<String, String> metadata;

  private SafetensorsFile(
      Path path, Arena arena, Map<String, Tensor> tensors, Map<String, String> metadata) {
    this.path = path;
    this.arena = arena;
    this.tensors = Collections.unmodifiableMap(tensors);
    this.metadata = Collections.unmodifiableMap(metadata);
  }

  /**
   * Maps a file.
   *
   * @throws WeightsException if it is missing or unsound, or holds a type that Quire doesn't know
   */
  public static SafetensorsFile open(Path path) {
    @SuppressWarnings("MustBeClosedChecker") // this object closes it
    Arena arena = Arena.ofShared();
    try {
      MemorySegment bytes = MappedFile.map(path, arena);
      SafetensorsHeader header = SafetensorsHeader.parse(directory(bytes, path), path);
      return new SafetensorsFile(path, arena, tensors(header, bytes, path), header.metadata());
    } catch (RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  private static byte[] directory(MemorySegment bytes, Path path) {
    if (bytes.byteSize() < 8) {
      throw WeightsException.in(
          path, "not a safetensors file: it has only %d bytes".formatted(bytes.byteSize()));
    }
    long length = bytes.get(LENGTH, 0);
    if (length < 2 || length > bytes.byteSize() - 8 || length > LONGEST_HEADER) {
      throw WeightsException.at(
          path,
          0,
          "not a safetensors file, or cut short: a directory of %s bytes in a file of %d"
              .formatted(Long.toUnsignedString(length), bytes.byteSize()));
    }
    return bytes.asSlice(8, length).toArray(ValueLayout.JAVA_BYTE);
  }

  private static Map<String, Tensor> tensors(
      SafetensorsHeader header, MemorySegment bytes, Path path) {
    long start = 8 + bytes.get(LENGTH, 0);
    checkPlaces(header.entries(), bytes.byteSize() - start, path);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Entry entry : header.entries()) {
      var data = bytes.asSlice(start + entry.begin(), entry.end() - entry.begin());
      tensors.put(entry.name(), new Tensor(entry.name(), entry.type(), entry.shape(), data));
    }
    return tensors;
  }

  private static void checkPlaces(List<Entry> entries, long dataBytes, Path path) {
    List<Entry> byPlace = new ArrayList<>(entries);
    byPlace.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    long position = 0;
    for (Entry entry : byPlace) {
      String what = "tensor '" + entry.name() + "'";
      if (entry.end() < entry.begin() || entry.end() > dataBytes) {
        throw WeightsException.in(
            path,
            "%s has data_offsets %d to %d of %d bytes of data; is the file cut short?"
                .formatted(what, entry.begin(), entry.end(), dataBytes));
      }
      long bytes = bytes(entry, path);
      if (bytes != entry.end() - entry.begin()) {
        throw WeightsException.in(
            path,
            "%s is %s %s, which takes %d bytes, but has %d"
                .formatted(
                    what,
                    entry.type(),
                    Arrays.toString(entry.shape()),
                    bytes,
                    entry.end() - entry.begin()));
      }
      if (entry.begin() != position) {
        throw WeightsException.in(
            path,
            "%s starts at %d of the data where %d is due: %s"
                .formatted(
                    what,
                    entry.begin(),
                    position,
                    entry.begin() < position ? "tensors overlap" : "there is a hole"));
      }
      position = entry.end();
    }
    if (position != dataBytes) {
      throw WeightsException.in(
          path, "%d bytes follow the last tensor".formatted(dataBytes - position));
    }
  }

  private static long bytes(Entry entry, Path path) {
    try {
      return Tensor.bytes(entry.name(), entry.type(), entry.shape());
    } catch (WeightsException e) {
      throw new WeightsException(path + ": " + e.getMessage(), e);
    }
  }

  public Path path() {
    return path;
  }

  /** The tensors by name, in the directory's order. */
  public Map<String, Tensor> tensors() {
    return tensors;
  }

  /** The free strings that the file carries. */
  public Map<String, String> metadata() {
    return metadata;
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
