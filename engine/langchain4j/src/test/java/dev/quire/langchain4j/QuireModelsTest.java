package dev.quire.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.agent.tool.P;
import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.agent.tool.ToolSpecifications;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.memory.chat.MessageWindowChatMemory;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.TokenStream;
import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** LangChain4j's own interfaces and services over the embedded model. */
class QuireModelsTest {
  private static Engine engine;

  @BeforeAll
  static void start() {
    engine = Engine.loadEmbedded(EngineOptions.builder().numKvBlocks(256).build());
  }

  @AfterAll
  static void stop() {
    engine.close();
  }

  private static ChatRequestParameters atMost(int tokens) {
    return ChatRequestParameters.builder().temperature(0.0).maxOutputTokens(tokens).build();
  }

  /** Collects a stream. */
  private static final class Collector implements StreamingChatResponseHandler {
    final List<String> pieces = Collections.synchronizedList(new ArrayList<>());
    final List<CompleteToolCall> calls = Collections.synchronizedList(new ArrayList<>());
    final CompletableFuture<ChatResponse> end = new CompletableFuture<>();

    @Override
    public void onPartialResponse(String piece) {
      pieces.add(piece);
    }

    @Override
    public void onCompleteToolCall(CompleteToolCall call) {
      calls.add(call);
    }

    @Override
    public void onCompleteResponse(ChatResponse response) {
      end.complete(response);
    }

    @Override
    public void onError(Throwable error) {
      end.completeExceptionally(error);
    }

    ChatResponse await() throws Exception {
      return end.get(60, TimeUnit.SECONDS);
    }
  }

  @Test
  void chatsAndStreamsTheSameAnswer() throws Exception {
    var request =
        ChatRequest.builder()
            .messages(
                SystemMessage.from("Speak plainly."), UserMessage.from("Good morrow, cousin."))
            .build();
    ChatResponse whole = new QuireChatModel(engine, atMost(16)).chat(request);
    assertThat(whole.aiMessage().text()).isNotBlank();
    assertThat(whole.tokenUsage().outputTokenCount()).isBetween(1, 16);
    assertThat(whole.tokenUsage().inputTokenCount()).isPositive();

    var collector = new Collector();
    new QuireStreamingChatModel(engine, atMost(16)).chat(request, collector);
    ChatResponse streamed = collector.await();
    assertThat(streamed.aiMessage().text()).isEqualTo(whole.aiMessage().text());
    assertThat(String.join("", collector.pieces)).isEqualTo(whole.aiMessage().text());
    assertThat(streamed.finishReason()).isEqualTo(whole.finishReason());
  }

  /** What a model may call. */
  static final class Armoury {
    final List<String> given = Collections.synchronizedList(new ArrayList<>());

    enum Weapon {
      RAPIER,
      DAGGER
    }

    @Tool("Fetches a weapon")
    String fetch(@P("which") Weapon weapon, @P("in a hurry") boolean quickly) {
      given.add(weapon + " " + quickly);
      return "here is the " + weapon;
    }
  }

  private static List<ToolSpecification> tools() {
    return ToolSpecifications.toolSpecificationsFrom(Armoury.class);
  }

  @Test
  void aRequiredToolIsCalledWithFittingArguments() throws Exception {
    var request =
        ChatRequest.builder()
            .messages(UserMessage.from("Draw!"))
            .parameters(
                ChatRequestParameters.builder()
                    .toolSpecifications(tools())
                    .toolChoice(ToolChoice.REQUIRED)
                    .maxOutputTokens(200)
                    .build())
            .build();
    ChatResponse response = new QuireChatModel(engine).chat(request);
    assertThat(response.finishReason()).isEqualTo(FinishReason.TOOL_EXECUTION);
    var call = response.aiMessage().toolExecutionRequests().getFirst();
    assertThat(call.name()).isEqualTo("fetch");
    assertThat(call.arguments()).containsPattern("\"(RAPIER|DAGGER)\"").contains("quickly");

    var collector = new Collector();
    new QuireStreamingChatModel(engine).chat(request, collector);
    assertThat(collector.await().aiMessage().hasToolExecutionRequests()).isTrue();
    assertThat(collector.calls).hasSize(1);

    ChatResponse after =
        new QuireChatModel(engine, atMost(8))
            .chat(
                ChatRequest.builder()
                    .messages(
                        UserMessage.from("Draw!"),
                        response.aiMessage(),
                        ToolExecutionResultMessage.from(call, "a rapier"))
                    .toolSpecifications(tools())
                    .build());
    assertThat(after.aiMessage()).isNotNull();
  }

  /** A service of an application. */
  interface Squire {
    String serve(String wish);
  }

  @Test
  void anAiServiceRunsItsTools() {
    var armoury = new Armoury();
    // The first turn must call; the one that sees the result answers in words.
    var model = new QuireChatModel(engine, atMost(200));
    Squire squire =
        AiServices.builder(Squire.class)
            .chatModel(model)
            .tools(armoury)
            .chatMemory(MessageWindowChatMemory.withMaxMessages(10))
            .chatRequestTransformer(
                request -> {
                  boolean answered =
                      request.messages().getLast() instanceof ToolExecutionResultMessage;
                  return request.toBuilder()
                      .parameters(
                          request
                              .parameters()
                              .overrideWith(
                                  ChatRequestParameters.builder()
                                      .toolChoice(answered ? ToolChoice.NONE : ToolChoice.REQUIRED)
                                      .build()))
                      .build();
                })
            .build();
    assertThat(squire.serve("My sword!")).isNotNull();
    assertThat(armoury.given).hasSize(1);
    assertThat(armoury.given.getFirst()).matches("(RAPIER|DAGGER) (true|false)");
  }

  /** An answer as an object. */
  record Verdict(Mood mood, boolean guilty, int fine) {}

  /** Of a judge. */
  enum Mood {
    MILD,
    STERN
  }

  /** A service whose answers are typed. */
  interface Judge {
    Verdict judge(String deed);
  }

  @Test
  void anAiServiceGivesTypedAnswers() {
    Judge judge = AiServices.create(Judge.class, new QuireChatModel(engine, atMost(200)));
    Verdict verdict = judge.judge("He stole a loaf.");
    assertThat(verdict.mood()).isIn(Mood.MILD, Mood.STERN);
  }

  /** A service that streams. */
  interface Bard {
    TokenStream sing(String of);
  }

  @Test
  void anAiServiceStreams() throws Exception {
    Bard bard = AiServices.create(Bard.class, new QuireStreamingChatModel(engine, atMost(12)));
    var pieces = new StringBuilder();
    var end = new CompletableFuture<ChatResponse>();
    bard.sing("love")
        .onPartialResponse(pieces::append)
        .onCompleteResponse(end::complete)
        .onError(end::completeExceptionally)
        .start();
    assertThat(end.get(60, TimeUnit.SECONDS).aiMessage().text()).isEqualTo(pieces.toString());
  }

  @Test
  void aStreamCanBeCancelled() throws Exception {
    var first = new CountDownLatch(1);
    new QuireStreamingChatModel(engine, ChatRequestParameters.builder().temperature(1.5).build())
        .chat(
            "Speak at length.",
            new StreamingChatResponseHandler() {
              @Override
              public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
                context.streamingHandle().cancel();
                first.countDown();
              }

              @Override
              public void onCompleteResponse(ChatResponse response) {
                first.countDown(); // it ended before it said a word
              }

              @Override
              public void onError(Throwable error) {
                first.countDown();
              }
            });
    assertThat(first.await(60, TimeUnit.SECONDS)).isTrue();
    for (int i = 0; i < 500 && engine.stats().memory().usedBlocks() > 0; i++) {
      TimeUnit.MILLISECONDS.sleep(10);
    }
    assertThat(engine.stats().memory().usedBlocks()).isZero();
  }

  @Test
  void embedsTexts() {
    var embedding = new QuireEmbeddingModel(engine).embed("love").content();
    double squares = 0;
    for (float value : embedding.vector()) {
      squares += (double) value * value;
    }
    assertThat(squares).isBetween(0.999, 1.001);
    assertThat(new QuireEmbeddingModel(engine).dimension()).isEqualTo(embedding.dimension());
  }

  @Test
  void refusesInLangChainsTerms() throws Exception {
    var model = new QuireChatModel(engine);
    assertThatThrownBy(
            () ->
                model.chat(
                    ChatRequest.builder()
                        .messages(UserMessage.from("x"))
                        .temperature(-1.0)
                        .build()))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("temperature");
    assertThatThrownBy(() -> model.chat("word ".repeat(5000)))
        .isInstanceOf(InvalidRequestException.class);
    assertThatThrownBy(
            () -> model.chat(UserMessage.from(ImageContent.from("http://localhost/x.png"))))
        .isInstanceOf(UnsupportedFeatureException.class);
    var collector = new Collector();
    new QuireStreamingChatModel(engine).chat("word ".repeat(5000), collector);
    assertThatThrownBy(collector::await).hasCauseInstanceOf(InvalidRequestException.class);
  }
}
