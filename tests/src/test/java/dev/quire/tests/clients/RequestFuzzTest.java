package dev.quire.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Requests that are almost right: fields of wrong types and extreme values, broken JSON, torn
 * bytes. Every answer is a 2xx or a 4xx, and the engine still answers afterwards. A few hundred in
 * the usual build; with {@code -Psoak} ten minutes of them.
 */
class RequestFuzzTest {
  private static final int SECONDS = Integer.getInteger("quire.fuzz.seconds", 5);
  private static final List<String> PATHS =
      List.of(
          "/v1/completions",
          "/v1/chat/completions",
          "/v1/responses",
          "/v1/embeddings",
          "/tokenize",
          "/detokenize");
  private static final List<String> FIELDS =
      List.of(
          "prompt",
          "messages",
          "input",
          "max_tokens",
          "temperature",
          "top_p",
          "top_k",
          "min_p",
          "n",
          "best_of",
          "seed",
          "stop",
          "stop_token_ids",
          "logprobs",
          "top_logprobs",
          "echo",
          "stream",
          "stream_options",
          "logit_bias",
          "presence_penalty",
          "frequency_penalty",
          "repetition_penalty",
          "min_tokens",
          "allowed_token_ids",
          "bad_words",
          "tools",
          "tool_choice",
          "response_format",
          "regex",
          "grammar",
          "choice",
          "structured_outputs",
          "timeout",
          "priority",
          "cache_salt",
          "tokens",
          "dimensions",
          "encoding_format",
          "pooling",
          "use_beam_search",
          "chat_template_kwargs",
          "text",
          "instructions",
          "suffix",
          "ignore_eos",
          "prompt_logprobs",
          "typical_p",
          "skip_special_tokens");
  private static final List<String> VALUES =
      List.of(
          "null",
          "true",
          "false",
          "0",
          "1",
          "-1",
          "2",
          "0.5",
          "1e400",
          "-7",
          "99999999999999999999",
          "\"\"",
          "\"a\"",
          "\"\\u0000\"",
          "\"\\ud800\"",
          "[]",
          "{}",
          "[[]]",
          "[1]",
          "[1,2,3]",
          "[-1]",
          "[999999]",
          "[\"a\",\"b\"]",
          "[\"\"]",
          "{\"1\":100}",
          "{\"-1\":1}",
          "{\"x\":1}",
          "\"auto\"",
          "\"required\"",
          "\"none\"",
          "{\"type\":\"json_object\"}",
          "{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"type\":\"integer\"}}}",
          "{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"$ref\":\"#\"}}}",
          "{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"type\":\"array\",\"minItems\":99999}}}",
          "\"(a|b)*c{2,3}\"",
          "\"[z-a]\"",
          "\"(((\"",
          "\"root ::= \\\"a\\\" root | \\\"b\\\"\"",
          "\"root ::= x\"",
          "[{\"role\":\"user\",\"content\":\"hi\"}]",
          "[{\"role\":7}]",
          "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]",
          "[{\"role\":\"assistant\",\"tool_calls\":[{}]}]",
          "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\"}}}]",
          "[{\"type\":\"function\"}]",
          "{\"include_usage\":true}",
          "{\"json\":{\"enum\":[]}}",
          "{\"format\":{\"type\":\"json_schema\",\"schema\":{\"not\":{}}}}");

  @Test
  void onlyTwosAndFours() throws IOException, InterruptedException {
    Random random = new Random(20);
    long until = System.nanoTime() + Duration.ofSeconds(SECONDS).toNanos();
    try (ServedModel served = ServedModel.start(List.of());
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
      for (int i = 0; i < 150 || System.nanoTime() < until; i++) {
        String path = PATHS.get(random.nextInt(PATHS.size()));
        String body = body(random);
        HttpResponse<String> response = post(client, served.url() + path, body);
        assertThat(response.statusCode() / 100)
            .as("%s %s -> %d %s", path, body, response.statusCode(), response.body())
            .isIn(2, 4);
        if (response.statusCode() >= 400) {
          assertThat(response.body()).as(body).contains("\"error\"");
        }
      }
      var last =
          post(client, served.url() + "/v1/completions", "{\"prompt\":\"x\",\"max_tokens\":2}");
      assertThat(last.statusCode()).isEqualTo(200);
      assertThat(served.engine.stats().memory().usedBlocks()).isZero();
    }
  }

  private static String body(Random random) {
    StringBuilder json = new StringBuilder("{\"max_tokens\":4");
    if (random.nextInt(4) > 0) {
      json.append(",\"prompt\":\"ROMEO:\",\"input\":\"love\"");
      json.append(",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]");
    }
    int fields = random.nextInt(4);
    for (int i = 0; i < fields; i++) {
      json.append(",\"")
          .append(FIELDS.get(random.nextInt(FIELDS.size())))
          .append("\":")
          .append(VALUES.get(random.nextInt(VALUES.size())));
    }
    json.append('}');
    if (random.nextInt(6) == 0) {
      int at = random.nextInt(json.length());
      json.setCharAt(at, (char) (32 + random.nextInt(200)));
    }
    if (random.nextInt(12) == 0) {
      json.setLength(random.nextInt(json.length()));
    }
    if (random.nextInt(40) == 0) {
      return "[".repeat(50_000);
    }
    return json.toString();
  }

  private static HttpResponse<String> post(HttpClient client, String url, String body)
      throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(URI.create(url))
            .timeout(Duration.ofMinutes(1))
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }
}
