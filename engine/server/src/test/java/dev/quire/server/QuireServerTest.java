package dev.quire.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.Prompt;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The server over the embedded model, by plain HTTP. */
class QuireServerTest {
  private static final String KEY = "open-sesame";
  private static Engine engine;
  private static QuireServer server;
  private static HttpClient client;

  @BeforeAll
  static void start() {
    engine = Engine.loadEmbedded(EngineOptions.builder().numKvBlocks(256).build());
    server =
        QuireServer.start(
            engine,
            new ServerOptions("127.0.0.1", 0, List.of(KEY), "bard"),
            chat -> Prompt.text(chat.messages().getLast().get("content") + "\n"),
            "test");
    client = HttpClient.newHttpClient();
  }

  @AfterAll
  static void stop() {
    client.close();
    server.close();
    engine.close();
  }

  private static HttpResponse<String> send(String path, String body, String key)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
            .header("Authorization", "Bearer " + key);
    if (!body.isEmpty()) {
      request.POST(HttpRequest.BodyPublishers.ofString(body));
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static JsonNode json(HttpResponse<String> response) {
    return new JsonMapper().readTree(response.body());
  }

  @Test
  void completesText() throws Exception {
    var response =
        send("/v1/completions", "{\"prompt\":\"ROMEO:\",\"max_tokens\":6,\"temperature\":0}", KEY);
    assertThat(response.statusCode()).isEqualTo(200);
    JsonNode answer = json(response);
    assertThat(answer.at("/choices/0/text").stringValue()).isNotEmpty();
    assertThat(answer.at("/choices/0/finish_reason").stringValue()).isEqualTo("length");
    assertThat(answer.at("/usage/completion_tokens").intValue()).isEqualTo(6);
    assertThat(answer.at("/model").stringValue()).isEqualTo("bard");
  }

  @Test
  void aStreamAddsUpToTheWhole() throws Exception {
    String fields = "\"prompt\":\"JULIET:\",\"max_tokens\":12,\"temperature\":0";
    String whole =
        json(send("/v1/completions", "{" + fields + "}", KEY)).at("/choices/0/text").stringValue();
    var response =
        send(
            "/v1/completions",
            "{" + fields + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
            KEY);
    assertThat(response.headers().firstValue("content-type").orElse(""))
        .startsWith("text/event-stream");
    List<String> events =
        response
            .body()
            .lines()
            .filter(l -> l.startsWith("data: "))
            .map(l -> l.substring(6))
            .toList();
    assertThat(events.getLast()).isEqualTo("[DONE]");
    StringBuilder text = new StringBuilder();
    for (String event : events.subList(0, events.size() - 1)) {
      text.append(new JsonMapper().readTree(event).at("/choices/0/text").asString(""));
    }
    assertThat(text.toString()).isEqualTo(whole);
    assertThat(new JsonMapper().readTree(events.get(events.size() - 2)).at("/usage/total_tokens"))
        .isNotNull();
  }

  @Test
  void answersAChat() throws Exception {
    var response =
        send(
            "/v1/chat/completions",
            "{\"messages\":[{\"role\":\"user\",\"content\":\"Good morrow\"}],\"max_tokens\":5}",
            KEY);
    assertThat(json(response).at("/choices/0/message/role").stringValue()).isEqualTo("assistant");
  }

  /** Tokens between the marks, by the token texts that log-probabilities tell. */
  private static int thoughts(JsonNode tokens) {
    StringBuilder text = new StringBuilder();
    List<Integer> begins = new ArrayList<>();
    for (JsonNode token : tokens) {
      begins.add(text.length());
      text.append(token.path("token").stringValue());
    }
    int from = text.indexOf("<think>") + "<think>".length();
    int to = text.indexOf("</think>");
    return (int) begins.stream().filter(at -> at >= from && at < to).count();
  }

  @Test
  void tellsHowManyTokensWereThoughts() throws Exception {
    String chat = "\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]";
    String fields =
        chat.formatted("Good morrow")
            + ",\"regex\":\"<think>(my lord ){2}</think>my good lord\",\"logprobs\":true,"
            + "\"max_tokens\":60";
    JsonNode whole = json(send("/v1/chat/completions", "{" + fields + "}", KEY));
    assertThat(whole.at("/choices/0/message/reasoning_content").stringValue())
        .isEqualTo("my lord my lord ");
    int thoughts = thoughts(whole.at("/choices/0/logprobs/content"));
    assertThat(thoughts).isPositive();
    String counted = "/usage/completion_tokens_details/reasoning_tokens";
    assertThat(whole.at(counted).intValue()).isEqualTo(thoughts);

    String stream =
        send(
                "/v1/chat/completions",
                "{" + fields + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
                KEY)
            .body();
    assertThat(stream)
        .containsPattern("\"completion_tokens_details\":\\{\"reasoning_tokens\":[1-9]");

    // The prompt has begun the thoughts, and nothing ends them.
    String begun = "{" + chat.formatted("<think>") + ",\"max_tokens\":5,\"ignore_eos\":true}";
    assertThat(json(send("/v1/chat/completions", begun, KEY)).at(counted).intValue()).isEqualTo(5);
    String plain = "{" + chat.formatted("Good morrow") + ",\"max_tokens\":5}";
    assertThat(json(send("/v1/chat/completions", plain, KEY)).at(counted).intValue()).isZero();
    String response = "{\"input\":\"<think>\",\"max_output_tokens\":5,\"ignore_eos\":true}";
    assertThat(
            json(send("/v1/responses", response, KEY))
                .at("/usage/output_tokens_details/reasoning_tokens")
                .intValue())
        .isEqualTo(5);
  }

  @Test
  void refusesInOpenAisShape() throws Exception {
    assertThat(send("/v1/completions", "{\"prompt\":\"x\"}", "wrong").statusCode()).isEqualTo(401);
    assertThat(send("/v1/nothing", "", KEY).statusCode()).isEqualTo(404);
    assertThat(send("/v1/chat/completions", "", KEY).statusCode()).isEqualTo(405);
    for (String body :
        List.of("{", "[]", "{}", "{\"prompt\":\"x\",\"temperature\":-1}", "{\"prompt\":7}")) {
      var response = send("/v1/completions", body, KEY);
      assertThat(response.statusCode()).as(body).isEqualTo(400);
      assertThat(json(response).at("/error/type").stringValue()).isEqualTo("invalid_request_error");
    }
  }

  @Test
  void aRefusedValueIsNamedByItsField() throws Exception {
    JsonNode error =
        json(send("/v1/completions", "{\"prompt\":\"x\",\"top_p\":2}", KEY)).get("error");
    assertThat(error.get("param").stringValue()).isEqualTo("top_p");
    assertThat(error.get("message").stringValue()).isEqualTo("top_p must be in (0, 1]; it is 2.0");
    String tooMany = "{\"prompt\":\"x\",\"max_tokens\":3,\"min_tokens\":4}";
    assertThat(json(send("/v1/completions", tooMany, KEY)).at("/error/message").stringValue())
        .isEqualTo("min_tokens must be at most max_tokens, 3; it is 4");
  }

  @Test
  void tokensGoThereAndBack() throws Exception {
    JsonNode there =
        json(send("/tokenize", "{\"prompt\":\"O Romeo\",\"add_special_tokens\":false}", KEY));
    JsonNode back = json(send("/detokenize", "{\"tokens\":" + there.get("tokens") + "}", KEY));
    assertThat(back.get("prompt").stringValue()).isEqualTo("O Romeo");
  }

  @Test
  void healthNeedsNoKey() throws Exception {
    assertThat(send("/health", "", "none").statusCode()).isEqualTo(200);
    assertThat(json(send("/v1/models", "", KEY)).at("/data/0/id").stringValue()).isEqualTo("bard");
  }
}
