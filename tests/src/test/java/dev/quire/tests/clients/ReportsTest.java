package dev.quire.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.chat.ChatFormat;
import dev.quire.server.QuireServer;
import dev.quire.server.ServerOptions;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the server tells of itself: metrics, the access log, events of the Flight Recorder. */
class ReportsTest {
  private static final String BODY =
      "{\"prompt\":\"ROMEO: a prompt of some length, to be kept\",\"max_tokens\":4,"
          + "\"ignore_eos\":true}";

  /** vLLM's names, as its documentation and the dashboards made for it have them. */
  private static final List<String> NAMES =
      List.of(
          "num_requests_running",
          "num_requests_waiting",
          "kv_cache_usage_perc",
          "prefix_cache_queries_total",
          "prefix_cache_hits_total",
          "num_preemptions_total",
          "prompt_tokens_total",
          "generation_tokens_total",
          "request_success_total",
          "request_prompt_tokens_bucket",
          "request_generation_tokens_bucket",
          "request_max_num_generation_tokens_bucket",
          "request_params_n_bucket",
          "request_params_max_tokens_bucket",
          "time_to_first_token_seconds_bucket",
          "inter_token_latency_seconds_bucket",
          "request_time_per_output_token_seconds_bucket",
          "e2e_request_latency_seconds_bucket",
          "request_queue_time_seconds_bucket",
          "request_inference_time_seconds_bucket",
          "request_prefill_time_seconds_bucket",
          "request_decode_time_seconds_bucket",
          "request_prefill_kv_computed_tokens_bucket",
          "iteration_tokens_total_bucket",
          "iteration_tokens_total_count",
          "cache_config_info");

  private static HttpResponse<String> post(QuireServer server, String path, String body)
      throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path));
      if (!body.isEmpty()) {
        request.POST(HttpRequest.BodyPublishers.ofString(body));
      }
      return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }
  }

  private static Engine engine() {
    return Engine.loadEmbedded(EngineOptions.builder().numKvBlocks(128).build());
  }

  private static QuireServer serve(Engine engine, boolean vllm, boolean log) {
    var options = new ServerOptions("127.0.0.1", 0, List.of(), "bard").withReports(vllm, log);
    return QuireServer.start(engine, options, ChatFormat.of(engine), "test");
  }

  private static double value(String scrape, String name) {
    Matcher matcher =
        Pattern.compile("(?m)^" + Pattern.quote(name) + "(?:\\{[^}]*\\})? ([0-9.eE+-]+)$")
            .matcher(scrape);
    double sum = 0;
    while (matcher.find()) {
      sum += Double.parseDouble(matcher.group(1));
    }
    return sum;
  }

  @Test
  void metricsBearVllmsNames() throws Exception {
    for (String prefix : List.of("quire:", "vllm:")) {
      try (Engine engine = engine();
          QuireServer server = serve(engine, prefix.equals("vllm:"), false)) {
        for (int i = 0; i < 2; i++) {
          assertThat(post(server, "/v1/completions", BODY).statusCode()).isEqualTo(200);
        }
        // The answer may be here before the figures of its last step.
        for (int i = 0; i < 500 && engine.stats().runningSequences() > 0; i++) {
          TimeUnit.MILLISECONDS.sleep(10);
        }
        String scrape = post(server, "/metrics", "").body();
        for (String name : NAMES) {
          assertThat(scrape).contains("\n" + prefix + name + "{");
        }
        assertThat(scrape).contains("model_name=\"bard\"").contains("engine=\"0\"");
        assertThat(value(scrape, prefix + "generation_tokens_total")).isEqualTo(8);
        assertThat(value(scrape, prefix + "request_success_total")).isEqualTo(2);
        assertThat(value(scrape, prefix + "time_to_first_token_seconds_count")).isEqualTo(2);
        assertThat(value(scrape, prefix + "inter_token_latency_seconds_count")).isPositive();
        assertThat(value(scrape, prefix + "prefix_cache_queries_total")).isPositive();
        assertThat(value(scrape, prefix + "num_requests_running")).isZero();
        countsTheTokensOfSteps(scrape, prefix);
      }
    }
  }

  /** Every step is in one bucket, and their tokens are those of prompts and answers. */
  private static void countsTheTokensOfSteps(String scrape, String prefix) {
    String name = prefix + "iteration_tokens_total";
    double steps = value(scrape, prefix + "engine_steps_total");
    assertThat(value(scrape, name + "_count")).isEqualTo(steps);
    double prefill = value(scrape, prefix + "prefill_tokens_computed_total");
    // The first token of each of the two answers comes of its prompt's last step.
    assertThat(value(scrape, name + "_sum")).isEqualTo(prefill + 2 * 3);
    Matcher buckets =
        Pattern.compile(Pattern.quote(name) + "_bucket\\{[^}]*le=\"([^\"]+)\"} (\\d+)")
            .matcher(scrape);
    Map<String, Long> upTo = new LinkedHashMap<>();
    while (buckets.find()) {
      upTo.put(buckets.group(1), Long.parseLong(buckets.group(2)));
    }
    assertThat(upTo).containsEntry("+Inf", (long) steps);
    assertThat(List.copyOf(upTo.values())).isSorted();
    // Six steps of one token, and a prompt's step of more.
    assertThat(upTo.get("1.0")).isGreaterThanOrEqualTo(6).isLessThan((long) steps);
  }

  @Test
  void theDashboardAsksOnlyForWhatThereIs() throws Exception {
    Path file = Tools.root().resolve("docs/grafana.json");
    JsonNode dashboard = new JsonMapper().readTree(Files.readString(file));
    assertThat(dashboard.path("panels").size()).isGreaterThan(8);
    Set<String> asked = new TreeSet<>();
    for (JsonNode panel : dashboard.path("panels")) {
      for (JsonNode target : panel.path("targets")) {
        Matcher names =
            Pattern.compile("\\$\\{prefix\\}:(\\w+)").matcher(target.path("expr").asString(""));
        while (names.find()) {
          asked.add(names.group(1));
        }
      }
    }
    try (Engine engine = engine();
        QuireServer server = serve(engine, false, false)) {
      assertThat(post(server, "/v1/completions", BODY).statusCode()).isEqualTo(200);
      String scrape = post(server, "/metrics", "").body();
      assertThat(asked)
          .isNotEmpty()
          .allSatisfy(name -> assertThat(scrape).contains("\nquire:" + name + "{"));
    }
  }

  @Test
  void theAccessLogIsALineOfJsonWithoutTheTexts() throws Exception {
    PrintStream before = System.err;
    var caught = new ByteArrayOutputStream();
    try (Engine engine = engine();
        QuireServer server = serve(engine, false, true)) {
      System.setErr(new PrintStream(caught, true, StandardCharsets.UTF_8));
      post(server, "/v1/completions", BODY);
      post(server, "/v1/completions", "{");
    } finally {
      System.setErr(before);
    }
    List<JsonNode> lines =
        caught
            .toString(StandardCharsets.UTF_8)
            .lines()
            .filter(line -> line.contains("{\""))
            .map(line -> new JsonMapper().readTree(line.substring(line.indexOf("{\""))))
            // Written once an answer is out, so the second request's may come first.
            .sorted(Comparator.comparingInt(line -> line.path("status").intValue()))
            .toList();
    assertThat(lines).hasSize(2);
    assertThat(lines.get(0).path("status").intValue()).isEqualTo(200);
    assertThat(lines.get(0).path("completion_tokens").intValue()).isEqualTo(4);
    assertThat(lines.get(0).path("ttft_seconds").doubleValue()).isPositive();
    assertThat(lines.get(1).path("status").intValue()).isEqualTo(400);
    assertThat(caught.toString(StandardCharsets.UTF_8)).doesNotContain("ROMEO");
  }

  @Test
  void theFlightRecorderSeesRequestsAndTheCache() throws Exception {
    List<RecordedEvent> requests = new CopyOnWriteArrayList<>();
    List<RecordedEvent> caches = new CopyOnWriteArrayList<>();
    try (var recording = new RecordingStream();
        Engine engine = engine();
        QuireServer server = serve(engine, false, false)) {
      recording.setReuse(false);
      recording.enable("dev.quire.HttpRequest");
      recording.enable("dev.quire.KvCache");
      recording.onEvent("dev.quire.HttpRequest", requests::add);
      recording.onEvent("dev.quire.KvCache", caches::add);
      recording.startAsync();
      for (int i = 0; i < 300 && requests.isEmpty(); i++) {
        post(server, "/v1/completions", BODY);
        TimeUnit.MILLISECONDS.sleep(100); // the stream is read about once a second
      }
      recording.stop();
    }
    assertThat(requests).isNotEmpty();
    assertThat(requests.getFirst().getString("path")).isEqualTo("/v1/completions");
    assertThat(requests.getFirst().getInt("completionTokens")).isEqualTo(4);
    assertThat(caches).isNotEmpty();
  }
}
