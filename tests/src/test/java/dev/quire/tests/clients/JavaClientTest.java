package dev.quire.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionFunctionTool;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionToolChoiceOption;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.embeddings.EmbeddingCreateParams;
import com.openai.models.responses.ResponseCreateParams;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** OpenAI's own library for Java against the server. */
class JavaClientTest {
  private static ServedModel served;
  private static OpenAIClient client;

  /** What an answer must look like: the library makes a schema of it. */
  public static class Person {
    @JsonProperty(required = true)
    public boolean alive;

    @JsonProperty(required = true)
    public Mood mood = Mood.MERRY;
  }

  /** An answer's mood. */
  public enum Mood {
    MERRY,
    SAD
  }

  @BeforeAll
  static void start() {
    served = ServedModel.start(List.of("another-key", ServedModel.KEY));
    client = client(ServedModel.KEY);
  }

  @AfterAll
  static void stop() {
    client.close();
    served.close();
  }

  private static OpenAIClient client(String key) {
    return OpenAIOkHttpClient.builder()
        .baseUrl(served.url() + "/v1")
        .apiKey(key)
        .maxRetries(0)
        .build();
  }

  private static ChatCompletionCreateParams.Builder chat(int tokens) {
    return ChatCompletionCreateParams.builder()
        .model(ServedModel.NAME)
        .addUserMessage("Good morrow, cousin.")
        .maxCompletionTokens(tokens)
        .seed(7);
  }

  @Test
  void chats() {
    ChatCompletion answer = client.chat().completions().create(chat(12).n(2).build());
    assertThat(answer.choices()).hasSize(2);
    assertThat(answer.choices().getFirst().message().content()).isPresent();
    assertThat(answer.usage().orElseThrow().completionTokens()).isBetween(2L, 24L);
  }

  @Test
  void completes() {
    var done =
        client
            .completions()
            .create(
                CompletionCreateParams.builder()
                    .model(ServedModel.NAME)
                    .prompt("ROMEO:")
                    .maxTokens(6)
                    .build());
    assertThat(done.choices().getFirst().text()).isNotEmpty();
  }

  @Test
  void streams() {
    ChatCompletionCreateParams params = chat(12).temperature(0).build();
    String whole =
        client
            .chat()
            .completions()
            .create(params)
            .choices()
            .getFirst()
            .message()
            .content()
            .orElse("");
    StringBuilder text = new StringBuilder();
    long[] tokens = new long[1];
    try (StreamResponse<ChatCompletionChunk> stream =
        client
            .chat()
            .completions()
            .createStreaming(
                params.toBuilder()
                    .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
                    .build())) {
      stream.stream()
          .forEach(
              chunk -> {
                chunk.choices().forEach(c -> text.append(c.delta().content().orElse("")));
                chunk.usage().ifPresent(u -> tokens[0] = u.completionTokens());
              });
    }
    assertThat(text.toString()).isEqualTo(whole);
    assertThat(tokens[0]).isPositive();
  }

  @Test
  void callsTools() {
    var parameters =
        FunctionParameters.builder()
            .putAdditionalProperty("type", JsonValue.from("object"))
            .putAdditionalProperty(
                "properties", JsonValue.from(Map.of("unit", Map.of("enum", List.of("C", "F")))))
            .putAdditionalProperty("required", JsonValue.from(List.of("unit")))
            .putAdditionalProperty("additionalProperties", JsonValue.from(false))
            .build();
    ChatCompletion answer =
        client
            .chat()
            .completions()
            .create(
                chat(300)
                    .addTool(
                        ChatCompletionFunctionTool.builder()
                            .function(
                                FunctionDefinition.builder()
                                    .name("get_weather")
                                    .parameters(parameters)
                                    .build())
                            .build())
                    .toolChoice(ChatCompletionToolChoiceOption.Auto.REQUIRED)
                    .build());
    var call =
        answer.choices().getFirst().message().toolCalls().orElseThrow().getFirst().asFunction();
    assertThat(call.function().name()).isEqualTo("get_weather");
    assertThat(call.function().arguments()).containsPattern("\"unit\":\"[CF]\"");
  }

  @Test
  void structuredOutputsBecomeObjects() {
    var params = chat(300).responseFormat(Person.class).build();
    Person person =
        client
            .chat()
            .completions()
            .create(params)
            .choices()
            .getFirst()
            .message()
            .content()
            .orElseThrow();
    assertThat(person.mood).isIn(Mood.MERRY, Mood.SAD);
  }

  @Test
  void embeds() {
    var done =
        client
            .embeddings()
            .create(
                EmbeddingCreateParams.builder()
                    .model(ServedModel.NAME)
                    .inputOfArrayOfStrings(List.of("love", "war"))
                    .build());
    List<Float> vector = done.data().get(1).embedding();
    double squares = vector.stream().mapToDouble(v -> v * v).sum();
    assertThat(Math.sqrt(squares)).isBetween(0.9999, 1.0001);
  }

  @Test
  void responds() {
    var done =
        client
            .responses()
            .create(
                ResponseCreateParams.builder()
                    .model(ServedModel.NAME)
                    .input("Good morrow")
                    .maxOutputTokens(16)
                    .build());
    assertThat(done.output()).isNotEmpty();
  }

  @Test
  void errorsAreItsOwnKinds() {
    OpenAIClient stranger = client("wrong");
    assertThatThrownBy(() -> stranger.models().list()).isInstanceOf(UnauthorizedException.class);
    stranger.close();
    assertThatThrownBy(() -> client.chat().completions().create(chat(3).model("nothing").build()))
        .isInstanceOf(NotFoundException.class);
    assertThatThrownBy(() -> client.chat().completions().create(chat(3).temperature(-3).build()))
        .isInstanceOf(BadRequestException.class);
  }

  @Test
  void aStreamThatIsClosedEndsItsRequest() throws InterruptedException {
    var params =
        chat(100_000).putAdditionalBodyProperty("ignore_eos", JsonValue.from(true)).build();
    try (StreamResponse<ChatCompletionChunk> stream =
        client.chat().completions().createStreaming(params)) {
      Iterator<ChatCompletionChunk> chunks = stream.stream().iterator();
      chunks.next();
      chunks.next();
    }
    for (int i = 0; i < 200 && (served.server.active() > 0 || usedBlocks() > 0); i++) {
      Thread.sleep(10);
    }
    assertThat(served.server.active()).isZero();
    assertThat(usedBlocks()).isZero();
  }

  private static long usedBlocks() {
    return served.engine.stats().memory().usedBlocks();
  }
}
