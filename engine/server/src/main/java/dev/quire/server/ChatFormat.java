package dev.quire.server;

import dev.quire.engine.Prompt;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How a model wants a conversation written down. */
@FunctionalInterface
public interface ChatFormat {
  /**
   * The prompt that the assistant's next turn continues.
   *
   * @param messages JSON-like, each with {@code role} and {@code content}
   * @throws RuntimeException with the template's message if it refuses the conversation
   */
  Prompt render(List<Map<String, @Nullable Object>> messages);
}
