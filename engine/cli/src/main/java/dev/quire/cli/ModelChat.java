package dev.quire.cli;

import dev.quire.engine.Engine;
import dev.quire.engine.Prompt;
import dev.quire.server.ChatFormat;
import dev.quire.tokenizer.Tokenizer;
import dev.quire.tokenizer.chat.ChatRequest;
import dev.quire.tokenizer.chat.ChatTemplate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** How the loaded model wants conversations written down: by its template, if it has one. */
final class ModelChat {
  private ModelChat() {}

  static ChatFormat of(Engine engine) {
    Optional<ChatTemplate> own = engine.chatTemplate();
    if (own.isEmpty()) {
      return ModelChat::transcript;
    }
    ChatTemplate template = own.get();
    Tokenizer tokenizer = engine.tokenizer();
    String bos = spelling(tokenizer, tokenizer.bosId());
    String eos = spelling(tokenizer, tokenizer.eosId());
    return messages -> Prompt.rendered(template.render(ChatRequest.of(messages, true, bos, eos)));
  }

  private static String spelling(Tokenizer tokenizer, OptionalInt id) {
    return id.isPresent() ? tokenizer.token(id.getAsInt()) : "";
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
