package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.SamplingParams;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** An engine that is closed leaves nothing behind: no thread, no heap, no native memory. */
class EngineReleaseTest {
  private static final int ROUNDS = 12;
  private static final long CACHE = 64L << 20;

  private static void useOnce() {
    var options = EngineOptions.builder().kvCacheMemory(CACHE).build();
    try (Engine engine = Engine.loadEmbedded(options)) {
      engine.generate("ROMEO:", SamplingParams.builder().maxTokens(3).build());
    }
  }

  private static List<String> threads() throws InterruptedException {
    List<String> left = List.of();
    for (int i = 0; i < 1500; i++) {
      left =
          Thread.getAllStackTraces().keySet().stream()
              .map(Thread::getName)
              .filter(name -> name.startsWith("quire-"))
              .toList();
      if (left.isEmpty()) {
        return left;
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
    return left;
  }

  private static long heap() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  /** Memory that the process holds beside its heap, by Linux. */
  private static long outsideTheHeap() throws IOException {
    Path status = Path.of("/proc/self/status");
    assumeTrue(Files.exists(status), "only Linux tells");
    long resident =
        Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElseThrow()
            << 10;
    return resident - ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getCommitted();
  }

  @Test
  void aClosedEngineLeavesNothing() throws Exception {
    useOnce();
    useOnce();
    long heapBefore = heap();
    long outsideBefore = outsideTheHeap();
    for (int i = 0; i < ROUNDS; i++) {
      useOnce();
    }
    assertThat(threads()).isEmpty();
    assertThat(heap() - heapBefore).as("heap").isLessThan(16L << 20);
    // Were the caches kept, twelve of them would be; what is kept of code and of malloc is less.
    long grown = Long.MAX_VALUE;
    for (int i = 0; i < 100 && grown > ROUNDS * CACHE / 3; i++) {
      System.gc();
      TimeUnit.MILLISECONDS.sleep(50); // the embedded model's bytes are freed by a cleaner
      grown = outsideTheHeap() - outsideBefore;
    }
    assertThat(grown).as("memory outside the heap").isLessThanOrEqualTo(ROUNDS * CACHE / 3);
  }
}
