package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.EngineOptions.Policy;
import dev.quire.engine.EngineOptions.Preemption;
import dev.quire.engine.EngineStats;
import dev.quire.engine.FinishReason;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationEvent;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.RequestHandle;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Many requests of every decoding method at once, some cancelled midway, in a pool that holds a
 * tenth of them: each gives what it gives alone, and no block leaks. 2 000 requests a run with
 * {@code -Psoak}, 126 without.
 */
class StormTest {
  private static final boolean SOAK = Boolean.getBoolean("quire.soak");
  private static final int REQUESTS = SOAK ? 2_000 : 126;
  private static final int BLOCK_SIZE = 4;

  private static Path model(String name) {
    return Path.of(System.getProperty("quire.root"))
        .resolve("tests/src/test/resources/golden/gguf/" + name + ".gguf");
  }

  private static EngineOptions.Builder options() {
    return EngineOptions.builder()
        .device("cpu")
        .threads(2)
        .blockSize(BLOCK_SIZE)
        .maxNumSeqs(1024)
        .integrityShare(SOAK ? 0.2 : 1);
  }

  @Timeout(1200)
  @ParameterizedTest
  @CsvSource({
    "llama-f32, SWAP, FIRST_COME_FIRST_SERVED, true",
    "llama-f32, RECOMPUTE, SHORTEST_REMAINING, true",
    "llama-q8_0, SWAP, PRIORITY, false",
    "llama-q8_0, RECOMPUTE, FIRST_COME_FIRST_SERVED, false"
  })
  void everyRequestOfAStormGivesWhatItGivesAlone(
      String name, Preemption preemption, Policy policy, boolean prefixCaching) throws Exception {
    List<GenerationRequest> requests;
    List<Generation> alone = new ArrayList<>();
    long began = System.nanoTime();
    EngineOptions calm = options().numKvBlocks(4000).prefixCaching(false).build();
    try (Engine engine = Engine.load(model(name), calm)) {
      requests = Storm.requests(2026, REQUESTS, engine.tokenizer().vocabularySize());
      for (GenerationRequest request : requests) {
        alone.add(engine.submit(request).await());
      }
    }
    long aloneNanos = System.nanoTime() - began;
    int blocks = Math.max(150, demand(requests) / 10);
    long swapSpace = preemption == Preemption.SWAP ? 64L << 20 : 0;
    EngineOptions tight =
        options()
            .numKvBlocks(blocks)
            .maxNumBatchedTokens(2048)
            .preemption(preemption)
            .swapSpace(swapSpace)
            .policy(policy)
            .prefixCaching(prefixCaching)
            .build();
    began = System.nanoTime();
    int cancelled = 0;
    EngineStats stats;
    try (Engine engine = Engine.load(model(name), tight)) {
      Random random = new Random(1);
      List<RequestHandle> handles = new ArrayList<>();
      List<Thread> cancellers = new ArrayList<>();
      for (GenerationRequest request : requests) {
        RequestHandle handle = engine.submit(request);
        handles.add(handle);
        if (random.nextInt(10) == 0) {
          cancellers.add(cancelAfter(handle, random.nextInt(12)));
        }
      }
      for (int i = 0; i < REQUESTS; i++) {
        Generation among = handles.get(i).await();
        if (among.outputs().stream().anyMatch(o -> o.finishReason() == FinishReason.CANCELLED)) {
          cancelled++;
          checkBeginning(requests.get(i), among, alone.get(i));
        } else {
          assertThat(among.outputs()).as("%s", requests.get(i)).isEqualTo(alone.get(i).outputs());
          assertThat(among.promptLogprobs()).isEqualTo(alone.get(i).promptLogprobs());
        }
      }
      for (Thread thread : cancellers) {
        thread.join();
      }
      stats = quiet(engine);
      assertThat(stats.usedBlocks()).isZero();
      assertThat(stats.memory().swappedBlocks()).isZero();
    }
    assertThat(cancelled).isPositive();
    assertThat(stats.preemptions()).isPositive();
    assertThat(stats.swapOuts() > 0).isEqualTo(preemption == Preemption.SWAP);
    System.out.printf(
        "storm: %s, %s, %s, prefix caching %s: %d requests, %d blocks of %d, %d cancelled,"
            + " %d preemptions, %d of them swaps, %d steps, %d tokens sampled,"
            + " %.1f s together, %.1f s one by one%n",
        name,
        preemption,
        policy,
        prefixCaching ? "on" : "off",
        REQUESTS,
        blocks,
        BLOCK_SIZE,
        cancelled,
        stats.preemptions(),
        stats.swapOuts(),
        stats.steps(),
        stats.sampledTokens(),
        (System.nanoTime() - began) / 1e9,
        aloneNanos / 1e9);
  }

  /** Blocks that all requests would take side by side. */
  private static int demand(List<GenerationRequest> requests) {
    int blocks = 0;
    for (GenerationRequest request : requests) {
      int prompt = ((Prompt.Tokens) request.prompt()).ids().size();
      int tokens = request.params().maxTokens();
      blocks +=
          prompt / BLOCK_SIZE
              + request.params().sequences()
                  * Math.ceilDiv(prompt % BLOCK_SIZE + tokens, BLOCK_SIZE);
    }
    return blocks;
  }

  private static Thread cancelAfter(RequestHandle handle, int events) {
    return Thread.startVirtualThread(
        () -> {
          Iterator<GenerationEvent> iterator = handle.events().iterator();
          for (int i = 0; i < events && iterator.hasNext(); i++) {
            iterator.next();
          }
          handle.cancel();
        });
  }

  /** What a cancelled request gave is how it begins when it is alone. */
  private static void checkBeginning(
      GenerationRequest request, Generation among, Generation alone) {
    if (request.params().ranked()) {
      return; // which samples come out depends on how far each of them got
    }
    for (int i = 0; i < among.outputs().size(); i++) {
      List<Integer> tokens = among.outputs().get(i).tokenIds();
      List<Integer> whole = alone.outputs().get(i).tokenIds();
      assertThat(whole.size()).isGreaterThanOrEqualTo(tokens.size());
      assertThat(tokens).isEqualTo(whole.subList(0, tokens.size()));
    }
  }

  private static EngineStats quiet(Engine engine) throws InterruptedException {
    EngineStats stats = engine.stats();
    for (int i = 0; i < 1000 && (stats.usedBlocks() > 0 || stats.runningSequences() > 0); i++) {
      Thread.sleep(10);
      stats = engine.stats();
    }
    return stats;
  }
}
