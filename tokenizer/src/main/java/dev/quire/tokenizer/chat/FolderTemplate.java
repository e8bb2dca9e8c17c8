package dev.quire.tokenizer.chat;

import dev.quire.tokenizer.TokenizerException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The chat template of a Hugging Face folder: {@code chat_template.jinja}, else the field {@code
 * chat_template} of {@code tokenizer_config.json}, which is a text or a list of named ones.
 */
public final class FolderTemplate {
  private static final String FILE = "chat_template.jinja";
  private static final String CONFIG = "tokenizer_config.json";
  private static final String FIELD = "chat_template";

  private FolderTemplate() {}

  /**
   * Reads it; no other file is touched.
   *
   * @return the template's text, null if the folder has none for plain conversations
   * @throws TokenizerException if a file cannot be read or is no JSON
   */
  public static @Nullable String read(Path folder) {
    Path own = folder.resolve(FILE);
    if (Files.isRegularFile(own)) {
      return text(own);
    }
    Path config = folder.resolve(CONFIG);
    return Files.isRegularFile(config) ? fromConfig(config) : null;
  }

  private static @Nullable String fromConfig(Path config) {
    JsonNode template;
    try {
      template = new JsonMapper().readTree(text(config)).get(FIELD);
    } catch (JacksonException e) {
      throw new TokenizerException(config + ": not sound JSON: " + e.getOriginalMessage(), e);
    }
    if (template == null || template.isNull()) {
      return null;
    }
    if (template.isString()) {
      return template.stringValue();
    }
    if (!template.isArray()) {
      throw new TokenizerException(
          config + ": " + FIELD + " must be a text or a list of named ones");
    }
    for (JsonNode named : template) {
      // The others are for tools or retrieval alone.
      if (named.path("name").asString("").equals("default")) {
        return named.path("template").asString("");
      }
    }
    return null;
  }

  private static String text(Path file) {
    try {
      // Not Files.readString: a stray byte must not stop a model from being used.
      return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new TokenizerException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }
}
