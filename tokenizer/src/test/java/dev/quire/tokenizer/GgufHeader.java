package dev.quire.tokenizer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A reader of a GGUF file's metadata, as much as tests of tokenizers need. */
public record GgufHeader(Map<String, Object> values) implements TokenizerMetadata {

  public static GgufHeader read(Path path) {
    try {
      ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
      in.position(16);
      long keys = in.getLong();
      Map<String, Object> values = new HashMap<>();
      for (long i = 0; i < keys; i++) {
        String key = string(in);
        values.put(key, value(in, in.getInt()));
      }
      return new GgufHeader(values);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String string(ByteBuffer in) {
    byte[] bytes = new byte[(int) in.getLong()];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static Object value(ByteBuffer in, int type) {
    return switch (type) {
      case 0, 1 -> (int) in.get();
      case 2, 3 -> (int) in.getShort();
      case 4, 5 -> in.getInt();
      case 6 -> in.getFloat();
      case 7 -> in.get() != 0;
      case 8 -> string(in);
      case 9 -> {
        int elementType = in.getInt();
        long length = in.getLong();
        List<Object> items = new ArrayList<>();
        for (long i = 0; i < length; i++) {
          items.add(value(in, elementType));
        }
        yield items;
      }
      case 10, 11 -> (int) in.getLong();
      case 12 -> (float) in.getDouble();
      default -> throw new IllegalArgumentException("type " + type);
    };
  }

  @Override
  public boolean has(String key) {
    return values.containsKey(key);
  }

  @Override
  public String string(String key, String fallback) {
    return (String) values.getOrDefault(key, fallback);
  }

  @Override
  public int integer(String key, int fallback) {
    return (Integer) values.getOrDefault(key, fallback);
  }

  @Override
  public boolean flag(String key, boolean fallback) {
    return (Boolean) values.getOrDefault(key, fallback);
  }

  @Override
  public List<String> strings(String key) {
    return list(key).stream().map(String.class::cast).toList();
  }

  @Override
  public int[] integers(String key) {
    return list(key).stream().mapToInt(Integer.class::cast).toArray();
  }

  @Override
  public float[] numbers(String key) {
    float[] numbers = new float[list(key).size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (Float) list(key).get(i);
    }
    return numbers;
  }

  private List<?> list(String key) {
    return (List<?>) values.getOrDefault(key, List.of());
  }
}
