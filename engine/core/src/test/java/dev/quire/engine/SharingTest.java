package dev.quire.engine;

import static dev.quire.engine.EngineFixture.awaitQuiet;
import static dev.quire.engine.EngineFixture.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.paging.KvUsage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sequences of one request, and requests of one beginning, use the same blocks. */
@Timeout(60)
class SharingTest {
  private static final SamplingParams EIGHT =
      SamplingParams.builder().n(8).seed(4L).maxTokens(13).build();

  @Test
  void eightSamplesUseThePromptsBlocksOnce() throws Exception {
    int blockSize = 4;
    int[] prompt = EngineFixture.prompt(new Random(1), 42);
    EngineOptions options = EngineFixture.options(blockSize).prefixCaching(false).build();
    var built = EngineFixture.build(200, options);
    List<String> wrong = new ArrayList<>();
    int[] promptTokens = {0};
    built.executor().watcher =
        batch -> {
          for (int t = 0; t < batch.numTokens; t++) {
            promptTokens[0] += batch.positions[t] < prompt.length ? 1 : 0;
          }
          if (batch.numSequences == 8) {
            // 42 tokens: ten full blocks for all, and the rest of each sample's own.
            int own = Math.ceilDiv(batch.contextLengths[0], blockSize) - 10;
            KvUsage usage = built.allocator().usage();
            if (usage.usedBlocks() != 10 + 8L * own || usage.sharedBlocks() != 10) {
              wrong.add("%d tokens: %s".formatted(batch.contextLengths[0], usage));
            }
          }
        };
    try (Engine engine = built.engine()) {
      Generation done = engine.submit(request(prompt, EIGHT)).await();
      assertThat(done.outputs().stream().map(Generation.Output::tokenIds).distinct()).hasSize(8);
      awaitQuiet(engine);
    }
    assertThat(wrong).isEmpty();
    assertThat(promptTokens[0]).isEqualTo(42);
    // Seven of the eight copy the prompt's last block, the eighth writes on in it.
    assertThat(built.executor().copies.get()).isEqualTo(7);
  }

  /** A lone request whose samples outgrow the pool: they take turns, and the pool is swapped. */
  @Test
  void samplesThatDoNotFitTogetherAreSwappedToo() throws Exception {
    SamplingParams params = SamplingParams.builder().n(5).seed(11L).maxTokens(60).build();
    int[] prompt = EngineFixture.prompt(new Random(1), 17);
    Generation calm;
    try (Engine engine = EngineFixture.engine(500, EngineFixture.options(4).build())) {
      calm = engine.submit(request(prompt, params)).await();
    }
    for (int hostBlocks : new int[] {0, 3, 200}) {
      var built = EngineFixture.build(40, EngineFixture.swapping(4, hostBlocks).build());
      int[] computed = {0};
      built.executor().watcher = batch -> computed[0] += batch.numTokens;
      try (Engine engine = built.engine()) {
        Generation done = engine.submit(request(prompt, params)).await();
        assertThat(done.outputs()).isEqualTo(calm.outputs());
        assertThat(done.usage().preemptions()).isPositive();
        boolean room = hostBlocks == 200;
        assertThat(engine.stats().swapOuts() > 0).isEqualTo(room);
        assertThat(built.executor().swappedIn.get() > 0).isEqualTo(room);
        // What was swapped is not computed again: the last token of each output never is.
        int once = 17 + 5 * 59;
        assertThat(computed[0] == once).as("%d tokens computed", computed[0]).isEqualTo(room);
        awaitQuiet(engine);
      }
    }
  }

  @Test
  void theBestOfManyAreThoseOfGreatestMeanLogprob() throws Exception {
    int[] prompt = EngineFixture.prompt(new Random(2), 9);
    SamplingParams all =
        SamplingParams.builder()
            .n(7)
            .seed(5L)
            .maxTokens(25)
            .stopTokenIds(List.of(3, 4, 5, 6, 7, 8))
            .logprobs(0)
            .build();
    SamplingParams best = all.toBuilder().n(2).bestOf(7).logprobs(-1).build();
    try (Engine engine = EngineFixture.engine(300, EngineFixture.options(4).build())) {
      Generation seven = engine.submit(request(prompt, all)).await();
      RequestHandle handle = engine.submit(request(prompt, best));
      List<GenerationEvent> events = new ArrayList<>();
      handle.events().forEach(events::add);
      Generation two = handle.await();
      List<Generation.Output> expected =
          seven.outputs().stream()
              .sorted(
                  Comparator.comparingDouble(
                      output -> -output.cumulativeLogprob() / output.tokenIds().size()))
              .limit(2)
              .toList();
      assertThat(two.outputs()).hasSize(2);
      for (int i = 0; i < 2; i++) {
        Generation.Output output = two.outputs().get(i);
        assertThat(output.index()).isEqualTo(i);
        assertThat(output.tokenIds()).isEqualTo(expected.get(i).tokenIds());
        assertThat(output.cumulativeLogprob()).isEqualTo(expected.get(i).cumulativeLogprob());
        assertThat(output.score()).isEqualTo(output.cumulativeLogprob() / output.tokenIds().size());
        assertThat(output.logprobs()).isEmpty();
      }
      assertThat(events.stream().map(e -> e.getClass().getSimpleName() + e.index()))
          .containsExactly("Text0", "Finished0", "Text1", "Finished1");
      assertThat(two.usage().completionTokens())
          .isEqualTo(seven.outputs().stream().mapToInt(o -> o.tokenIds().size()).sum());
      awaitQuiet(engine);
    }
  }

  @Test
  void aRequestForPromptLogprobsTakesNothingFromTheCache() {
    int[] prompt = EngineFixture.prompt(new Random(6), 33);
    SamplingParams params = SamplingParams.greedy(3).toBuilder().promptLogprobs(1).build();
    try (Engine engine = EngineFixture.engine(100, EngineFixture.options(4).build())) {
      Generation first = engine.submit(request(prompt, params)).await();
      Generation again = engine.submit(request(prompt, params)).await();
      Generation without = engine.submit(request(prompt, SamplingParams.greedy(3))).await();
      assertThat(again.usage().cachedTokens()).isZero();
      assertThat(again.promptLogprobs()).hasSize(32).isEqualTo(first.promptLogprobs());
      assertThat(without.usage().cachedTokens()).isEqualTo(32);
      assertThat(without.outputs()).isEqualTo(first.outputs());
    }
  }

  @Test
  void aPinnedPrefixIsFoundWhateverTheCacheHasHeldSince() throws Exception {
    int[] system = EngineFixture.prompt(new Random(3), 30);
    EngineOptions options = EngineFixture.options(4).maxModelLen(60).build();
    var built = EngineFixture.build(40, options);
    try (Engine engine = built.engine()) {
      PinnedPrefix pinned = engine.pin(Prompt.tokens(system));
      assertThat(pinned.pinnedTokens()).isEqualTo(28);
      for (int i = 0; i < 20; i++) {
        int[] other = EngineFixture.prompt(new Random(100 + i), 40);
        engine.submit(request(other, SamplingParams.greedy(10))).await();
      }
      Prompt prompt = pinned.before(List.of(9, 8, 7));
      SamplingParams params = SamplingParams.greedy(12);
      Generation found = engine.submit(new GenerationRequest(prompt, params)).await();
      assertThat(found.usage().cachedTokens()).isEqualTo(28);
      Generation salted =
          engine.submit(new GenerationRequest(prompt, params).withCacheSalt(5)).await();
      assertThat(salted.usage().cachedTokens()).isZero();
      assertThat(salted.outputs()).isEqualTo(found.outputs());
      assertThat(engine.stats().memory().usedBlocks()).isEqualTo(7);

      PinnedPrefix second = engine.pin(Prompt.tokens(EngineFixture.prompt(new Random(4), 59)));
      assertThatThrownBy(() -> engine.pin(Prompt.tokens(EngineFixture.prompt(new Random(5), 59))))
          .isInstanceOf(QuireException.class)
          .hasMessageContaining("14 blocks and others have pinned 21")
          .hasMessageContaining("40 blocks a sequence of maxModelLen (60 tokens) must find 15");
      assertThatThrownBy(() -> engine.pin(Prompt.tokens(1, 2, 3)))
          .hasMessageContaining("3 tokens; a pinned one has at least one block of 4");
      second.close();
      second.close();
      pinned.close();
      awaitQuiet(engine);
    }
  }
}
