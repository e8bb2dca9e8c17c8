package dev.quire.cli;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a safetensors file front to back, so that a result larger than memory can be: the tensors
 * are declared first, their elements follow in the same order.
 */
final class SafetensorsOutput {
  private static final int ELEMENT_BYTES = 4;
  private static final int BUFFER_BYTES = 1 << 18;

  private final ObjectNode directory = new JsonMapper().createObjectNode();
  private long bytes;

  /** Adds a tensor of four-byte elements. */
  void declare(String name, String type, List<Integer> shape) {
    ObjectNode entry = directory.putObject(name);
    entry.put("dtype", type);
    ArrayNode dimensions = entry.putArray("shape");
    long elements = 1;
    for (int dimension : shape) {
      dimensions.add(dimension);
      elements *= dimension;
    }
    entry.putArray("data_offsets").add(bytes).add(bytes + elements * ELEMENT_BYTES);
    bytes += elements * ELEMENT_BYTES;
  }

  Data open(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING);
    return new Data(channel, directory.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** The elements, in the order their tensors were declared. */
  static final class Data implements Closeable {
    private final FileChannel channel;
    private final ByteBuffer buffer =
        ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);

    private Data(FileChannel channel, byte[] directory) throws IOException {
      this.channel = channel;
      // Blanks after the directory let the data begin at a multiple of eight.
      int padded = (directory.length + 7) / 8 * 8;
      buffer.putLong(padded);
      drain();
      ByteBuffer text = ByteBuffer.allocate(padded).put(directory);
      while (text.hasRemaining()) {
        text.put((byte) ' ');
      }
      text.flip();
      while (text.hasRemaining()) {
        channel.write(text);
      }
    }

    void write(float[] elements) throws IOException {
      for (float element : elements) {
        room();
        buffer.putFloat(element);
      }
    }

    void write(int[] elements) throws IOException {
      for (int element : elements) {
        room();
        buffer.putInt(element);
      }
    }

    private void room() throws IOException {
      if (buffer.remaining() < ELEMENT_BYTES) {
        drain();
      }
    }

    private void drain() throws IOException {
      buffer.flip();
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      buffer.clear();
    }

    @Override
    public void close() throws IOException {
      try (channel) {
        drain();
      }
    }
  }
}
