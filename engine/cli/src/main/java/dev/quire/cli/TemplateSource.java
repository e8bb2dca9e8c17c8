package dev.quire.cli;

import dev.quire.engine.EmbeddedModel;
import dev.quire.engine.chat.GgufTemplate;
import dev.quire.tokenizer.chat.FolderTemplate;
import dev.quire.tokenizer.chat.TemplateTexts;
import dev.quire.weights.GgufFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Finds a model's chat template where its format keeps it; its weights are not read. */
final class TemplateSource {
  private TemplateSource() {}

  /** The templates' texts, of the embedded model without a path; null if the model has none. */
  static @Nullable TemplateTexts of(@Nullable Path model) {
    if (model != null && Files.isDirectory(model)) {
      return FolderTemplate.read(model);
    }
    try (GgufFile file = model == null ? EmbeddedModel.open() : GgufFile.open(model)) {
      return GgufTemplate.read(file);
    }
  }
}
