package dev.quire.cli;

import dev.quire.engine.EmbeddedModel;
import dev.quire.tokenizer.Tokenizer;
import dev.quire.tokenizer.TokenizerMetadata;
import dev.quire.weights.GgufFile;
import dev.quire.weights.HuggingFaceFolder;
import dev.quire.weights.ModelFile;
import dev.quire.weights.gguf.Metadata;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A model's tokenizer without its weights: a vocabulary alone is enough. */
final class VocabularyLoader {
  private VocabularyLoader() {}

  /** Of a GGUF file or a folder; without a path, of the embedded model. */
  static Tokenizer load(@Nullable Path model) {
    if (model != null && Files.isDirectory(model)) {
      return Tokenizer.fromHuggingFace(model);
    }
    try (GgufFile file = model == null ? EmbeddedModel.open() : GgufFile.open(model)) {
      return load(file);
    }
  }

  /** Of an open model. */
  static Tokenizer load(ModelFile file) {
    return switch (file) {
      case GgufFile gguf -> Tokenizer.fromGguf(new GgufMetadata(gguf.metadata()));
      case HuggingFaceFolder folder -> Tokenizer.fromHuggingFace(folder.path());
    };
  }

  /** GGUF's keys as the tokenizer asks for them. */
  private record GgufMetadata(Metadata metadata) implements TokenizerMetadata {
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
    public int[] integers(String key) {
      return metadata.integers(key);
    }

    @Override
    public float[] numbers(String key) {
      return metadata.numbers(key);
    }
  }
}
