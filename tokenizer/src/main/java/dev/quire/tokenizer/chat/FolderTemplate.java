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
 * The chat templates of a Hugging Face folder. The files {@code chat_template.jinja} and {@code
 * additional_chat_templates/NAME.jinja} win; else the field {@code chat_template} of {@code
 * tokenizer_config.json} is taken, which is a text or a list of named ones. Of those with a name,
 * {@code default} serves conversations and {@code tool_use} those with tools, as in transformers.
 */
public final class FolderTemplate {
  private static final String FILE = "chat_template.jinja";
  private static final String NAMED_FILE = "additional_chat_templates/tool_use.jinja";
  private static final String CONFIG = "tokenizer_config.json";
  private static final String FIELD = "chat_template";

  private FolderTemplate() {}

  /**
   * Reads them; no other file is touched.
   *
   * @return null if the folder has none for plain conversations
   * @throws TokenizerException if a file cannot be read or is no JSON
   */
  public static @Nullable TemplateTexts read(Path folder) {
    Path own = folder.resolve(FILE);
    if (Files.isRegularFile(own)) {
      Path named = folder.resolve(NAMED_FILE);
      return new TemplateTexts(text(own), Files.isRegularFile(named) ? text(named) : null);
    }
    Path config = folder.resolve(CONFIG);
    return Files.isRegularFile(config) ? fromConfig(config) : null;
  }

  private static @Nullable TemplateTexts fromConfig(Path config) {
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
      return TemplateTexts.of(template.stringValue());
    }
    if (!template.isArray()) {
      throw new TokenizerException(
          config + ": " + FIELD + " must be a text or a list of named ones");
    }
    String usual = named(template, "default");
    return usual == null ? null : new TemplateTexts(usual, named(template, "tool_use"));
  }

  private static @Nullable String named(JsonNode templates, String name) {
    for (JsonNode template : templates) {
      if (template.path("name").asString("").equals(name)) {
        return template.path("template").asString("");
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
