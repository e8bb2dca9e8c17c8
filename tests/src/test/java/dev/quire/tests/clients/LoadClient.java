package dev.quire.tests.clients;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/**
 * Many clients at once, each asking for one stream after the other: of five, one vanishes in the
 * middle of its streams, one reads them slowly, and three read as fast as they come.
 */
final class LoadClient {
  private static final long LONGEST_MICROS = 600_000_000;

  /** How a client treats its streams. */
  enum Manner {
    VANISHES,
    READS_SLOWLY,
    READS
  }

  final Histogram firstPieceMicros = new ConcurrentHistogram(LONGEST_MICROS, 3);
  final Histogram gapMicros = new ConcurrentHistogram(LONGEST_MICROS, 3);
  final AtomicInteger finished = new AtomicInteger();
  final AtomicInteger vanished = new AtomicInteger();
  final AtomicInteger slow = new AtomicInteger();

  /** Answers 429 or 503, and streams that ended in an error event. */
  final AtomicInteger refused = new AtomicInteger();

  final AtomicInteger failed = new AtomicInteger();

  private final String url;
  private final List<String> surprises = new ArrayList<>();
  private volatile boolean stopped;

  /**
   * @param url the server's, without {@code /v1}
   */
  LoadClient(String url) {
    this.url = url;
  }

  /** Keeps so many clients busy for a time; returns once the last of their streams has ended. */
  void run(int clients, Duration time) {
    long until = System.nanoTime() + time.toNanos();
    try (HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < clients; i++) {
        Manner manner =
            switch (i % 5) {
              case 0 -> Manner.VANISHES;
              case 1 -> Manner.READS_SLOWLY;
              default -> Manner.READS;
            };
        threads.execute(
            () -> {
              RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
              while (!stopped && System.nanoTime() < until) {
                one(http, manner, random);
              }
            });
      }
    }
  }

  /** Lets the clients end after the streams they have. */
  void stop() {
    stopped = true;
  }

  /** What should not have happened. */
  List<String> surprises() {
    synchronized (surprises) {
      return List.copyOf(surprises);
    }
  }

  private void surprise(String what) {
    failed.incrementAndGet();
    synchronized (surprises) {
      if (surprises.size() < 20) {
        surprises.add(what);
      }
    }
  }

  private void one(HttpClient http, Manner manner, RandomGenerator random) {
    String body =
        "{\"prompt\":\"%s\",\"max_tokens\":%d,\"stream\":true,\"ignore_eos\":true}"
            .formatted("ROMEO: ".repeat(1 + random.nextInt(24)), 8 + random.nextInt(56));
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url + "/v1/completions"))
            .timeout(Duration.ofMinutes(2))
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    long start = System.nanoTime();
    try {
      HttpResponse<InputStream> response =
          http.send(request, HttpResponse.BodyHandlers.ofInputStream());
      if (response.statusCode() == 429 || response.statusCode() == 503) {
        refused.incrementAndGet();
        response.body().close();
        Thread.sleep(50);
        return;
      }
      if (response.statusCode() != 200) {
        surprise("status " + response.statusCode());
      }
      read(response.body(), manner, start, random);
    } catch (IOException e) {
      surprise(e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void read(InputStream body, Manner manner, long start, RandomGenerator random)
      throws IOException, InterruptedException {
    int pieces = manner == Manner.VANISHES ? 1 + random.nextInt(6) : Integer.MAX_VALUE;
    try (InputStream in = body) {
      byte[] buffer = new byte[manner == Manner.READS_SLOWLY ? 128 : 8192];
      String tail = "";
      long last = start;
      for (int n = in.read(buffer), i = 0; n >= 0; n = in.read(buffer), i++) {
        long now = System.nanoTime();
        if (i == 0) {
          firstPieceMicros.recordValue(Math.min(LONGEST_MICROS, (now - start) / 1000));
        } else if (manner == Manner.READS) {
          gapMicros.recordValue(Math.min(LONGEST_MICROS, (now - last) / 1000));
        }
        last = now;
        if (i + 1 >= pieces) {
          vanished.incrementAndGet();
          return; // closes the connection
        }
        tail += new String(buffer, 0, n, StandardCharsets.UTF_8);
        tail = tail.substring(Math.max(0, tail.length() - 400));
        if (manner == Manner.READS_SLOWLY) {
          Thread.sleep(10);
        }
      }
      if (tail.contains("\"error\"")) {
        refused.incrementAndGet();
      } else if (!tail.contains("[DONE]")) {
        surprise("a stream that ends with " + tail);
      } else {
        (manner == Manner.READS_SLOWLY ? slow : finished).incrementAndGet();
      }
    }
  }
}
