package dev.quire.server;

import dev.quire.engine.chat.ToolCall;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The items that a response of {@code /v1/responses} consists of: thoughts, a message, calls.
 *
 * @param responseId the response's, of which the items' are made
 */
record ResponseItems(String responseId) {
  private static final JsonMapper MAPPER = new JsonMapper();

  /** All items of a finished answer, in order; an answer without any words has an empty message. */
  List<ObjectNode> all(String reasoning, String text, List<ToolCall> calls, String status) {
    List<ObjectNode> items = new ArrayList<>();
    if (!reasoning.isEmpty()) {
      items.add(reasoning(reasoning, "completed"));
    }
    if (!text.isEmpty() || calls.isEmpty()) {
      items.add(message(text, status));
    }
    for (int i = 0; i < calls.size(); i++) {
      items.add(call(i, calls.get(i), "completed"));
    }
    return items;
  }

  ObjectNode reasoning(String text, String status) {
    ObjectNode item = item("rs_" + responseId, "reasoning", status);
    item.putArray("summary");
    if (!text.isEmpty()) {
      item.putArray("content").addObject().put("type", "reasoning_text").put("text", text);
    }
    return item;
  }

  ObjectNode message(String text, String status) {
    ObjectNode item = item("msg_" + responseId, "message", status);
    item.put("role", "assistant");
    if (status.equals("in_progress")) {
      item.putArray("content");
    } else {
      item.putArray("content").add(part(text));
    }
    return item;
  }

  ObjectNode call(int number, ToolCall call, String status) {
    return item("fc_" + responseId + "_" + number, "function_call", status)
        .put("call_id", "call_" + responseId + "_" + number)
        .put("name", call.name())
        .put("arguments", status.equals("in_progress") ? "" : call.arguments());
  }

  private static ObjectNode item(String id, String type, String status) {
    return MAPPER.createObjectNode().put("id", id).put("type", type).put("status", status);
  }

  static ObjectNode part(String text) {
    ObjectNode part = MAPPER.createObjectNode();
    part.put("type", "output_text");
    part.put("text", text);
    part.putArray("annotations");
    part.putArray("logprobs");
    return part;
  }
}
