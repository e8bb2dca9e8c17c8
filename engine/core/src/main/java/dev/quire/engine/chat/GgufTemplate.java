package dev.quire.engine.chat;

import dev.quire.tokenizer.chat.TemplateTexts;
import dev.quire.weights.GgufFile;
import org.jspecify.annotations.Nullable;

/**
 * The chat templates in a GGUF file's metadata: {@code tokenizer.chat_template}, and the named ones
 * as {@code tokenizer.chat_template.NAME}.
 */
public final class GgufTemplate {
  /** The key of the usual one. */
  public static final String KEY = "tokenizer.chat_template";

  /** The key of the one for conversations with tools. */
  public static final String TOOL_USE_KEY = KEY + ".tool_use";

  private GgufTemplate() {}

  /** Reads them; null if the file has none for plain conversations. */
  public static @Nullable TemplateTexts read(GgufFile file) {
    return file.metadata().has(KEY)
        ? new TemplateTexts(
            file.metadata().string(KEY),
            file.metadata().has(TOOL_USE_KEY) ? file.metadata().string(TOOL_USE_KEY) : null)
        : null;
  }
}
