package dev.quire.server;

import dev.quire.engine.Engine;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationEvent;
import dev.quire.engine.TokenLogprobs;
import dev.quire.engine.chat.ChatFormat;
import dev.quire.engine.chat.ChatText;
import dev.quire.engine.chat.ToolCall;
import dev.quire.engine.chat.ToolCallPiece;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v1/chat/completions}: the assistant's next turn. */
final class ChatEndpoint {
  private static final JsonMapper MAPPER = new JsonMapper();

  private final Engine engine;
  private final ModelNames models;
  private final ChatFormat format;

  ChatEndpoint(Engine engine, ModelNames models, ChatFormat format) {
    this.engine = engine;
    this.models = models;
    this.format = format;
  }

  void handle(Call call) throws IOException {
    RequestBody body = call.body();
    String model = models.check(body);
    call.takeTimeout();
    int top = logprobs(body);
    boolean stream = body.flag("stream", false);
    int ofPrompt = SamplingFields.promptLogprobs(body, stream);
    int tokens =
        body.integer("max_completion_tokens", body.integer("max_tokens", Integer.MAX_VALUE));
    ChatPlan plan =
        ChatPlan.of(
            engine,
            format,
            body,
            ChatMessages.of(body, "messages"),
            ConstraintFields.of(body),
            SamplingFields.of(engine.info().sampling(), body, tokens, top, ofPrompt));
    call.report().samples = plan.request().params().n();
    call.report().maxTokens = tokens;
    boolean usage = StreamOptions.usage(body);
    Submission submission = Submission.start(engine, List.of(plan.request()), call);
    try {
      if (stream) {
        new Stream(call, submission, plan, head(submission.id(), model, true), top, usage).run();
      } else {
        call.send(whole(submission.await(), plan, head(submission.id(), model, false), top));
      }
    } catch (RuntimeException | IOException e) {
      submission.cancel();
      throw e;
    }
  }

  /** How many alternatives are wanted; −1 for no log-probabilities. */
  private static int logprobs(RequestBody body) {
    boolean wanted = body.flag("logprobs", false);
    int top = body.integer("top_logprobs", 0);
    if (top < 0 || top > SamplingFields.MOST_LOGPROBS) {
      throw ApiException.invalid(
          "top_logprobs must be in [0, " + SamplingFields.MOST_LOGPROBS + "]", "top_logprobs");
    }
    if (top > 0 && !wanted) {
      throw ApiException.invalid("top_logprobs needs logprobs to be true", "top_logprobs");
    }
    return wanted ? top : -1;
  }

  private static ObjectNode head(long id, String model, boolean chunk) {
    ObjectNode head = MAPPER.createObjectNode();
    head.put("id", "chatcmpl-" + id);
    head.put("object", chunk ? "chat.completion.chunk" : "chat.completion");
    head.put("created", Instant.now().getEpochSecond());
    head.put("model", model);
    return head;
  }

  private ObjectNode whole(List<Generation> done, ChatPlan plan, ObjectNode root, int top) {
    ArrayNode choices = root.putArray("choices");
    for (Generation.Output output : done.getFirst().outputs()) {
      ObjectNode choice = choices.addObject();
      choice.put("index", output.index());
      ChatText text = plan.text();
      List<ToolCall> found = new ArrayList<>();
      ChatText.Piece first = text.accept(output.text());
      ChatText.Piece last = text.finish(found);
      List<ToolCall> calls = plan.kept(found);
      ObjectNode message = choice.putObject("message");
      message.put("role", "assistant");
      String content = first.content() + last.content();
      message.put("content", content.isEmpty() && !calls.isEmpty() ? null : content);
      message.putNull("refusal");
      String reasoning = first.reasoning() + last.reasoning();
      if (!reasoning.isEmpty()) {
        message.put("reasoning_content", reasoning);
      }
      if (!calls.isEmpty()) {
        toolCalls(message, calls, -1);
      }
      if (top >= 0) {
        new LogprobJson(engine.tokenizer()).chat(choice, output.logprobs(), top);
      } else {
        choice.putNull("logprobs");
      }
      choice.put(
          "finish_reason", calls.isEmpty() ? Finish.reason(output.finishReason()) : "tool_calls");
      Finish.putStopReason(choice, output, plan.request().params());
    }
    if (plan.request().params().promptLogprobs() >= 0) {
      new LogprobJson(engine.tokenizer()).prompt(root, done.getFirst().promptLogprobs());
    }
    UsageJson.put(root, done.getFirst(), plan.turn(), engine.tokenizer());
    return root;
  }

  /**
   * Writes calls down.
   *
   * @param firstIndex the first one's number in a stream; −1 for no numbers
   */
  private static void toolCalls(ObjectNode message, List<ToolCall> calls, int firstIndex) {
    ArrayNode list = message.putArray("tool_calls");
    for (int i = 0; i < calls.size(); i++) {
      ObjectNode entry = list.addObject();
      if (firstIndex >= 0) {
        entry.put("index", firstIndex + i);
      }
      entry.put("id", "call_" + UUID.randomUUID().toString().replace("-", ""));
      entry.put("type", "function");
      entry
          .putObject("function")
          .put("name", calls.get(i).name())
          .put("arguments", calls.get(i).arguments());
    }
  }

  /** The answer as a stream of chunks. */
  private final class Stream {
    private final Call call;
    private final Submission submission;
    private final ChatPlan plan;
    private final ObjectNode head;
    private final int top;
    private final boolean usage;
    private final ChatText[] texts;
    private final int[] lastTokens;

    Stream(
        Call call, Submission submission, ChatPlan plan, ObjectNode head, int top, boolean usage) {
      this.call = call;
      this.submission = submission;
      this.plan = plan;
      this.head = head;
      this.top = top;
      this.usage = usage;
      this.texts = new ChatText[plan.request().params().n()];
      Arrays.setAll(texts, _ -> plan.text());
      this.lastTokens = new int[texts.length];
    }

    void run() throws IOException {
      try (EventStream events = EventStream.open(call)) {
        StreamErrors.guard(events, () -> send(events));
        events.done();
      }
    }

    private void send(EventStream events) {
      for (int index = 0; index < texts.length; index++) {
        ObjectNode delta = MAPPER.createObjectNode().put("role", "assistant").put("content", "");
        events.send(chunk(index, delta, List.of(), null));
      }
      for (Submission.Arrival a = submission.next(); a != null; a = submission.next()) {
        if (a.event() instanceof GenerationEvent.Text text) {
          if (!text.tokenIds().isEmpty()) {
            lastTokens[text.index()] = text.tokenIds().getLast();
          }
          ChatText.Piece piece = texts[text.index()].accept(text.text());
          if (!piece.isEmpty() || top >= 0) {
            events.send(chunk(text.index(), delta(piece), text.logprobs(), null));
          }
          calls(events, text.index());
        } else if (a.event() instanceof GenerationEvent.Finished end) {
          finish(events, end);
        }
      }
      List<Generation> done = submission.results();
      if (usage) {
        ObjectNode last = head.deepCopy();
        last.putArray("choices");
        UsageJson.put(last, done.getFirst(), plan.turn(), engine.tokenizer());
        events.send(last);
      }
    }

    /** What is certain of calls: the name of each first, then its arguments as they come. */
    private void calls(EventStream events, int index) {
      for (ToolCallPiece piece : plan.keptPieces(texts[index].callPieces())) {
        ObjectNode delta = MAPPER.createObjectNode();
        if (piece.name() != null) {
          toolCalls(delta, List.of(new ToolCall(piece.name(), "")), piece.index());
        } else {
          ObjectNode entry = delta.putArray("tool_calls").addObject().put("index", piece.index());
          entry.putObject("function").put("arguments", piece.arguments());
        }
        events.send(chunk(index, delta, List.of(), null));
      }
    }

    private void finish(EventStream events, GenerationEvent.Finished end) {
      ChatText text = texts[end.index()];
      List<ToolCall> found = new ArrayList<>();
      ChatText.Piece rest = text.finish(found);
      boolean begun = text.callsBegun() > 0;
      List<ToolCall> calls = begun && !plan.parallelCalls() ? List.of() : plan.kept(found);
      if (!rest.isEmpty()) {
        events.send(chunk(end.index(), delta(rest), List.of(), null));
      }
      if (!calls.isEmpty()) {
        ObjectNode delta = MAPPER.createObjectNode();
        toolCalls(delta, calls, text.callsBegun());
        events.send(chunk(end.index(), delta, List.of(), null));
      }
      boolean called = !calls.isEmpty() || begun;
      String reason = called && !text.callOpen() ? "tool_calls" : Finish.reason(end.reason());
      ObjectNode chunk = chunk(end.index(), MAPPER.createObjectNode(), List.of(), reason);
      Finish.putStopReason(
          (ObjectNode) chunk.path("choices").get(0),
          end.reason(),
          end.detail(),
          lastTokens[end.index()],
          plan.request().params());
      events.send(chunk);
    }

    private static ObjectNode delta(ChatText.Piece piece) {
      ObjectNode delta = MAPPER.createObjectNode();
      if (!piece.reasoning().isEmpty()) {
        delta.put("reasoning_content", piece.reasoning());
      }
      if (!piece.content().isEmpty()) {
        delta.put("content", piece.content());
      }
      return delta;
    }

    private ObjectNode chunk(
        int index, ObjectNode delta, List<TokenLogprobs> scored, @Nullable String reason) {
      ObjectNode root = head.deepCopy();
      ObjectNode choice = root.putArray("choices").addObject();
      choice.put("index", index);
      choice.set("delta", delta);
      if (top >= 0 && !scored.isEmpty()) {
        new LogprobJson(engine.tokenizer()).chat(choice, scored, top);
      } else {
        choice.putNull("logprobs");
      }
      choice.put("finish_reason", reason);
      return root;
    }
  }
}
