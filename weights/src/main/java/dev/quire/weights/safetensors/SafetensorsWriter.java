package dev.quire.weights.safetensors;

import dev.quire.weights.WeightsException;
import dev.quire.weights.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Writes safetensors files; tensors stand in the file in the order in which they were added. */
public final class SafetensorsWriter {
  private static final long PIECE = 64L << 20;

  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  /** Adds one of the free strings that a file carries. */
  public SafetensorsWriter metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  /**
   * Adds a tensor.
   *
   * @throws WeightsException if safetensors doesn't know its type, or the name was there before
   */
  public SafetensorsWriter add(Tensor tensor) {
    SafetensorsType.nameOf(tensor.type());
    if (tensors.putIfAbsent(tensor.name(), tensor) != null) {
      throw new WeightsException("tensor '%s' was added twice".formatted(tensor.name()));
    }
    return this;
  }

  /**
   * Writes the file, replacing one that is there.
   *
   * @throws WeightsException if that fails
   */
  public void write(Path target) {
    try (FileChannel channel =
        FileChannel.open(
            target,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      writeFully(channel, header());
      for (Tensor tensor : tensors.values()) {
        for (long at = 0; at < tensor.data().byteSize(); at += PIECE) {
          long bytes = Math.min(PIECE, tensor.data().byteSize() - at);
          writeFully(channel, tensor.data().asSlice(at, bytes).asByteBuffer());
        }
      }
    } catch (IOException e) {
      throw new WeightsException(target + ": can't be written: " + e.getMessage(), e);
    }
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private ByteBuffer header() {
    JsonMapper mapper = JsonMapper.shared();
    ObjectNode root = mapper.createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode strings = root.putObject("__metadata__");
      metadata.forEach(strings::put);
    }
    long offset = 0;
    for (Tensor tensor : tensors.values()) {
      ObjectNode entry = root.putObject(tensor.name());
      entry.put("dtype", SafetensorsType.nameOf(tensor.type()));
      var shape = entry.putArray("shape");
      for (long dimension : tensor.shape()) {
        shape.add(dimension);
      }
      long end = offset + tensor.data().byteSize();
      entry.putArray("data_offsets").add(offset).add(end);
      offset = end;
    }
    StringBuilder json = new StringBuilder(root.toString());
    // Padded with spaces, as the format recommends, so that the data is aligned.
    while ((json.toString().getBytes(StandardCharsets.UTF_8).length & 7) != 0) {
      json.append(' ');
    }
    byte[] utf8 = json.toString().getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + utf8.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(utf8.length)
        .put(utf8)
        .flip();
  }
}
