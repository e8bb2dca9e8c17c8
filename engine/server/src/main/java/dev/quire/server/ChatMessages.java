package dev.quire.server;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The messages of a request, as a template takes them. */
final class ChatMessages {
  private static final JsonMapper MAPPER = new JsonMapper();

  private ChatMessages() {}

  static List<Map<String, @Nullable Object>> of(RequestBody body, String field) {
    JsonNode node = body.get(field);
    if (node == null || !node.isArray() || node.isEmpty()) {
      throw ApiException.invalid(field + " must be an array of at least one message", field);
    }
    List<Map<String, @Nullable Object>> messages = new ArrayList<>();
    for (JsonNode message : node) {
      JsonNode role = message.get("role");
      if (!message.isObject() || role == null || !role.isString()) {
        throw ApiException.invalid("every message must be an object with a role", field);
      }
      Map<String, @Nullable Object> fields = new LinkedHashMap<>();
      for (Map.Entry<String, JsonNode> entry : message.properties()) {
        fields.put(entry.getKey(), MAPPER.convertValue(entry.getValue(), Object.class));
      }
      if (role.stringValue().equals("developer")) {
        fields.put("role", "system");
      }
      fields.put("content", text(message.get("content"), field));
      if (message.has("tool_calls")) {
        fields.put("tool_calls", toolCalls(message.get("tool_calls"), field));
      }
      messages.add(fields);
    }
    return messages;
  }

  /** A message's text: a string, or parts that hold text. */
  static @Nullable String text(@Nullable JsonNode content, String field) {
    if (content == null || content.isNull()) {
      return null;
    }
    if (content.isString()) {
      return content.stringValue();
    }
    if (!content.isArray()) {
      throw ApiException.invalid("content must be a string or an array of parts", field);
    }
    StringBuilder text = new StringBuilder();
    for (JsonNode part : content) {
      JsonNode words = part.has("refusal") ? part.get("refusal") : part.get("text");
      if (words == null || !words.isString()) {
        throw ApiException.invalid(
            "this model takes text alone; content has a part of type "
                + part.path("type").asString("unknown"),
            field);
      }
      text.append(words.stringValue());
    }
    return text.toString();
  }

  /** Templates want arguments as an object; the API has them as the text of one. */
  private static @Nullable Object toolCalls(JsonNode calls, String field) {
    if (calls.isNull()) {
      return null;
    }
    if (!calls.isArray()) {
      throw ApiException.invalid("tool_calls must be an array", field);
    }
    List<@Nullable Object> plain = new ArrayList<>();
    for (JsonNode call : calls) {
      if (!call.path("function").path("name").isString()) {
        throw ApiException.invalid("every tool call must have a function with a name", field);
      }
      Map<String, @Nullable Object> function = new LinkedHashMap<>();
      function.put("name", call.path("function").path("name").stringValue());
      JsonNode arguments = call.path("function").path("arguments");
      function.put("arguments", arguments(arguments));
      Map<String, @Nullable Object> entry = new LinkedHashMap<>();
      entry.put("id", call.path("id").asString(""));
      entry.put("type", "function");
      entry.put("function", function);
      plain.add(entry);
    }
    return plain;
  }

  private static @Nullable Object arguments(JsonNode arguments) {
    if (!arguments.isString()) {
      return MAPPER.convertValue(arguments, Object.class);
    }
    try {
      return MAPPER.readValue(arguments.stringValue(), Object.class);
    } catch (JacksonException e) {
      return arguments.stringValue();
    }
  }

  /** Further variables for the template. */
  static Map<String, @Nullable Object> templateVariables(RequestBody body) {
    RequestBody given = body.object("chat_template_kwargs");
    Map<String, @Nullable Object> variables = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : given.root().properties()) {
      variables.put(entry.getKey(), MAPPER.convertValue(entry.getValue(), Object.class));
    }
    JsonNode effort = body.get("reasoning_effort");
    if (effort == null && body.get("reasoning") != null) {
      effort = body.object("reasoning").get("effort");
    }
    if (effort != null) {
      variables.putIfAbsent("reasoning_effort", effort.asString("medium"));
    }
    return variables;
  }
}
