package dev.quire.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.EngineOptions;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What one client's demands may and may not do to others. */
class OverloadTest {
  private static final int PATIENCE_SECONDS = 60;
  private static final String ENDLESS = ",\"max_tokens\":100000,\"ignore_eos\":true";
  private static HttpClient client;

  @BeforeAll
  static void open() {
    client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  }

  @AfterAll
  static void close() {
    client.close();
  }

  private static ServedModel served(EngineOptions.Builder options, Duration slowReader) {
    return new ServedModel(
        options,
        ServedModel.options(List.of())
            .withTimeouts(Duration.ofMinutes(5), slowReader, Duration.ofSeconds(20)));
  }

  private static HttpRequest request(ServedModel served, String fields) {
    return HttpRequest.newBuilder(URI.create(served.url() + "/v1/completions"))
        .timeout(Duration.ofSeconds(PATIENCE_SECONDS))
        .POST(HttpRequest.BodyPublishers.ofString("{" + fields + "}"))
        .build();
  }

  private static HttpResponse<String> ask(ServedModel served, String fields) throws Exception {
    return client.send(request(served, fields), HttpResponse.BodyHandlers.ofString());
  }

  private static CompletableFuture<HttpResponse<String>> askLater(
      ServedModel served, String fields) {
    return client.sendAsync(request(served, fields), HttpResponse.BodyHandlers.ofString());
  }

  private static void waitFor(BooleanSupplier condition, String what) throws Exception {
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - until).as(what).isNegative();
      TimeUnit.MILLISECONDS.sleep(5);
    }
  }

  @Test
  void aFullQueueSaysWhenToComeAgain() throws Exception {
    var options = EngineOptions.builder().numKvBlocks(128).maxNumSeqs(1).maxQueuedRequests(2);
    try (ServedModel served = served(options, Duration.ofSeconds(5))) {
      var running = askLater(served, "\"prompt\":\"a\"" + ENDLESS);
      waitFor(() -> served.engine.stats().runningSequences() == 1, "the first runs");
      var waiting = new ArrayList<CompletableFuture<HttpResponse<String>>>();
      for (int i = 1; i <= 2; i++) {
        waiting.add(askLater(served, "\"prompt\":\"b\",\"max_tokens\":2"));
        int expected = i;
        waitFor(() -> served.engine.stats().requestsSubmitted() == 1 + expected, "one more waits");
      }
      HttpResponse<String> refused = ask(served, "\"prompt\":\"c\",\"max_tokens\":2");
      assertThat(refused.statusCode()).isEqualTo(429);
      assertThat(refused.headers().firstValueAsLong("Retry-After").orElse(-1)).isPositive();
      assertThat(refused.body()).contains("\"error\"");
      assertThat(running.get(PATIENCE_SECONDS, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
      for (var each : waiting) {
        assertThat(each.get(PATIENCE_SECONDS, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
      }
    }
  }

  @Test
  void aRequestsTimeEndsIt() throws Exception {
    try (ServedModel served =
        served(EngineOptions.builder().numKvBlocks(256), Duration.ofSeconds(5))) {
      String endless = "\"prompt\":\"a\",\"n\":8,\"timeout\":0.2" + ENDLESS;
      HttpResponse<String> late = ask(served, endless);
      assertThat(late.statusCode()).isEqualTo(408);
      assertThat(late.body()).contains("\"error\"");
      HttpResponse<String> stream = ask(served, endless + ",\"stream\":true");
      assertThat(stream.statusCode()).isEqualTo(200);
      assertThat(stream.body()).contains("\"error\"").contains("time is up");
      waitFor(() -> served.engine.stats().memory().usedBlocks() == 0, "its blocks are free");
    }
  }

  @Test
  void whoReadsNothingIsCutOffAndHoldsUpNobody() throws Exception {
    try (ServedModel served =
        served(EngineOptions.builder().numKvBlocks(1024), Duration.ofSeconds(1))) {
      // Log-probabilities of twenty alternatives make a stream that no socket's buffers hold.
      String body = "{\"prompt\":\"a\",\"n\":8,\"stream\":true,\"logprobs\":20" + ENDLESS + "}";
      try (Socket socket = new Socket()) {
        socket.setReceiveBufferSize(4096);
        socket.connect(
            new java.net.InetSocketAddress(InetAddress.getLoopbackAddress(), served.server.port()));
        socket
            .getOutputStream()
            .write(
                ("POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: "
                        + body.length()
                        + "\r\n\r\n"
                        + body)
                    .getBytes(StandardCharsets.US_ASCII));
        waitFor(() -> served.engine.stats().runningSequences() == 8, "the stream runs");
        HttpResponse<String> other = ask(served, "\"prompt\":\"b\",\"max_tokens\":8");
        assertThat(other.statusCode()).isEqualTo(200);
        waitFor(() -> served.server.active() == 0, "the reader is cut off");
        waitFor(() -> served.engine.stats().memory().usedBlocks() == 0, "its blocks are free");
      }
    }
  }

  @Test
  void aLongPromptComesInChunksBetweenOthersTokens() throws Exception {
    // 32 tokens a step: a prompt of some 450 takes 15 steps, and every one of them moves the
    // stream.
    List<Long> chunked = besideLongPrompts(32);
    assertThat(chunked).isNotEmpty().allSatisfy(n -> assertThat(n).isGreaterThan(8));
    List<Long> whole = besideLongPrompts(1024);
    // On a busy machine the stream goes on while a request is still on its way.
    assertThat(whole).anySatisfy(n -> assertThat(n).isLessThan(8));
  }

  /** How many steps each long prompt took; prints the times between the tokens of the stream. */
  private static List<Long> besideLongPrompts(int tokensAStep) throws Exception {
    var options = EngineOptions.builder().numKvBlocks(1024).maxNumBatchedTokens(tokensAStep);
    try (ServedModel served = served(options, Duration.ofSeconds(30))) {
      Histogram alone = gaps(served, () -> {});
      var steps = new ArrayList<Long>();
      Histogram beside =
          gaps(
              served,
              () -> {
                // A beginning of its own, so that the prefix cache has none of it.
                String prompt = steps.size() + " Good morrow to thee, cousin.".repeat(45);
                long before = served.engine.stats().steps();
                String fields = "\"prompt\":\"" + prompt + "\",\"max_tokens\":1";
                assertThat(ask(served, fields).statusCode()).isEqualTo(200);
                steps.add(served.engine.stats().steps() - before);
              });
      System.out.printf(
          Locale.ROOT,
          "between tokens, %d tokens a step, ms: alone p50 %.1f, p99 %.1f, most %.1f; beside long"
              + " prompts p50 %.1f, p99 %.1f, most %.1f; steps of the prompts: %s%n",
          tokensAStep,
          alone.getValueAtPercentile(50) / 1e3,
          alone.getValueAtPercentile(99) / 1e3,
          alone.getMaxValue() / 1e3,
          beside.getValueAtPercentile(50) / 1e3,
          beside.getValueAtPercentile(99) / 1e3,
          beside.getMaxValue() / 1e3,
          steps);
      return steps;
    }
  }

  /** Something to do beside a stream. */
  private interface Beside {
    void act() throws Exception;
  }

  /** The microseconds between a stream's tokens; each of its streams has one act beside it. */
  private static Histogram gaps(ServedModel served, Beside beside) throws Exception {
    var gaps = new Histogram(60_000_000, 3);
    for (int round = 0; round < 3; round++) {
      HttpResponse<InputStream> response =
          client.send(
              request(
                  served,
                  "\"prompt\":\"a\",\"max_tokens\":120,\"ignore_eos\":true,\"stream\":true"),
              HttpResponse.BodyHandlers.ofInputStream());
      var acting =
          CompletableFuture.runAsync(
              () -> {
                try {
                  beside.act();
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              });
      try (InputStream in = response.body()) {
        byte[] buffer = new byte[4096];
        long last = System.nanoTime();
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
          long now = System.nanoTime();
          gaps.recordValue((now - last) / 1000);
          last = now;
        }
      }
      acting.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }
    return gaps;
  }

  @Test
  void whatRunsWhenTheServerClosesIsFinished() throws Exception {
    ServedModel served = served(EngineOptions.builder().numKvBlocks(256), Duration.ofSeconds(5));
    var running = askLater(served, "\"prompt\":\"a\"" + ENDLESS);
    waitFor(() -> served.engine.stats().runningSequences() == 1, "it runs");
    served.close();
    HttpResponse<String> done = running.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    assertThat(done.statusCode()).isEqualTo(200);
    assertThat(done.body()).contains("\"finish_reason\":\"length\"");
  }

  @Test
  void whatCannotFinishInTimeIsToldSo() throws Exception {
    var options = EngineOptions.builder().numKvBlocks(2048).maxNumSeqs(2);
    ServedModel served =
        new ServedModel(
            options,
            ServedModel.options(List.of())
                .withTimeouts(
                    Duration.ofMinutes(5), Duration.ofSeconds(5), Duration.ofMillis(100)));
    var running = askLater(served, "\"prompt\":\"a\",\"n\":2" + ENDLESS);
    waitFor(() -> served.server.active() == 1, "it runs");
    served.close();
    HttpResponse<String> done = running.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    assertThat(done.statusCode()).isEqualTo(503);
    assertThat(done.body()).contains("\"error\"");
  }
}
