package dev.quire.cli;

import dev.quire.engine.EmbeddedModel;
import dev.quire.engine.GgufTokenizer;
import dev.quire.tokenizer.Tokenizer;
import dev.quire.weights.GgufFile;
import dev.quire.weights.HuggingFaceFolder;
import dev.quire.weights.ModelFile;
import java.nio.file.Files;
import java.nio.file.Path;
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
      case GgufFile gguf -> GgufTokenizer.read(gguf);
      case HuggingFaceFolder folder -> Tokenizer.fromHuggingFace(folder.path());
    };
  }
}
