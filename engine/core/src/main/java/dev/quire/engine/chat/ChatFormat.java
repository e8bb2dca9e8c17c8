package dev.quire.engine.chat;

import dev.quire.engine.Engine;
import dev.quire.engine.Prompt;
import dev.quire.tokenizer.Tokenizer;
import dev.quire.tokenizer.chat.ChatRequest;
import dev.quire.tokenizer.chat.ChatTemplate;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** How a model wants a conversation written down. */
@FunctionalInterface
public interface ChatFormat {
  /**
   * A conversation, of JSON-like values.
   *
   * @param messages each with {@code role} and {@code content}
   * @param tools descriptions of functions; null where there are none
   * @param extra further variables for the template, such as {@code enable_thinking}
   */
  record Conversation(
      List<Map<String, @Nullable Object>> messages,
      @Nullable List<?> tools,
      Map<String, @Nullable Object> extra) {

    /** Messages alone. */
    public static Conversation of(List<Map<String, @Nullable Object>> messages) {
      return new Conversation(messages, null, Map.of());
    }
  }

  /**
   * The prompt that the assistant's next turn continues.
   *
   * @throws RuntimeException with the template's message if it refuses the conversation
   */
  Prompt render(Conversation conversation);

  /**
   * The model's own template; without one, the turns one after another.
   *
   * @throws dev.quire.tokenizer.chat.ChatTemplateException if the template is malformed
   */
  static ChatFormat of(Engine engine) {
    Optional<ChatTemplate> own = engine.chatTemplate();
    if (own.isEmpty()) {
      return conversation -> transcript(withTools(inText(conversation)));
    }
    ChatTemplate template = own.get();
    Tokenizer tokenizer = engine.tokenizer();
    String bos = spelling(tokenizer, tokenizer.bosId());
    String eos = spelling(tokenizer, tokenizer.eosId());
    boolean knowsTools = template.takesTools();
    return given -> {
      Conversation conversation = knowsTools ? given : withTools(inText(given));
      return Prompt.rendered(
          template.render(
              new ChatRequest(
                  conversation.messages(),
                  conversation.tools(),
                  true,
                  bos,
                  eos,
                  LocalDateTime.now(ZoneId.systemDefault()),
                  conversation.extra())));
    };
  }

  private static String spelling(Tokenizer tokenizer, OptionalInt id) {
    return id.isPresent() ? tokenizer.token(id.getAsInt()) : "";
  }

  /** For a template that does not know of tools: calls as text, and no message without content. */
  private static Conversation inText(Conversation conversation) {
    List<Map<String, @Nullable Object>> messages = new ArrayList<>();
    for (Map<String, @Nullable Object> message : conversation.messages()) {
      Map<String, @Nullable Object> plain = new LinkedHashMap<>(message);
      Object content = plain.get("content");
      StringBuilder text = new StringBuilder(content == null ? "" : content.toString());
      if (plain.remove("tool_calls") instanceof List<?> calls) {
        for (Object call : calls) {
          Object function = call instanceof Map<?, ?> entry ? entry.get("function") : null;
          text.append("<tool_call>")
              .append(new JsonMapper().writeValueAsString(function))
              .append("</tool_call>");
        }
      }
      plain.put("content", text.toString());
      messages.add(plain);
    }
    return new Conversation(messages, conversation.tools(), conversation.extra());
  }

  /** For a template that does not know of tools: a system message that describes them. */
  private static Conversation withTools(Conversation conversation) {
    List<?> tools = conversation.tools();
    if (tools == null) {
      return conversation;
    }
    Map<String, @Nullable Object> system = new LinkedHashMap<>();
    system.put("role", "system");
    system.put(
        "content",
        "You may call these functions: "
            + new JsonMapper().writeValueAsString(tools)
            + "\nTo call one, answer <tool_call>{\"name\": …, \"arguments\": {…}}</tool_call>.");
    List<Map<String, @Nullable Object>> messages = new ArrayList<>(conversation.messages());
    if (!messages.isEmpty() && "system".equals(messages.getFirst().get("role"))) {
      Map<String, @Nullable Object> first = new LinkedHashMap<>(messages.removeFirst());
      first.put("content", first.get("content") + "\n\n" + system.get("content"));
      system = first;
    }
    messages.addFirst(system);
    return new Conversation(messages, null, conversation.extra());
  }

  /** The turns one after another, as in a text the model may know. */
  private static Prompt transcript(Conversation conversation) {
    StringBuilder text = new StringBuilder();
    for (Map<String, @Nullable Object> message : conversation.messages()) {
      Object content = message.get("content");
      if (content != null) {
        text.append(content).append('\n');
      }
    }
    return Prompt.text(text.toString());
  }
}
