package dev.quire.cli;

import dev.quire.weights.GgufFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Finds a model's chat template where its format keeps it; its weights are not read. */
final class TemplateSource {
  private TemplateSource() {}

  /** The template's text; null if the model has none. */
  static @Nullable String of(Path model) throws IOException {
    if (!Files.isDirectory(model)) {
      try (GgufFile file = GgufFile.open(model)) {
        return file.metadata().has("tokenizer.chat_template")
            ? file.metadata().string("tokenizer.chat_template")
            : null;
      }
    }
    Path own = model.resolve("chat_template.jinja");
    if (Files.isRegularFile(own)) {
      return new String(Files.readAllBytes(own), StandardCharsets.UTF_8);
    }
    Path config = model.resolve("tokenizer_config.json");
    if (!Files.isRegularFile(config)) {
      return null;
    }
    JsonNode template = new JsonMapper().readTree(Files.readAllBytes(config)).get("chat_template");
    if (template != null && template.isArray()) {
      // Several by name: the one called default is for plain conversations.
      for (JsonNode named : template) {
        if (named.path("name").asString("").equals("default")) {
          return named.path("template").asString("");
        }
      }
      return null;
    }
    return template == null || !template.isString() ? null : template.stringValue();
  }
}
