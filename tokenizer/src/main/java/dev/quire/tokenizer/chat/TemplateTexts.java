package dev.quire.tokenizer.chat;

import org.jspecify.annotations.Nullable;

/**
 * The chat templates of a model.
 *
 * @param usual for conversations
 * @param toolUse for those with tools; null where the usual one serves them, too
 */
public record TemplateTexts(String usual, @Nullable String toolUse) {
  /** A model's only template. */
  public static TemplateTexts of(String usual) {
    return new TemplateTexts(usual, null);
  }
}
