package dev.quire.server;

import dev.quire.engine.chat.ChatText;
import dev.quire.engine.chat.ToolCall;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The numbered events of a streamed response: each item is announced, comes in pieces and is
 * closed. Thoughts come before the message, the message before calls.
 */
final class ResponseStream {
  private static final JsonMapper MAPPER = new JsonMapper();

  private enum Open {
    NOTHING,
    REASONING,
    MESSAGE
  }

  private final EventStream out;
  private final ResponseItems items;
  private final StringBuilder thought = new StringBuilder();
  private final StringBuilder said = new StringBuilder();
  private Open open = Open.NOTHING;
  private int output;
  private int number;

  ResponseStream(EventStream out, ResponseItems items) {
    this.out = out;
    this.items = items;
  }

  void begin(ObjectNode response) {
    send("response.created", event().set("response", response));
    send("response.in_progress", event().set("response", response));
  }

  void piece(ChatText.Piece piece) {
    if (!piece.reasoning().isEmpty()) {
      open(Open.REASONING);
      thought.append(piece.reasoning());
      send("response.reasoning_text.delta", place().put("delta", piece.reasoning()));
    }
    if (!piece.content().isEmpty()) {
      open(Open.MESSAGE);
      said.append(piece.content());
      send(
          "response.output_text.delta",
          place().put("delta", piece.content()).set("logprobs", MAPPER.createArrayNode()));
    }
  }

  void calls(List<ToolCall> calls) {
    if (said.isEmpty() && calls.isEmpty()) {
      open(Open.MESSAGE); // an answer without any words
    }
    close("completed");
    for (int i = 0; i < calls.size(); i++) {
      ObjectNode done = items.call(i, calls.get(i), "completed");
      String id = done.path("id").asString("");
      added(items.call(i, calls.get(i), "in_progress"));
      send(
          "response.function_call_arguments.delta",
          place(id).put("delta", calls.get(i).arguments()));
      send(
          "response.function_call_arguments.done",
          place(id).put("name", calls.get(i).name()).put("arguments", calls.get(i).arguments()));
      done(done);
    }
  }

  /** The last event: {@code response.completed}, or {@code response.incomplete}. */
  void end(String type, ObjectNode response) {
    send(type, event().set("response", response));
  }

  String reasoning() {
    return thought.toString();
  }

  String text() {
    return said.toString();
  }

  private void open(Open next) {
    if (open == next) {
      return;
    }
    close("completed");
    open = next;
    if (next == Open.REASONING) {
      added(items.reasoning("", "in_progress"));
    } else {
      added(items.message("", "in_progress"));
      send("response.content_part.added", place().set("part", ResponseItems.part("")));
    }
  }

  private void close(String status) {
    switch (open) {
      case REASONING -> {
        send("response.reasoning_text.done", place().put("text", reasoning()));
        done(items.reasoning(reasoning(), status));
      }
      case MESSAGE -> {
        send(
            "response.output_text.done",
            place().put("text", text()).set("logprobs", MAPPER.createArrayNode()));
        send("response.content_part.done", place().set("part", ResponseItems.part(text())));
        done(items.message(text(), status));
      }
      case NOTHING -> {
        // Nothing to close.
      }
    }
    open = Open.NOTHING;
  }

  private void added(ObjectNode item) {
    send("response.output_item.added", event().put("output_index", output).set("item", item));
  }

  private void done(ObjectNode item) {
    send("response.output_item.done", event().put("output_index", output).set("item", item));
    output++;
  }

  private static ObjectNode event() {
    return MAPPER.createObjectNode();
  }

  private ObjectNode place() {
    String id = (open == Open.REASONING ? "rs_" : "msg_") + items.responseId();
    return place(id).put("content_index", 0);
  }

  private ObjectNode place(String itemId) {
    return event().put("item_id", itemId).put("output_index", output);
  }

  private void send(String type, ObjectNode event) {
    event.put("type", type);
    event.put("sequence_number", number++);
    out.send(type, event);
  }
}
