package dev.quire.cli;

import dev.quire.engine.Engine;
import dev.quire.engine.PinnedPrefix;
import dev.quire.engine.Prompt;
import dev.quire.engine.chat.ChatFormat;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** A system prompt that many chats begin with, computed once and kept in the KV cache. */
final class SystemPrompt {
  private SystemPrompt() {}

  /**
   * Computes and pins what the model's template makes of a system prompt, as far as it is the same
   * whatever the user says.
   *
   * @throws dev.quire.engine.QuireException if it is shorter than a block, or does not leave room
   *     for a sequence of the greatest length
   */
  static PinnedPrefix pin(Engine engine, String text) {
    int[] one = ids(engine, text, "Why?");
    int[] other = ids(engine, text, "hello");
    int differs = Arrays.mismatch(one, other);
    return engine.pin(Prompt.tokens(Arrays.copyOf(one, differs < 0 ? one.length : differs)));
  }

  /** The tokens of a chat's first turn. */
  static int[] ids(Engine engine, String system, String user) {
    Prompt prompt =
        ChatFormat.of(engine)
            .render(
                ChatFormat.Conversation.of(
                    List.of(
                        Map.of("role", "system", "content", system),
                        Map.of("role", "user", "content", user))));
    return switch (prompt) {
      case Prompt.Tokens(List<Integer> ids) -> ids.stream().mapToInt(i -> i).toArray();
      case Prompt.Text(String text, boolean addSpecial, boolean parseSpecial) ->
          engine.tokenizer().encode(text, addSpecial, parseSpecial);
    };
  }
}
