package dev.quire.weights.gguf;

import dev.quire.weights.gguf.Metadata.Entry;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Collects metadata to be written; a key set twice keeps its place and takes the later value. */
public final class MetadataBuilder {
  private static final Path NO_FILE = Path.of("(new metadata)");

  private final Map<String, Entry> entries = new LinkedHashMap<>();

  MetadataBuilder() {}

  public MetadataBuilder string(String key, String value) {
    return put(key, ValueType.STRING, value);
  }

  /** An unsigned 32-bit integer, which is how GGUF writes sizes and counts. */
  public MetadataBuilder integer(String key, int value) {
    if (value < 0) {
      throw new IllegalArgumentException(key + " is negative: " + value);
    }
    return put(key, ValueType.UINT32, (long) value);
  }

  /** An integer of a given type; {@code UINT64} takes the value's 64 bits. */
  public MetadataBuilder integer(String key, ValueType type, long value) {
    if (!type.isInteger()) {
      throw new IllegalArgumentException(type + " isn't an integer type");
    }
    int bits = type.bytes() * 8;
    boolean unsigned = type.label().startsWith("u");
    if (bits < 64 && (unsigned ? value >>> bits != 0 : value << 64 - bits >> 64 - bits != value)) {
      throw new IllegalArgumentException(key + ": " + value + " doesn't fit " + type.label());
    }
    return put(key, type, value);
  }

  public MetadataBuilder number(String key, float value) {
    return put(key, ValueType.FLOAT32, value);
  }

  public MetadataBuilder number(String key, double value) {
    return put(key, ValueType.FLOAT64, value);
  }

  public MetadataBuilder flag(String key, boolean value) {
    return put(key, ValueType.BOOL, value);
  }

  public MetadataBuilder strings(String key, List<String> values) {
    var bytes = new ByteArrayOutputStream();
    for (String value : values) {
      byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
      var length = new byte[8];
      littleEndian(length).putLong(utf8.length);
      bytes.writeBytes(length);
      bytes.writeBytes(utf8);
    }
    return array(key, ValueType.STRING, values.size(), bytes.toByteArray());
  }

  /** An array of signed 32-bit integers. */
  public MetadataBuilder integers(String key, int[] values) {
    var bytes = new byte[4 * values.length];
    littleEndian(bytes).asIntBuffer().put(values);
    return array(key, ValueType.INT32, values.length, bytes);
  }

  /** An array of single-precision numbers. */
  public MetadataBuilder numbers(String key, float[] values) {
    var bytes = new byte[4 * values.length];
    littleEndian(bytes).asFloatBuffer().put(values);
    return array(key, ValueType.FLOAT32, values.length, bytes);
  }

  public MetadataBuilder flags(String key, boolean[] values) {
    var bytes = new byte[values.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (values[i] ? 1 : 0);
    }
    return array(key, ValueType.BOOL, values.length, bytes);
  }

  /** Everything of other metadata, types kept; views of a mapped file stay views. */
  public MetadataBuilder all(Metadata other) {
    entries.putAll(other.entries());
    return this;
  }

  public MetadataBuilder remove(String key) {
    entries.remove(key);
    return this;
  }

  public Metadata build() {
    return new Metadata(NO_FILE, entries);
  }

  private MetadataBuilder array(String key, ValueType element, int count, byte[] encoded) {
    var array = new MetadataArray(element, count, MemorySegment.ofArray(encoded), NO_FILE);
    return put(key, ValueType.ARRAY, array);
  }

  private MetadataBuilder put(String key, ValueType type, Object value) {
    entries.put(key, new Entry(type, value));
    return this;
  }

  private static ByteBuffer littleEndian(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
