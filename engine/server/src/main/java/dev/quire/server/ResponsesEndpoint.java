package dev.quire.server;

import dev.quire.engine.Engine;
import dev.quire.engine.FinishReason;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationEvent;
import dev.quire.engine.constrain.ConstraintSpec;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v1/responses}, for text: nothing is stored, so each request brings its whole history. */
final class ResponsesEndpoint {
  private static final JsonMapper MAPPER = new JsonMapper();

  private final Engine engine;
  private final ModelNames models;
  private final ChatFormat format;

  ResponsesEndpoint(Engine engine, ModelNames models, ChatFormat format) {
    this.engine = engine;
    this.models = models;
    this.format = format;
  }

  void handle(Call call) throws IOException {
    RequestBody body = call.body();
    String model = models.check(body);
    call.takeTimeout();
    for (String field : List.of("previous_response_id", "conversation", "prompt")) {
      if (body.get(field) != null) {
        throw ApiException.invalid(field + " is not supported: nothing is stored", field);
      }
    }
    if (body.flag("background", false)) {
      throw ApiException.invalid("background is not supported", "background");
    }
    JsonNode textFormat = body.object("text").get("format");
    ConstraintSpec spec =
        textFormat == null ? null : ConstraintFields.format(textFormat, "text.format");
    int tokens = body.integer("max_output_tokens", Integer.MAX_VALUE);
    ChatPlan plan =
        ChatPlan.of(
            engine, format, body, messages(body), spec, SamplingFields.of(body, tokens, -1, -1));
    call.report().maxTokens = tokens;
    Submission submission = Submission.start(engine, List.of(plan.request()), call);
    try {
      ObjectNode head = head(submission.id(), model, body);
      if (body.flag("stream", false)) {
        stream(call, submission, plan, head);
      } else {
        Generation done = submission.await().getFirst();
        List<ToolCallParser.ToolCall> calls = new ArrayList<>();
        ChatText text = plan.text();
        ChatText.Piece first = text.accept(done.text());
        ChatText.Piece last = text.finish(calls);
        call.send(complete(head, done, first.content() + last.content(), calls));
      }
    } catch (RuntimeException | IOException e) {
      submission.cancel();
      throw e;
    }
  }

  private static List<Map<String, @Nullable Object>> messages(RequestBody body) {
    List<Map<String, @Nullable Object>> messages = new ArrayList<>();
    if (body.get("instructions") != null) {
      messages.add(message("system", body.string("instructions")));
    }
    JsonNode input = body.get("input");
    if (input != null && input.isString()) {
      messages.add(message("user", input.stringValue()));
    } else {
      messages.addAll(ChatMessages.of(body, "input"));
    }
    return messages;
  }

  private static Map<String, @Nullable Object> message(String role, String content) {
    Map<String, @Nullable Object> message = new LinkedHashMap<>();
    message.put("role", role);
    message.put("content", content);
    return message;
  }

  private static ObjectNode head(long id, String model, RequestBody body) {
    ObjectNode head = MAPPER.createObjectNode();
    head.put("id", "resp_" + id);
    head.put("object", "response");
    head.put("created_at", Instant.now().getEpochSecond());
    head.put("status", "in_progress");
    head.putNull("error");
    head.putNull("incomplete_details");
    head.set("instructions", body.root().get("instructions"));
    head.set("max_output_tokens", body.root().get("max_output_tokens"));
    head.put("model", model);
    head.putArray("output");
    head.put("parallel_tool_calls", true);
    head.putNull("previous_response_id");
    head.put("store", false);
    head.put("temperature", body.number("temperature", 1));
    JsonNode choice = body.get("tool_choice");
    head.set("tool_choice", choice == null ? MAPPER.getNodeFactory().stringNode("auto") : choice);
    JsonNode tools = body.get("tools");
    head.set("tools", tools == null ? MAPPER.createArrayNode() : tools);
    head.put("top_p", body.number("top_p", 1));
    head.putNull("usage");
    head.putObject("metadata");
    return head;
  }

  private static ObjectNode complete(
      ObjectNode head, Generation done, String text, List<ToolCallParser.ToolCall> calls) {
    ObjectNode root = head.deepCopy();
    boolean cut = done.finishReason() == FinishReason.LENGTH;
    root.put("status", cut ? "incomplete" : "completed");
    if (cut) {
      root.putObject("incomplete_details").put("reason", "max_output_tokens");
    }
    ArrayNode output = root.putArray("output");
    String id = root.path("id").asString("");
    if (!text.isEmpty() || calls.isEmpty()) {
      output.add(item(id, text, cut ? "incomplete" : "completed"));
    }
    for (int i = 0; i < calls.size(); i++) {
      output
          .addObject()
          .put("id", "fc_" + id + "_" + i)
          .put("type", "function_call")
          .put("status", "completed")
          .put("call_id", "call_" + id + "_" + i)
          .put("name", calls.get(i).name())
          .put("arguments", calls.get(i).arguments());
    }
    ObjectNode usage = root.putObject("usage");
    usage.put("input_tokens", done.usage().promptTokens());
    usage.putObject("input_tokens_details").put("cached_tokens", done.usage().cachedTokens());
    usage.put("output_tokens", done.usage().completionTokens());
    usage.putObject("output_tokens_details").put("reasoning_tokens", 0);
    usage.put("total_tokens", done.usage().promptTokens() + done.usage().completionTokens());
    return root;
  }

  private static ObjectNode item(String responseId, String text, String status) {
    ObjectNode item = MAPPER.createObjectNode();
    item.put("id", "msg_" + responseId);
    item.put("type", "message");
    item.put("role", "assistant");
    item.put("status", status);
    item.putArray("content").add(part(text));
    return item;
  }

  private static ObjectNode part(String text) {
    ObjectNode part = MAPPER.createObjectNode();
    part.put("type", "output_text");
    part.put("text", text);
    part.putArray("annotations");
    part.putArray("logprobs");
    return part;
  }

  private static void stream(Call call, Submission submission, ChatPlan plan, ObjectNode head)
      throws IOException {
    try (EventStream stream = EventStream.open(call)) {
      StreamErrors.guard(stream, () -> new Events(stream, head).run(submission, plan.text()));
    }
  }

  /** Numbers the events of one stream. */
  private static final class Events {
    private final EventStream out;
    private final ObjectNode head;
    private final String itemId;
    private final StringBuilder said = new StringBuilder();
    private int number;

    Events(EventStream out, ObjectNode head) {
      this.out = out;
      this.head = head;
      this.itemId = "msg_" + head.path("id").asString("");
    }

    void run(Submission submission, ChatText text) {
      send("response.created", event().set("response", head));
      send("response.in_progress", event().set("response", head));
      ObjectNode item = item(head.path("id").asString(""), "", "in_progress");
      item.putArray("content");
      send("response.output_item.added", event().put("output_index", 0).set("item", item));
      send("response.content_part.added", place().set("part", part("")));
      List<ToolCallParser.ToolCall> calls = new ArrayList<>();
      for (Submission.Arrival a = submission.next(); a != null; a = submission.next()) {
        if (a.event() instanceof GenerationEvent.Text piece) {
          delta(text.accept(piece.text()).content());
        }
      }
      delta(text.finish(calls).content());
      Generation done = submission.results().getFirst();
      String all = said.toString();
      send(
          "response.output_text.done",
          place().put("text", all).set("logprobs", MAPPER.createArrayNode()));
      send("response.content_part.done", place().set("part", part(all)));
      ObjectNode whole = complete(head, done, all, calls);
      send(
          "response.output_item.done",
          event().put("output_index", 0).set("item", whole.path("output").get(0)));
      boolean cut = done.finishReason() == FinishReason.LENGTH;
      send(cut ? "response.incomplete" : "response.completed", event().set("response", whole));
    }

    private void delta(String text) {
      if (!text.isEmpty()) {
        said.append(text);
        send(
            "response.output_text.delta",
            place().put("delta", text).set("logprobs", MAPPER.createArrayNode()));
      }
    }

    private ObjectNode event() {
      return MAPPER.createObjectNode();
    }

    private ObjectNode place() {
      return event().put("item_id", itemId).put("output_index", 0).put("content_index", 0);
    }

    private void send(String type, JsonNode content) {
      ObjectNode event = (ObjectNode) content;
      event.put("type", type);
      event.put("sequence_number", number++);
      out.send(type, event);
    }
  }
}
