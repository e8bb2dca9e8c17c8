package dev.quire.server;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The input of {@code /v1/responses} as the messages of a conversation. */
final class ResponseInput {
  private static final JsonMapper MAPPER = new JsonMapper();

  private ResponseInput() {}

  static List<Map<String, @Nullable Object>> messages(RequestBody body) {
    List<Map<String, @Nullable Object>> messages = new ArrayList<>();
    if (body.get("instructions") != null) {
      messages.add(message("system", body.string("instructions")));
    }
    JsonNode input = body.get("input");
    if (input != null && input.isString()) {
      messages.add(message("user", input.stringValue()));
      return messages;
    }
    if (input == null || !input.isArray() || input.isEmpty()) {
      throw ApiException.invalid("input must be a text or an array of items", "input");
    }
    ObjectNode chat = MAPPER.createObjectNode();
    ArrayNode list = chat.putArray("input");
    for (JsonNode item : input) {
      switch (item.path("type").asString("message")) {
        case "message" -> list.add(item);
        case "function_call" -> call(list, item);
        case "function_call_output" ->
            list.addObject()
                .put("role", "tool")
                .put("tool_call_id", item.path("call_id").asString(""))
                .set("content", item.path("output"));
        case "reasoning" -> {
          // What was thought in earlier turns is not for the next one.
        }
        default ->
            throw ApiException.invalid(
                "input has an item of type " + item.path("type").asString("unknown"), "input");
      }
    }
    messages.addAll(ChatMessages.of(new RequestBody(chat), "input"));
    return messages;
  }

  /** A call joins the assistant's message before it, as one turn may make several. */
  private static void call(ArrayNode list, JsonNode item) {
    JsonNode last = list.isEmpty() ? list : list.get(list.size() - 1);
    ObjectNode turn;
    if (last instanceof ObjectNode message
        && message.path("role").asString("").equals("assistant")) {
      turn = message.deepCopy();
      list.remove(list.size() - 1);
    } else {
      turn = MAPPER.createObjectNode().put("role", "assistant");
      turn.putNull("content");
    }
    ArrayNode calls =
        turn.get("tool_calls") instanceof ArrayNode some ? some : turn.putArray("tool_calls");
    calls
        .addObject()
        .put("id", item.path("call_id").asString(""))
        .put("type", "function")
        .putObject("function")
        .put("name", item.path("name").asString(""))
        .set("arguments", item.path("arguments"));
    list.add(turn);
  }

  private static Map<String, @Nullable Object> message(String role, String content) {
    Map<String, @Nullable Object> message = new LinkedHashMap<>();
    message.put("role", role);
    message.put("content", content);
    return message;
  }
}
