package dev.quire.engine;

import static dev.quire.engine.EngineFixture.awaitQuiet;
import static dev.quire.engine.EngineFixture.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.paging.KvUsage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class MemoryAccountingTest {
  @Test
  void everySlotIsATokenAWasteOrFree() throws Exception {
    var built = EngineFixture.build(200, EngineFixture.swapping(4, 20).build());
    int[] seen = {0};
    built.executor().watcher =
        batch -> {
          KvUsage usage = built.allocator().usage();
          assertThat(usage.tokenSlots() + usage.wastedSlots() + usage.freeSlots())
              .isEqualTo(usage.totalSlots());
          if (batch.numSequences == 4 && seen[0]++ == 5) {
            // Four samples of 18 tokens share 4 full blocks; each has 6 further tokens in 2 more.
            assertThat(usage.usedBlocks()).isEqualTo(4 + 4 * 2);
            assertThat(usage.sharedBlocks()).isEqualTo(4);
            assertThat(usage.savedBlocks()).isEqualTo(3 * 4);
            assertThat(usage.hostBlocks()).isEqualTo(20);
          }
        };
    try (Engine engine = built.engine()) {
      SamplingParams params = SamplingParams.builder().n(4).seed(1L).maxTokens(20).build();
      Generation done =
          engine.submit(request(EngineFixture.prompt(new Random(1), 18), params)).await();
      assertThat(done.finishReason()).isEqualTo(FinishReason.LENGTH);
      awaitQuiet(engine);
      assertThat(seen[0]).isGreaterThan(5);
      KvUsage usage = engine.stats().memory();
      assertThat(usage.cachedBlocks()).isPositive();
      assertThat(usage.tokenSlots()).isZero();
    }
  }

  @Test
  void theFlightRecorderGetsTheAccounts(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("run.jfr");
    try (Recording recording = new Recording()) {
      recording.enable("dev.quire.KvCache");
      recording.start();
      try (Engine engine = EngineFixture.engine(50, EngineFixture.options(4).build())) {
        engine
            .submit(request(EngineFixture.prompt(new Random(1), 30), SamplingParams.greedy(20)))
            .await();
      }
      recording.stop();
      recording.dump(file);
    }
    List<RecordedEvent> events = RecordingFile.readAllEvents(file);
    assertThat(events).isNotEmpty();
    RecordedEvent last = events.getLast();
    assertThat(last.getEventType().getName()).isEqualTo("dev.quire.KvCache");
    assertThat(last.getLong("usedBlocks") + last.getLong("freeBlocks")).isEqualTo(50);
  }

  @Test
  void aHostPoolThatHoldsNoBlockIsRefused() {
    EngineOptions.Builder options =
        EngineOptions.builder().device("cpu").preemption(EngineOptions.Preemption.SWAP);
    assertThatThrownBy(() -> Engine.loadEmbedded(options.swapSpace(1000).build()).close())
        .isInstanceOf(QuireException.class)
        .hasMessageMatching(
            "swapSpace of 1000 bytes holds no block: one of 16 tokens takes \\d+ bytes");
    try (Engine engine = Engine.loadEmbedded(options.swapSpace(1 << 20).build())) {
      assertThat(engine.stats().memory().hostBlocks()).isPositive();
    }
  }

  @Test
  void theIntegrityCheckStaysWithinItsShareAndLetsFaultsThrough() {
    long[] now = {1};
    int[] checks = {0};
    var slow =
        new IntegrityCheck(
            () -> {
              checks[0]++;
              now[0] += 1_000_000;
            },
            0.03,
            () -> now[0]);
    for (int step = 0; step < 10_000; step++) {
      now[0] += 100_000;
      slow.afterStep(now[0]);
    }
    // A second of steps: 3 % are thirty checks of a millisecond, and the first tells their time.
    assertThat(checks[0]).isBetween(29, 32);
    var failing =
        new IntegrityCheck(
            () -> {
              throw new dev.quire.paging.PagingException("a leak");
            },
            1);
    assertThatThrownBy(() -> failing.afterStep(1)).hasMessage("a leak");
  }
}
