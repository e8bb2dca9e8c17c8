package dev.quire.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.internal.JsonSchemaElementUtils;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonSchemaElement;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import dev.quire.engine.Engine;
import dev.quire.engine.Generation;
import dev.quire.engine.Prompt;
import dev.quire.engine.QuireException;
import dev.quire.engine.SamplingDefaults;
import dev.quire.engine.SamplingParams;
import dev.quire.engine.chat.ChatFormat;
import dev.quire.engine.chat.ChatText;
import dev.quire.engine.chat.ChatTurn;
import dev.quire.engine.chat.ToolCall;
import dev.quire.engine.constrain.ConstraintSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Between LangChain4j's requests and the engine's. */
final class ChatConversion {
  private static final JsonMapper MAPPER = new JsonMapper();

  private final Engine engine;
  private final ChatFormat format;

  ChatConversion(Engine engine) {
    this.engine = engine;
    this.format = ChatFormat.of(engine);
  }

  Engine engine() {
    return engine;
  }

  /**
   * @throws QuireException if the engine refuses a parameter or a schema
   * @throws LangChain4jException if the template refuses the conversation, or a message holds more
   *     than text
   */
  ChatTurn prepare(ChatRequest request) {
    List<ToolSpecification> tools =
        request.toolChoice() == ToolChoice.NONE ? List.of() : orEmpty(request.toolSpecifications());
    List<Object> described = new ArrayList<>();
    List<ToolCall.Function> functions = new ArrayList<>();
    for (ToolSpecification tool : tools) {
      JsonSchemaElement parameters = tool.parameters();
      JsonNode schema = parameters == null ? null : schema(parameters);
      functions.add(new ToolCall.Function(tool.name(), schema));
      described.add(describe(tool, schema));
    }
    Prompt prompt;
    try {
      prompt =
          format.render(
              new ChatFormat.Conversation(
                  Messages.of(request.messages()),
                  described.isEmpty() ? null : described,
                  Map.of()));
    } catch (LangChain4jException | QuireException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new InvalidRequestException("the chat template refuses: " + e.getMessage(), e);
    }
    ConstraintSpec call =
        request.toolChoice() == ToolChoice.REQUIRED && !functions.isEmpty()
            ? ToolCall.required(functions)
            : null;
    return ChatTurn.of(
        engine,
        prompt,
        !functions.isEmpty(),
        constraint(request.responseFormat()),
        call,
        sampling(engine.info().sampling(), request));
  }

  private static <T> List<T> orEmpty(@Nullable List<T> list) {
    return list == null ? List.of() : list;
  }

  private static JsonNode schema(JsonSchemaElement element) {
    return MAPPER.valueToTree(JsonSchemaElementUtils.toMap(element, true));
  }

  private static Map<String, @Nullable Object> describe(
      ToolSpecification tool, @Nullable JsonNode schema) {
    Map<String, @Nullable Object> function = new LinkedHashMap<>();
    function.put("name", tool.name());
    if (tool.description() != null) {
      function.put("description", tool.description());
    }
    if (schema != null) {
      function.put("parameters", MAPPER.convertValue(schema, Object.class));
    }
    Map<String, @Nullable Object> described = new LinkedHashMap<>();
    described.put("type", "function");
    described.put("function", function);
    return described;
  }

  private static @Nullable ConstraintSpec constraint(@Nullable ResponseFormat format) {
    if (format == null || format.type() != ResponseFormatType.JSON) {
      return null;
    }
    return format.jsonSchema() == null
        ? new ConstraintSpec.JsonObject()
        : new ConstraintSpec.JsonSchema(schema(format.jsonSchema().rootElement()).toString());
  }

  private static SamplingParams sampling(SamplingDefaults own, ChatRequest request) {
    SamplingParams.Builder params =
        SamplingParams.builder()
            .maxTokens(Integer.MAX_VALUE)
            .temperature(own.temperature(1))
            .topK(own.topK(0))
            .topP(own.topP(1))
            .minP(own.minP(0))
            .typicalP(own.typicalP(1))
            .repetitionPenalty(own.repetitionPenalty(1));
    if (request.maxOutputTokens() != null) {
      params.maxTokens(request.maxOutputTokens());
    }
    if (request.temperature() != null) {
      params.temperature(request.temperature());
    }
    if (request.topP() != null) {
      params.topP(request.topP());
    }
    if (request.topK() != null) {
      params.topK(request.topK());
    }
    if (request.frequencyPenalty() != null) {
      params.frequencyPenalty(request.frequencyPenalty());
    }
    if (request.presencePenalty() != null) {
      params.presencePenalty(request.presencePenalty());
    }
    return params.stop(orEmpty(request.stopSequences())).build();
  }

  /**
   * The response to a request that has ended.
   *
   * @param said what was taken from the text so far; the rest comes from {@code text} itself
   */
  ChatResponse response(long id, Generation done, ChatText.Piece said, ChatText text) {
    List<ToolCall> calls = new ArrayList<>();
    ChatText.Piece rest = text.finish(calls);
    List<ToolExecutionRequest> requests = new ArrayList<>();
    for (int i = 0; i < calls.size(); i++) {
      requests.add(
          ToolExecutionRequest.builder()
              .id("call_" + id + "_" + i)
              .name(calls.get(i).name())
              .arguments(calls.get(i).arguments())
              .build());
    }
    String reasoning = said.reasoning() + rest.reasoning();
    String content = said.content() + rest.content();
    AiMessage.Builder message = AiMessage.builder().toolExecutionRequests(requests);
    if (!reasoning.isEmpty()) {
      message.thinking(reasoning);
    }
    if (!content.isEmpty() || requests.isEmpty()) {
      message.text(content);
    }
    return ChatResponse.builder()
        .id("chat-" + id)
        .modelName(engine.info().name())
        .aiMessage(message.build())
        .tokenUsage(new TokenUsage(done.usage().promptTokens(), done.usage().completionTokens()))
        .finishReason(requests.isEmpty() ? reason(done) : FinishReason.TOOL_EXECUTION)
        .build();
  }

  private static FinishReason reason(Generation done) {
    return switch (done.finishReason()) {
      case STOP -> FinishReason.STOP;
      case LENGTH -> FinishReason.LENGTH;
      case CANCELLED, ERROR -> FinishReason.OTHER;
    };
  }

  /** The engine's refusal as LangChain4j knows it, so that its retries do the right thing. */
  static LangChain4jException failure(QuireException e) {
    return switch (e.kind()) {
      case INVALID -> new InvalidRequestException(e.getMessage(), e);
      case OVERLOADED -> new RateLimitException(e.getMessage(), e);
      case CLOSED, FAILED -> new InternalServerException(e.getMessage(), e);
      case INTERRUPTED -> new LangChain4jException(e.getMessage(), e);
    };
  }

  static UnsupportedFeatureException unsupported(String what) {
    return new UnsupportedFeatureException("this model takes text alone, not " + what);
  }
}
