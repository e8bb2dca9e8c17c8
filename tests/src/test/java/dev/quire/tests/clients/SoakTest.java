package dev.quire.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.EngineOptions;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/**
 * Many clients at once, of which a fifth vanish in the middle of their stream and a fifth read
 * slowly. For seconds in the usual build; with {@code -Psoak} two hundred clients for ten minutes.
 */
class SoakTest {
  private static final int CLIENTS = Integer.getInteger("quire.soak.clients", 40);
  private static final int SECONDS = Integer.getInteger("quire.soak.seconds", 6);

  private final List<Long> firstPieceNanos = Collections.synchronizedList(new ArrayList<>());
  private final AtomicInteger finished = new AtomicInteger();
  private final AtomicInteger vanished = new AtomicInteger();
  private final AtomicInteger slow = new AtomicInteger();
  private final AtomicInteger refused = new AtomicInteger();
  private final List<String> surprises = Collections.synchronizedList(new ArrayList<>());

  @Test
  void nothingLeaks() throws Exception {
    try (ServedModel served =
        new ServedModel(
            EngineOptions.builder().numKvBlocks(512).maxQueuedRequests(1000),
            ServedModel.options(List.of()))) {
      load(served, Math.min(2, SECONDS));
      settle(served);
      int threadsBefore = Thread.getAllStackTraces().size();
      long heapBefore = heap();
      firstPieceNanos.clear();
      load(served, SECONDS);
      settle(served);
      long heapAfter = heap();
      int threadsAfter = Thread.getAllStackTraces().size();
      report(heapBefore, heapAfter, threadsBefore, threadsAfter);
      assertThat(surprises).isEmpty();
      assertThat(finished.get()).isPositive();
      assertThat(vanished.get()).isPositive();
      assertThat(served.engine.stats().memory().usedBlocks()).isZero();
      assertThat(threadsAfter).isLessThanOrEqualTo(threadsBefore + CLIENTS);
      assertThat(heapAfter - heapBefore).isLessThan(64L << 20);
    }
  }

  private static long heap() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  private static void settle(ServedModel served) throws InterruptedException {
    for (int i = 0; i < 600; i++) {
      var stats = served.engine.stats();
      if (served.server.active() == 0
          && stats.runningSequences() == 0
          && stats.memory().usedBlocks() == 0) {
        return;
      }
      Thread.sleep(50);
    }
  }

  private void load(ServedModel served, int seconds) throws InterruptedException {
    long until = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
    try (HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < CLIENTS; i++) {
        int number = i;
        clients.submit(
            () -> {
              RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
              while (System.nanoTime() < until) {
                one(client, served, number % 5, random);
              }
            });
      }
    }
  }

  private void one(HttpClient client, ServedModel served, int kind, RandomGenerator random) {
    String body =
        "{\"prompt\":\"%s\",\"max_tokens\":%d,\"stream\":true,\"ignore_eos\":true}"
            .formatted("ROMEO: ".repeat(1 + random.nextInt(8)), 8 + random.nextInt(24));
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(served.url() + "/v1/completions"))
            .timeout(Duration.ofMinutes(2))
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    long start = System.nanoTime();
    try {
      HttpResponse<InputStream> response =
          client.send(request, HttpResponse.BodyHandlers.ofInputStream());
      if (response.statusCode() == 429) {
        refused.incrementAndGet();
        response.body().close();
        return;
      }
      if (response.statusCode() != 200) {
        surprises.add("status " + response.statusCode());
      }
      try (InputStream in = response.body()) {
        in.read();
        firstPieceNanos.add(System.nanoTime() - start);
        if (kind == 0) {
          vanished.incrementAndGet();
          return; // closed in the middle of its stream
        }
        byte[] buffer = new byte[256];
        String last = "";
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
          last = (last + new String(buffer, 0, n, java.nio.charset.StandardCharsets.UTF_8));
          last = last.substring(Math.max(0, last.length() - 64));
          if (kind == 1) {
            Thread.sleep(20);
          }
        }
        if (!last.contains("[DONE]")) {
          surprises.add("a stream that ends with " + last);
        }
        (kind == 1 ? slow : finished).incrementAndGet();
      }
    } catch (IOException e) {
      surprises.add(e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void report(long heapBefore, long heapAfter, int threadsBefore, int threadsAfter)
      throws IOException {
    List<Long> sorted = new ArrayList<>(firstPieceNanos);
    Collections.sort(sorted);
    double p50 = sorted.get(sorted.size() / 2) / 1e6;
    double p99 = sorted.get((int) (sorted.size() * 0.99)) / 1e6;
    String text =
        String.format(
            Locale.ROOT,
            "%d clients, %d s: %d finished, %d slow, %d vanished, %d refused; first piece p50 %.0f ms,"
                + " p99 %.0f ms; heap %.1f -> %.1f MiB; threads %d -> %d%n",
            CLIENTS,
            SECONDS,
            finished.get(),
            slow.get(),
            vanished.get(),
            refused.get(),
            p50,
            p99,
            heapBefore / 1048576.0,
            heapAfter / 1048576.0,
            threadsBefore,
            threadsAfter);
    Path file = Tools.root().resolve("tests/target/soak.txt");
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
    System.out.print(text);
  }
}
