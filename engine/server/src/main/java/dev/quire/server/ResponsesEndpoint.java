package dev.quire.server;

import dev.quire.engine.Engine;
import dev.quire.engine.FinishReason;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationEvent;
import dev.quire.engine.SamplingDefaults;
import dev.quire.engine.chat.ChatFormat;
import dev.quire.engine.chat.ChatText;
import dev.quire.engine.chat.ToolCall;
import dev.quire.engine.constrain.ConstraintSpec;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
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
            engine,
            format,
            body,
            ResponseInput.messages(body),
            spec,
            SamplingFields.of(engine.info().sampling(), body, tokens, -1, -1));
    call.report().maxTokens = tokens;
    Submission submission = Submission.start(engine, List.of(plan.request()), call);
    try {
      ObjectNode head = head(submission.id(), model, body, engine.info().sampling());
      if (body.flag("stream", false)) {
        stream(call, submission, plan, head);
      } else {
        Generation done = submission.await().getFirst();
        List<ToolCall> found = new ArrayList<>();
        ChatText text = plan.text();
        ChatText.Piece first = text.accept(done.text());
        ChatText.Piece last = text.finish(found);
        call.send(
            complete(
                head,
                done,
                plan,
                first.reasoning() + last.reasoning(),
                first.content() + last.content(),
                plan.kept(found)));
      }
    } catch (RuntimeException | IOException e) {
      submission.cancel();
      throw e;
    }
  }

  private static ObjectNode head(long id, String model, RequestBody body, SamplingDefaults own) {
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
    head.put("parallel_tool_calls", body.flag("parallel_tool_calls", true));
    head.putNull("previous_response_id");
    head.put("store", false);
    head.put("temperature", body.number("temperature", own.temperature(1)));
    JsonNode choice = body.get("tool_choice");
    head.set("tool_choice", choice == null ? MAPPER.getNodeFactory().stringNode("auto") : choice);
    JsonNode tools = body.get("tools");
    head.set("tools", tools == null ? MAPPER.createArrayNode() : tools);
    head.put("top_p", body.number("top_p", own.topP(1)));
    head.putNull("usage");
    JsonNode metadata = body.get("metadata");
    head.set("metadata", metadata == null ? MAPPER.createObjectNode() : metadata);
    return head;
  }

  private ObjectNode complete(
      ObjectNode head,
      Generation done,
      ChatPlan plan,
      String reasoning,
      String text,
      List<ToolCall> calls) {
    ObjectNode root = head.deepCopy();
    boolean cut = cut(done);
    root.put("status", cut ? "incomplete" : "completed");
    if (cut) {
      root.putObject("incomplete_details").put("reason", "max_output_tokens");
    }
    String id = root.path("id").asString("");
    root.putArray("output")
        .addAll(
            new ResponseItems(id).all(reasoning, text, calls, cut ? "incomplete" : "completed"));
    ObjectNode usage = root.putObject("usage");
    usage.put("input_tokens", done.usage().promptTokens());
    usage.putObject("input_tokens_details").put("cached_tokens", done.usage().cachedTokens());
    usage.put("output_tokens", done.usage().completionTokens());
    usage
        .putObject("output_tokens_details")
        .put("reasoning_tokens", UsageJson.reasoning(done, plan.turn(), engine.tokenizer()));
    usage.put("total_tokens", done.usage().promptTokens() + done.usage().completionTokens());
    return root;
  }

  private static boolean cut(Generation done) {
    return done.finishReason() == FinishReason.LENGTH;
  }

  private void stream(Call call, Submission submission, ChatPlan plan, ObjectNode head)
      throws IOException {
    try (EventStream stream = EventStream.open(call)) {
      StreamErrors.guard(stream, () -> send(stream, submission, plan, head));
    }
  }

  private void send(EventStream stream, Submission submission, ChatPlan plan, ObjectNode head) {
    var events = new ResponseStream(stream, new ResponseItems(head.path("id").asString("")));
    events.begin(head);
    ChatText text = plan.text();
    for (Submission.Arrival a = submission.next(); a != null; a = submission.next()) {
      if (a.event() instanceof GenerationEvent.Text piece) {
        events.piece(text.accept(piece.text()));
      }
    }
    List<ToolCall> found = new ArrayList<>();
    events.piece(text.finish(found));
    List<ToolCall> calls = plan.kept(found);
    events.calls(calls);
    Generation done = submission.results().getFirst();
    ObjectNode whole = complete(head, done, plan, events.reasoning(), events.text(), calls);
    events.end(cut(done) ? "response.incomplete" : "response.completed", whole);
  }
}
