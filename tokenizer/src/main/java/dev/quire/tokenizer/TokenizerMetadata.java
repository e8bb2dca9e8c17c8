package dev.quire.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What a tokenizer reads of a model file's key-value metadata (the {@code tokenizer.ggml.*} keys of
 * GGUF). Whoever reads the file adapts its metadata to this interface; getters with a fallback
 * return it when the key is absent, the others are called only for keys that are there.
 */
public interface TokenizerMetadata {
  boolean has(String key);

  String string(String key, String fallback);

  int integer(String key, int fallback);

  boolean flag(String key, boolean fallback);

  /** An array of strings. */
  List<String> strings(String key);

  /** An array of strings, in UTF-8. A reader that has the bytes gives them without strings. */
  default byte[][] utf8Strings(String key) {
    return strings(key).stream()
        .map(text -> text.getBytes(StandardCharsets.UTF_8))
        .toArray(byte[][]::new);
  }

  /** An array of any integer type, widened or narrowed to int. */
  int[] integers(String key);

  /** An array of float32. */
  float[] numbers(String key);
}
