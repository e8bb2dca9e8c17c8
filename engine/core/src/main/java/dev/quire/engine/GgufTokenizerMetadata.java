package dev.quire.engine;

import dev.quire.tokenizer.TokenizerMetadata;
import dev.quire.weights.gguf.Metadata;
import java.util.List;

/** Lets the tokenizer read a GGUF file's metadata, which it knows nothing of. */
public record GgufTokenizerMetadata(Metadata metadata) implements TokenizerMetadata {
  @Override
  public boolean has(String key) {
    return metadata.has(key);
  }

  @Override
  public String string(String key, String fallback) {
    return metadata.string(key, fallback);
  }

  @Override
  public int integer(String key, int fallback) {
    return metadata.integer(key, fallback);
  }

  @Override
  public boolean flag(String key, boolean fallback) {
    return metadata.flag(key, fallback);
  }

  @Override
  public List<String> strings(String key) {
    return metadata.strings(key);
  }

  @Override
  public byte[][] utf8Strings(String key) {
    return metadata.utf8Strings(key);
  }

  @Override
  public int[] integers(String key) {
    return metadata.integers(key);
  }

  @Override
  public float[] numbers(String key) {
    return metadata.numbers(key);
  }
}
