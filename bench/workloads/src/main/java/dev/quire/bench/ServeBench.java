package dev.quire.bench;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Loads any server that speaks OpenAI's completions API and measures what its clients see.
 *
 * <p>With an arrival rate, requests are due at times drawn beforehand (a Poisson process), whether
 * or not earlier ones have been answered, and times count from when a request was due: a server
 * that stalls cannot hide it by slowing the clients down (no coordinated omission). With a
 * concurrency, so many clients send one request after the other.
 */
public final class ServeBench {
  /**
   * What to do.
   *
   * @param url the server's address, without {@code /v1}
   * @param key API key; null for none
   * @param model the model's name there
   * @param rate requests a second; 0 to go by the concurrency
   * @param concurrency requests under way at most
   */
  public record Plan(
      URI url,
      @Nullable String key,
      String model,
      List<ServeWorkload.Item> items,
      double rate,
      int concurrency,
      long seed) {}

  /**
   * How one request went, times in nanoseconds.
   *
   * @param firstToken from when it was due to its first token
   * @param total from when it was due to its end
   * @param gaps between its pieces of text
   * @param problem what went wrong; null where nothing did
   */
  public record Outcome(
      long firstToken,
      long total,
      List<Long> gaps,
      int promptTokens,
      int outputTokens,
      @Nullable String problem) {}

  private static final JsonMapper MAPPER = new JsonMapper();

  private final Plan plan;
  private final HttpClient client;

  public ServeBench(Plan plan) {
    this.plan = plan;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(20))
            .build();
  }

  /** Runs it; blocks until every request has ended. */
  public ServeReport run() throws InterruptedException {
    Random random = new Random(plan.seed());
    Semaphore slots = new Semaphore(plan.concurrency());
    List<Outcome> outcomes = new ArrayList<>();
    long start = System.nanoTime();
    long due = start;
    try (client;
        ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      for (ServeWorkload.Item item : plan.items()) {
        if (plan.rate() > 0) {
          due += (long) (-Math.log(1 - random.nextDouble()) / plan.rate() * 1e9);
          sleepUntil(due);
        }
        if (plan.rate() <= 0) {
          slots.acquire();
          due = System.nanoTime();
        }
        long counted = due;
        clients.execute(
            () -> {
              try {
                if (plan.rate() > 0) {
                  slots.acquireUninterruptibly(); // the wait counts, as it began when it was due
                }
                Outcome outcome = request(item, counted);
                synchronized (outcomes) {
                  outcomes.add(outcome);
                }
              } finally {
                slots.release();
              }
            });
      }
    }
    return new ServeReport(plan, outcomes, (System.nanoTime() - start) / 1e9);
  }

  private static void sleepUntil(long nanos) {
    for (long left = nanos - System.nanoTime(); left > 0; left = nanos - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  private Outcome request(ServeWorkload.Item item, long due) {
    ObjectNode body = MAPPER.createObjectNode();
    body.put("model", plan.model());
    body.put("prompt", item.prompt());
    body.put("max_tokens", item.outputTokens());
    body.put("ignore_eos", true);
    body.put("temperature", 0.8);
    body.put("stream", true);
    body.putObject("stream_options").put("include_usage", true);
    HttpRequest.Builder request =
        HttpRequest.newBuilder(plan.url().resolve("/v1/completions"))
            .header("Content-Type", "application/json")
            .timeout(Duration.ofMinutes(30))
            .POST(HttpRequest.BodyPublishers.ofString(body.toString()));
    if (plan.key() != null) {
      request.header("Authorization", "Bearer " + plan.key());
    }
    Reading reading = new Reading();
    String problem = null;
    try {
      HttpResponse<Stream<String>> response =
          client.send(request.build(), HttpResponse.BodyHandlers.ofLines());
      try (Stream<String> lines = response.body()) {
        if (response.statusCode() != 200) {
          problem = "status " + response.statusCode();
        } else {
          lines.forEach(reading::line);
          problem = reading.problem;
        }
      }
    } catch (java.io.IOException | java.io.UncheckedIOException e) {
      problem = String.valueOf(e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      problem = "interrupted";
    }
    if (problem == null && reading.first == 0) {
      problem = "no text";
    }
    return new Outcome(
        reading.first - due,
        System.nanoTime() - due,
        reading.gaps,
        reading.promptTokens,
        reading.outputTokens,
        problem);
  }

  /** What one stream has told so far. */
  private static final class Reading {
    final List<Long> gaps = new ArrayList<>();
    long first;
    long last;
    int promptTokens;
    int outputTokens;
    @Nullable String problem;

    void line(String line) {
      if (!line.startsWith("data: ") || line.endsWith("[DONE]")) {
        return;
      }
      JsonNode chunk;
      try {
        chunk = MAPPER.readTree(line.substring(6));
      } catch (JacksonException e) {
        problem = "an event that is no JSON";
        return;
      }
      if (chunk.has("error")) {
        problem = chunk.path("error").path("message").asString("error");
      }
      JsonNode usage = chunk.path("usage");
      if (usage.isObject()) {
        promptTokens = usage.path("prompt_tokens").asInt(0);
        outputTokens = usage.path("completion_tokens").asInt(0);
      }
      if (!chunk.path("choices").path(0).path("text").asString("").isEmpty()) {
        long now = System.nanoTime();
        if (first == 0) {
          first = now;
        } else {
          gaps.add(now - last);
        }
        last = now;
      }
    }
  }
}
