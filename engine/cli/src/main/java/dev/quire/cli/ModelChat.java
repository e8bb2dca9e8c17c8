package dev.quire.cli;

import dev.quire.engine.Engine;
import dev.quire.engine.Prompt;
import dev.quire.server.ChatFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How the loaded model wants conversations written down. */
final class ModelChat {
  private ModelChat() {}

  static ChatFormat of(Engine engine) {
    return ModelChat::transcript;
  }

  /** For a model without a template: the turns one after another, as in a text it may know. */
  private static Prompt transcript(List<Map<String, @Nullable Object>> messages) {
    StringBuilder text = new StringBuilder();
    for (Map<String, @Nullable Object> message : messages) {
      Object content = message.get("content");
      if (content != null) {
        text.append(content).append('\n');
      }
    }
    return Prompt.text(text.toString());
  }
}
