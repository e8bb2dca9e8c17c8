package dev.quire.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.HotSpotDiagnosticMXBean;
import dev.quire.engine.EngineOptions;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two hundred clients at once, of which a fifth vanish in the middle of their streams and a fifth
 * read slowly. For seconds in the usual build; with {@code -Psoak} for ten minutes. The figures go
 * to {@code tests/target/load.txt}.
 */
class LoadTest {
  private static final int CLIENTS = 200;
  private static final boolean SOAK = Boolean.getBoolean("quire.soak");
  private static final Duration TIME = Duration.ofSeconds(SOAK ? 600 : 6);
  private static final Duration WARM_UP = Duration.ofSeconds(SOAK ? 30 : 2);
  private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(SOAK ? 60 : 2);
  private static final long GROWTH_BYTES = 24L << 20;

  @TempDir private Path folder;
  private final List<Long> heaps = new ArrayList<>();

  @Test
  void nothingLeaks() throws Exception {
    var options = EngineOptions.builder().numKvBlocks(1024).maxQueuedRequests(1000);
    try (ServedModel served = new ServedModel(options, ServedModel.options(List.of()))) {
      new LoadClient(served.url()).run(CLIENTS, WARM_UP);
      settle(served);
      int platformBefore = platformThreads();
      heaps.add(heap());

      var load = new LoadClient(served.url());
      Thread looker = Thread.ofVirtual().start(this::look);
      load.run(CLIENTS, TIME);
      looker.interrupt();
      looker.join();
      settle(served);
      heaps.add(heap());
      int platformAfter = platformThreads();
      List<String> left = quireThreads();

      report(load, platformBefore, platformAfter);
      assertThat(load.surprises()).isEmpty();
      assertThat(load.finished.get()).isPositive();
      assertThat(load.vanished.get()).isPositive();
      assertThat(load.slow.get()).isPositive();
      var stats = served.engine.stats();
      assertThat(stats.memory().usedBlocks()).as("blocks in use").isZero();
      assertThat(stats.requestsSubmitted()).isEqualTo(stats.requestsFinished());
      assertThat(left).as("threads of requests that are over").isEmpty();
      assertThat(platformAfter).isLessThanOrEqualTo(platformBefore + 2);
      // The lowest of the latter half beside the first look: noise only adds to a heap.
      long later = Collections.min(heaps.subList(heaps.size() / 2, heaps.size()));
      assertThat(later - heaps.getFirst()).as("growth of the heap").isLessThan(GROWTH_BYTES);
    }
  }

  private void look() {
    try {
      while (true) {
        Thread.sleep(BETWEEN_LOOKS);
        heaps.add(heap());
      }
    } catch (InterruptedException e) {
      // The load is over.
    }
  }

  private static long heap() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  private static int platformThreads() {
    // The JDK's own pools for HTTP clients and timers come and go.
    return (int)
        Thread.getAllStackTraces().keySet().stream()
            .filter(t -> !t.getName().matches("(HttpClient|ForkJoinPool|VirtualThread).*"))
            .count();
  }

  /**
   * Virtual threads that belong to a request: by the JVM's own dump, as nothing else lists them.
   */
  private List<String> quireThreads() throws IOException, InterruptedException {
    List<String> found = List.of();
    for (int attempt = 0; attempt < 50; attempt++) {
      Path dump = folder.resolve("threads-" + attempt + ".txt").toAbsolutePath();
      ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
          .dumpThreads(dump.toString(), HotSpotDiagnosticMXBean.ThreadDumpFormat.TEXT_PLAIN);
      found =
          Files.readAllLines(dump).stream()
              .filter(line -> line.matches("#\\d+ \"quire-(request-\\d+|client)\".*"))
              .toList();
      if (found.isEmpty()) {
        return found;
      }
      TimeUnit.MILLISECONDS.sleep(100); // connections that were just closed
    }
    return found;
  }

  private static void settle(ServedModel served) throws InterruptedException {
    for (int i = 0; i < 600; i++) {
      var stats = served.engine.stats();
      if (served.server.active() == 0
          && stats.runningSequences() == 0
          && stats.requestsSubmitted() == stats.requestsFinished()
          && stats.memory().usedBlocks() == 0) {
        return;
      }
      Thread.sleep(50);
    }
  }

  private void report(LoadClient load, int platformBefore, int platformAfter) throws IOException {
    String text =
        String.format(
            Locale.ROOT,
            "%d clients for %d s on %d processors: %d streams read to their end, %d read slowly,"
                + " %d abandoned, %d refused, %d gone wrong%n",
            CLIENTS,
            TIME.toSeconds(),
            Runtime.getRuntime().availableProcessors(),
            load.finished.get(),
            load.slow.get(),
            load.vanished.get(),
            load.refused.get(),
            load.failed.get());
    text +=
        row("time to first token", load.firstPieceMicros) + row("between pieces", load.gapMicros);
    text +=
        "heap after a collection, MiB: "
            + heaps.stream()
                .map(bytes -> String.format(Locale.ROOT, "%.1f", bytes / 1048576.0))
                .collect(Collectors.joining(" "))
            + String.format("%nplatform threads: %d -> %d%n", platformBefore, platformAfter);
    Path file = Tools.root().resolve("tests/target/load.txt");
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
    System.out.print(text);
  }

  private static String row(String name, Histogram micros) {
    return String.format(
        Locale.ROOT,
        "%s, ms: p50 %.0f, p90 %.0f, p99 %.0f, most %.0f%n",
        name,
        micros.getValueAtPercentile(50) / 1e3,
        micros.getValueAtPercentile(90) / 1e3,
        micros.getValueAtPercentile(99) / 1e3,
        micros.getMaxValue() / 1e3);
  }
}
