package dev.quire.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.BeamSearch;
import dev.quire.engine.BeamSearch.EarlyStopping;
import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.SamplingParams;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Fields of requests that say how to decode, as vLLM's clients write them and read the answers. */
class DecodingFieldsTest {
  private static final JsonMapper MAPPER = new JsonMapper();
  private static Engine engine;
  private static QuireServer server;
  private static HttpClient client;

  @BeforeAll
  static void start() {
    engine = Engine.loadEmbedded(EngineOptions.builder().numKvBlocks(256).build());
    server =
        QuireServer.start(
            engine,
            new ServerOptions("127.0.0.1", 0, List.of(), "bard"),
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

  private static HttpResponse<String> send(String path, Map<String, Object> fields)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
            .POST(HttpRequest.BodyPublishers.ofString(MAPPER.writeValueAsString(fields)))
            .build();
    return client.send(request, HttpResponse.BodyHandlers.ofString());
  }

  private static JsonNode ask(String path, Map<String, Object> fields)
      throws IOException, InterruptedException {
    HttpResponse<String> response = send(path, fields);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return MAPPER.readTree(response.body());
  }

  private static List<JsonNode> stream(String path, Map<String, Object> fields)
      throws IOException, InterruptedException {
    return send(path, fields)
        .body()
        .lines()
        .filter(line -> line.startsWith("data: {"))
        .map(line -> MAPPER.readTree(line.substring(6)))
        .toList();
  }

  @Test
  void aSearchTakesItsLengthPenaltyAndItsEnd() throws Exception {
    String prompt = "What is";
    List<Integer> stops = List.of(11, 13, 29, 198);
    for (Object stopping : List.of(true, false, "never")) {
      for (double penalty : new double[] {-3, 0, 3}) {
        EarlyStopping how =
            stopping.equals("never")
                ? EarlyStopping.NEVER
                : stopping.equals(true) ? EarlyStopping.FIRST_FINISHED : EarlyStopping.HEURISTIC;
        SamplingParams params =
            SamplingParams.builder()
                .n(4)
                .beamSearch(new BeamSearch(4, penalty, how))
                .maxTokens(12)
                .stopTokenIds(stops)
                .build();
        Generation expected =
            engine.submit(new GenerationRequest(Prompt.text(prompt), params)).await();
        JsonNode answer =
            ask(
                "/v1/completions",
                Map.of(
                    "prompt", prompt,
                    "n", 4,
                    "use_beam_search", true,
                    "length_penalty", penalty,
                    "early_stopping", stopping,
                    "max_tokens", 12,
                    "stop_token_ids", stops));
        assertThat(
                StreamSupport.stream(answer.path("choices").spliterator(), false)
                    .map(choice -> choice.path("text").stringValue()))
            .as("%s, %s", stopping, penalty)
            .isEqualTo(expected.outputs().stream().map(Generation.Output::text).toList());
      }
    }
    Map<String, Object> wrong =
        Map.of("prompt", prompt, "use_beam_search", true, "early_stopping", "soon");
    assertThat(send("/v1/completions", wrong).body()).contains("early_stopping must be true");
    Map<String, Object> far =
        Map.of("prompt", prompt, "use_beam_search", true, "length_penalty", 1e3);
    assertThat(send("/v1/completions", far).body()).contains("length_penalty must be in [-100");
  }

  @Test
  void tellsThePromptsLogprobs() throws Exception {
    int[] ids = engine.tokenizer().encode("O Romeo, Romeo", true, false);
    double[] expected = engine.logprobs(ids);
    Map<String, Object> fields =
        Map.of("prompt", "O Romeo, Romeo", "max_tokens", 2, "prompt_logprobs", 3);
    JsonNode scored = ask("/v1/completions", fields).at("/choices/0/prompt_logprobs");
    assertThat(scored.size()).isEqualTo(ids.length);
    assertThat(scored.get(0).isNull()).isTrue();
    float[][] logits = engine.logits(ids);
    for (int i = 1; i < ids.length; i++) {
      JsonNode entry = scored.get(i);
      JsonNode own = entry.path(Integer.toString(ids[i]));
      assertThat(own.path("logprob").doubleValue()).isEqualTo(expected[i]);
      int better = 0;
      for (float logit : logits[i - 1]) {
        better += logit > logits[i - 1][ids[i]] ? 1 : 0;
      }
      assertThat(own.path("rank").intValue()).isEqualTo(better + 1);
      assertThat(entry.size()).isEqualTo(better < 3 ? 3 : 4);
      assertThat(own.path("decoded_token").stringValue())
          .isEqualTo(engine.tokenizer().decode(new int[] {ids[i]}, false));
    }
    Map<String, Object> chat =
        Map.of(
            "messages", List.of(Map.of("role", "user", "content", "O Romeo")),
            "max_tokens", 2,
            "prompt_logprobs", 0);
    JsonNode ofChat = ask("/v1/chat/completions", chat).path("prompt_logprobs");
    assertThat(ofChat.size()).isGreaterThan(1);
    assertThat(ofChat.get(1).size()).isEqualTo(1);
    assertThat(ask("/v1/completions", Map.of("prompt", "O")).has("prompt_logprobs")).isFalse();
    for (Map<String, Object> refused :
        List.<Map<String, Object>>of(
            Map.of("prompt", "O", "prompt_logprobs", 1, "stream", true),
            Map.of("prompt", "O", "prompt_logprobs", 21))) {
      HttpResponse<String> response = send("/v1/completions", refused);
      assertThat(response.statusCode()).isEqualTo(400);
      assertThat(MAPPER.readTree(response.body()).at("/error/param").stringValue())
          .isEqualTo("prompt_logprobs");
    }
  }

  @Test
  void anEchoedStreamHasTheLogprobsOfTheWhole() throws Exception {
    Map<String, Object> fields =
        Map.of(
            "prompt", List.of("O Romeo", "Juliet speaks"),
            "echo", true,
            "logprobs", 2,
            "n", 2,
            "seed", 5,
            "max_tokens", 4);
    JsonNode whole = ask("/v1/completions", fields).path("choices");
    var streamed = new java.util.HashMap<>(fields);
    streamed.put("stream", true);
    List<JsonNode> chunks = stream("/v1/completions", streamed);
    for (int index = 0; index < 4; index++) {
      StringBuilder text = new StringBuilder();
      for (String list : List.of("tokens", "token_logprobs", "top_logprobs", "text_offset")) {
        var all = MAPPER.createArrayNode();
        text.setLength(0);
        for (JsonNode chunk : chunks) {
          JsonNode choice = chunk.at("/choices/0");
          if (choice.path("index").intValue() == index) {
            text.append(choice.path("text").stringValue());
            choice.path("logprobs").path(list).forEach(all::add);
          }
        }
        assertThat(all).isEqualTo(whole.get(index).path("logprobs").path(list));
      }
      assertThat(text.toString()).isEqualTo(whole.get(index).path("text").stringValue());
      // Two alternatives, and the token itself where it is none of them.
      JsonNode scored = whole.get(index).path("logprobs");
      for (int i = 1; i < scored.path("tokens").size(); i++) {
        JsonNode top = scored.path("top_logprobs").get(i);
        assertThat(top.path(scored.path("tokens").get(i).stringValue()))
            .isEqualTo(scored.path("token_logprobs").get(i));
        assertThat(top.size()).isBetween(2, 3);
      }
    }
  }

  @Test
  void saysWhatStoppedASample() throws Exception {
    Map<String, Object> greedy =
        Map.of("prompt", "ROMEO:", "max_tokens", 12, "temperature", 0, "logprobs", 0);
    JsonNode plain = ask("/v1/completions", greedy).at("/choices/0");
    assertThat(plain.path("stop_reason").isNull()).isTrue();
    String text = plain.path("text").stringValue();
    SamplingParams params = SamplingParams.greedy(12);
    int token = engine.generate("ROMEO:", params).outputs().getFirst().tokenIds().get(5);
    var byToken = new java.util.HashMap<>(greedy);
    byToken.put("stop_token_ids", List.of(token));
    var byText = new java.util.HashMap<>(greedy);
    byText.put("stop", text.substring(4, 7));
    for (boolean streamed : new boolean[] {false, true}) {
      byToken.put("stream", streamed);
      byText.put("stream", streamed);
      JsonNode ofToken = last("/v1/completions", byToken, streamed);
      assertThat(ofToken.path("stop_reason").intValue()).isEqualTo(token);
      assertThat(ofToken.path("finish_reason").stringValue()).isEqualTo("stop");
      JsonNode ofText = last("/v1/completions", byText, streamed);
      assertThat(ofText.path("stop_reason").stringValue()).isEqualTo(text.substring(4, 7));
    }
    Map<String, Object> chat =
        Map.of(
            "messages", List.of(Map.of("role", "user", "content", "ROMEO:")),
            "temperature", 0,
            "allowed_token_ids", List.of(token),
            "stop_token_ids", List.of(token),
            "stream", true);
    assertThat(last("/v1/chat/completions", chat, true).path("stop_reason").intValue())
        .isEqualTo(token);
  }

  private static JsonNode last(String path, Map<String, Object> fields, boolean streamed)
      throws IOException, InterruptedException {
    return streamed
        ? stream(path, fields).getLast().at("/choices/0")
        : ask(path, fields).at("/choices/0");
  }
}
