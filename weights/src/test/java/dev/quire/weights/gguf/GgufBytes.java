package dev.quire.weights.gguf;

import dev.quire.weights.GgufFile;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Puts GGUF files together byte by byte, sound or not. */
final class GgufBytes {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  static GgufBytes header(long tensors, long metadata) {
    return new GgufBytes().ascii("GGUF").int32(3).int64(tensors).int64(metadata);
  }

  GgufBytes ascii(String text) {
    bytes.writeBytes(text.getBytes(StandardCharsets.UTF_8));
    return this;
  }

  GgufBytes integer(long value, int size) {
    for (int i = 0; i < size; i++) {
      bytes.write((int) (value >>> 8 * i));
    }
    return this;
  }

  GgufBytes int32(long value) {
    return integer(value, 4);
  }

  GgufBytes int64(long value) {
    return integer(value, 8);
  }

  GgufBytes string(String text) {
    return int64(text.getBytes(StandardCharsets.UTF_8).length).ascii(text);
  }

  /** Dimensions innermost first, as the format has them. */
  GgufBytes tensor(String name, int type, long offset, long... dimensions) {
    string(name).int32(dimensions.length);
    for (long dimension : dimensions) {
      int64(dimension);
    }
    return int32(type).int64(offset);
  }

  GgufBytes data(int size) {
    while (bytes.size() % 32 != 0) {
      bytes.write(0);
    }
    bytes.writeBytes(new byte[size]);
    return this;
  }

  byte[] bytes() {
    return bytes.toByteArray();
  }

  GgufFile open() {
    return GgufFile.of(MemorySegment.ofArray(bytes()), Path.of("made-up.gguf"));
  }
}
