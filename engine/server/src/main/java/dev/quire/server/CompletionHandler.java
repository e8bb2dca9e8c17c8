package dev.quire.server;

import dev.quire.engine.Engine;
import dev.quire.engine.FinishReason;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationEvent;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.QuireException;
import dev.quire.engine.RequestHandle;
import dev.quire.engine.SamplingParams;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code /v1/completions} and {@code /v1/chat/completions}, whole or as a stream of events. */
final class CompletionHandler {
  private static final int DEFAULT_COMPLETION_TOKENS = 16; // as OpenAI's API says
  private static final JsonMapper MAPPER = new JsonMapper();

  private final Engine engine;
  private final String modelName;
  private final ChatFormat chat;

  CompletionHandler(Engine engine, String modelName, ChatFormat chat) {
    this.engine = engine;
    this.modelName = modelName;
    this.chat = chat;
  }

  void complete(RequestBody body, ServerResponse response) throws IOException {
    checkModel(body);
    Prompt prompt = prompt(body);
    int tokens = body.integer("max_tokens", DEFAULT_COMPLETION_TOKENS);
    run(body, response, prompt, tokens, new CompletionShape.Text());
  }

  void chat(RequestBody body, ServerResponse response) throws IOException {
    checkModel(body);
    Prompt prompt;
    List<Map<String, @Nullable Object>> messages = messages(body);
    try {
      prompt = chat.render(messages);
    } catch (RuntimeException e) {
      throw ApiException.invalid(String.valueOf(e.getMessage()), "messages");
    }
    int tokens =
        body.integer("max_completion_tokens", body.integer("max_tokens", Integer.MAX_VALUE));
    run(body, response, prompt, tokens, new CompletionShape.Chat());
  }

  private void run(
      RequestBody body,
      ServerResponse response,
      Prompt prompt,
      int maxTokens,
      CompletionShape shape)
      throws IOException {
    SamplingParams params = SamplingFields.of(body, maxTokens);
    boolean stream = body.flag("stream", false);
    RequestHandle handle = engine.submit(new GenerationRequest(prompt, params));
    var answer = new Answer(shape, handle.id(), Instant.now().getEpochSecond(), modelName);
    if (stream) {
      JsonNode options = body.get("stream_options");
      JsonNode usage = options == null ? null : options.get("include_usage");
      stream(response, handle, answer, params.n(), usage != null && usage.asBoolean(false));
    } else {
      Generation done = handle.await();
      failIfFailed(done);
      QuireServer.sendJson(response, answer.whole(done));
    }
  }

  private static void failIfFailed(Generation done) {
    for (Generation.Output output : done.outputs()) {
      if (output.finishReason() == FinishReason.ERROR
          || output.finishReason() == FinishReason.CANCELLED) {
        throw new ApiException(
            output.finishReason() == FinishReason.ERROR ? 500 : 503,
            "server_error",
            output.detail() == null ? "the server is stopping" : output.detail(),
            null,
            null);
      }
    }
  }

  /** A client that goes away makes the write fail; the request then ends within a step. */
  private static void stream(
      ServerResponse response, RequestHandle handle, Answer answer, int samples, boolean withUsage)
      throws IOException {
    try (EventStream events = EventStream.open(response)) {
      for (int index = 0; index < samples; index++) {
        answer.opening(index).ifPresent(events::send);
      }
      for (GenerationEvent event : handle.events()) {
        switch (event) {
          case GenerationEvent.Text text when !text.text().isEmpty() ->
              events.send(answer.piece(text.index(), text.text()));
          case GenerationEvent.Finished end ->
              events.send(answer.end(end.index(), Answer.reason(end.reason())));
          default -> {
            // Nothing for this stream.
          }
        }
      }
      if (withUsage) {
        events.send(answer.usage(handle.await().usage()));
      }
      events.done();
    } catch (UncheckedIOException | IOException | QuireException e) {
      handle.cancel();
      throw e;
    } catch (RuntimeException e) {
      handle.cancel(); // the web server's own signs of a closed connection
      throw e;
    }
  }

  private void checkModel(RequestBody body) {
    JsonNode model = body.get("model");
    if (model != null && !model.asString("").equals(modelName)) {
      throw new ApiException(
          404,
          "invalid_request_error",
          "the model '" + model.asString("") + "' does not exist; this server has " + modelName,
          "model",
          "model_not_found");
    }
  }

  private static Prompt prompt(RequestBody body) {
    JsonNode prompt = body.get("prompt");
    if (prompt != null && prompt.isArray() && prompt.size() == 1 && !prompt.get(0).isNumber()) {
      prompt = prompt.get(0);
    }
    if (prompt != null && prompt.isString()) {
      return Prompt.text(prompt.stringValue());
    }
    if (prompt != null && prompt.isArray() && !prompt.isEmpty()) {
      int[] ids = new int[prompt.size()];
      for (int i = 0; i < ids.length; i++) {
        if (!prompt.get(i).isInt()) {
          throw ApiException.invalid("several prompts in one request are not supported", "prompt");
        }
        ids[i] = prompt.get(i).intValue();
      }
      return Prompt.tokens(ids);
    }
    throw ApiException.invalid("prompt must be a string or an array of token ids", "prompt");
  }

  private static List<Map<String, @Nullable Object>> messages(RequestBody body) {
    JsonNode node = body.get("messages");
    if (node == null || !node.isArray() || node.isEmpty()) {
      throw ApiException.invalid("messages must be an array of at least one message", "messages");
    }
    List<Map<String, @Nullable Object>> messages = new ArrayList<>();
    for (JsonNode message : node) {
      JsonNode role = message.get("role");
      if (!message.isObject() || role == null || !role.isString()) {
        throw ApiException.invalid("every message must be an object with a role", "messages");
      }
      Map<String, @Nullable Object> fields = new LinkedHashMap<>();
      for (Map.Entry<String, JsonNode> field : message.properties()) {
        fields.put(field.getKey(), MAPPER.convertValue(field.getValue(), Object.class));
      }
      fields.put("content", text(message.get("content")));
      messages.add(fields);
    }
    return messages;
  }

  /** A message's text: a string, or parts of type text. */
  private static @Nullable String text(@Nullable JsonNode content) {
    if (content == null || content.isNull()) {
      return null;
    }
    if (content.isString()) {
      return content.stringValue();
    }
    StringBuilder text = new StringBuilder();
    for (JsonNode part : content) {
      JsonNode words = part.get("text");
      if (words == null || !words.isString()) {
        throw ApiException.invalid("content may hold text alone", "messages");
      }
      text.append(words.stringValue());
    }
    return text.toString();
  }
}
