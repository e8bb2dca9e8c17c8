package dev.quire.weights.gguf;

import dev.quire.weights.Progress;
import dev.quire.weights.WeightsException;
import dev.quire.weights.gguf.Metadata.Entry;
import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Writes GGUF files of version 3. Tensors are asked for piece by piece while the file is written,
 * so that memory stays bounded; the file appears under its name only when it is whole.
 */
public final class GgufWriter {
  private static final int VERSION = 3;

  private final Metadata metadata;
  private final int alignment;
  private final List<Planned> tensors = new ArrayList<>();
  private final Set<String> names = new HashSet<>();
  private long dataBytes;

  /** A tensor to be written, {@code offset} bytes after the data's start. */
  record Planned(
      String name, TensorType type, long[] shape, long bytes, long offset, TensorSource source) {}

  /**
   * @param metadata may set {@code general.alignment}, a power of two
   */
  public GgufWriter(Metadata metadata) {
    this.metadata = metadata;
    this.alignment = metadata.integer(GgufReader.ALIGNMENT_KEY, GgufReader.DEFAULT_ALIGNMENT);
    if (Integer.bitCount(alignment) != 1) {
      throw new WeightsException(
          "metadata '%s' is %d, not a power of two".formatted(GgufReader.ALIGNMENT_KEY, alignment));
    }
  }

  /** Adds a tensor that is copied as it is. */
  public GgufWriter add(Tensor tensor) {
    TensorType type = tensor.type();
    return add(
        tensor.name(),
        type,
        tensor.shape(),
        (first, elements, piece) ->
            piece.copyFrom(tensor.data().asSlice(type.bytesFor(first), type.bytesFor(elements))));
  }

  /**
   * Adds a tensor.
   *
   * @param shape outermost dimension first
   * @throws WeightsException if the name was there before, or the shape can't be written
   */
  public GgufWriter add(String name, TensorType type, long[] shape, TensorSource source) {
    long bytes = Tensor.bytes(name, type, shape);
    if (shape.length < 1 || shape.length > 4 || bytes == 0) {
      throw new WeightsException(
          "tensor '%s': GGUF holds 1 to 4 dimensions, none of them 0".formatted(name));
    }
    if (!names.add(name)) {
      throw new WeightsException("tensor '%s' was added twice".formatted(name));
    }
    tensors.add(new Planned(name, type, shape.clone(), bytes, dataBytes, source));
    dataBytes = aligned(dataBytes + bytes);
    return this;
  }

  /** The bytes of tensor data, padding included. */
  public long dataBytes() {
    return dataBytes;
  }

  /**
   * Writes the file, using every core; replaces a file that is there.
   *
   * @throws WeightsException if that fails; nothing is left behind then
   */
  public void write(Path target, Progress progress) {
    Path name = target.getFileName();
    if (name == null) {
      throw WeightsException.in(target, "isn't the name of a file");
    }
    Path partial = target.resolveSibling(name + ".partial");
    try {
      try (FileChannel channel =
          FileChannel.open(
              partial,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        byte[] header = header();
        ParallelWrite.writeFully(channel, ByteBuffer.wrap(header), 0);
        new ParallelWrite(channel, header.length, dataBytes, progress).write(tensors);
        padEnd(channel, header.length + dataBytes);
      }
      Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      deleteQuietly(partial);
      throw new WeightsException(target + ": can't be written: " + e.getMessage(), e);
    } catch (RuntimeException e) {
      deleteQuietly(partial);
      throw e;
    }
  }

  private static void padEnd(FileChannel channel, long size) throws IOException {
    if (channel.size() < size) {
      ParallelWrite.writeFully(channel, ByteBuffer.allocate(1), size - 1);
    }
  }

  private static void deleteQuietly(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException _) {
      // The failure that led here is the one to report.
    }
  }

  private long aligned(long position) {
    return Math.ceilDiv(position, alignment) * (long) alignment;
  }

  private byte[] header() {
    var out = new Output();
    out.int32(GgufReader.MAGIC);
    out.int32(VERSION);
    out.int64(tensors.size());
    out.int64(metadata.entries().size());
    for (Map.Entry<String, Entry> entry : metadata.entries().entrySet()) {
      out.string(entry.getKey());
      out.int32(entry.getValue().type().id());
      out.value(entry.getValue().type(), entry.getValue().value());
    }
    for (Planned tensor : tensors) {
      out.string(tensor.name);
      out.int32(tensor.shape.length);
      for (int d = tensor.shape.length - 1; d >= 0; d--) {
        out.int64(tensor.shape[d]);
      }
      out.int32(tensor.type.ggufId());
      out.int64(tensor.offset);
    }
    out.pad((int) (aligned(out.bytes.size()) - out.bytes.size()));
    return out.bytes.toByteArray();
  }

  /** Little-endian output of a header, which is small. */
  private static final class Output {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    void integer(long value, int size) {
      for (int i = 0; i < size; i++) {
        bytes.write((int) (value >>> 8 * i));
      }
    }

    void int32(int value) {
      integer(value, 4);
    }

    void int64(long value) {
      integer(value, 8);
    }

    void string(String value) {
      byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
      int64(utf8.length);
      bytes.writeBytes(utf8);
    }

    void value(ValueType type, Object value) {
      switch (value) {
        case Long l -> integer(l, type.bytes());
        case Float f -> int32(Float.floatToRawIntBits(f));
        case Double d -> int64(Double.doubleToRawLongBits(d));
        case Boolean b -> bytes.write(b ? 1 : 0);
        case String s -> string(s);
        case MetadataArray a -> {
          int32(a.elementType().id());
          int64(a.count());
          bytes.writeBytes(a.encoded().toArray(ValueLayout.JAVA_BYTE));
        }
        default -> throw new AssertionError(value);
      }
    }

    void pad(int count) {
      bytes.writeBytes(new byte[count]);
    }
  }
}
