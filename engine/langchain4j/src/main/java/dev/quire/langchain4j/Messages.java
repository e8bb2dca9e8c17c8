package dev.quire.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** LangChain4j's messages as a chat template takes them. */
final class Messages {
  private Messages() {}

  static List<Map<String, @Nullable Object>> of(List<ChatMessage> messages) {
    List<Map<String, @Nullable Object>> all = new ArrayList<>();
    for (ChatMessage message : messages) {
      all.add(
          switch (message) {
            case SystemMessage system -> plain("system", system.text());
            case UserMessage user -> plain("user", text(user.contents()));
            case AiMessage answer -> answer(answer);
            case ToolExecutionResultMessage result -> {
              Map<String, @Nullable Object> tool = plain("tool", text(result.contents()));
              tool.put("tool_call_id", result.id());
              tool.put("name", result.toolName());
              yield tool;
            }
            default -> throw ChatConversion.unsupported("messages of type " + message.type());
          });
    }
    return all;
  }

  private static Map<String, @Nullable Object> plain(String role, @Nullable String content) {
    Map<String, @Nullable Object> message = new LinkedHashMap<>();
    message.put("role", role);
    message.put("content", content);
    return message;
  }

  private static String text(List<Content> contents) {
    StringBuilder text = new StringBuilder();
    for (Content content : contents) {
      if (!(content instanceof TextContent words)) {
        throw ChatConversion.unsupported("content of type " + content.type());
      }
      text.append(words.text());
    }
    return text.toString();
  }

  private static Map<String, @Nullable Object> answer(AiMessage answer) {
    Map<String, @Nullable Object> message = plain("assistant", answer.text());
    if (answer.hasToolExecutionRequests()) {
      List<Object> calls = new ArrayList<>();
      for (ToolExecutionRequest request : answer.toolExecutionRequests()) {
        Map<String, @Nullable Object> function = new LinkedHashMap<>();
        function.put("name", request.name());
        function.put("arguments", arguments(request.arguments()));
        Map<String, @Nullable Object> call = new LinkedHashMap<>();
        call.put("id", request.id());
        call.put("type", "function");
        call.put("function", function);
        calls.add(call);
      }
      message.put("tool_calls", calls);
    }
    return message;
  }

  /** Templates want arguments as an object. */
  private static @Nullable Object arguments(@Nullable String json) {
    try {
      return json == null ? Map.of() : new JsonMapper().readValue(json, Object.class);
    } catch (JacksonException e) {
      return json;
    }
  }
}
