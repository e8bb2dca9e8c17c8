package dev.quire.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class EngineTest {
  private static final int VOCABULARY = EngineFixture.VOCABULARY;

  private static GenerationRequest request(int[] prompt, SamplingParams params) {
    return new GenerationRequest(Prompt.tokens(prompt), params);
  }

  private static void awaitQuiet(Engine engine) throws InterruptedException {
    for (int i = 0; i < 500; i++) {
      EngineStats stats = engine.stats();
      if (stats.runningSequences() == 0 && stats.waiting() == 0 && stats.usedBlocks() == 0) {
        return;
      }
      Thread.sleep(10);
    }
    throw new AssertionError("never quiet: " + engine.stats());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 8, 16})
  void manyRequestsFromManyThreadsThroughAPoolTooSmallForAll(int blockSize) throws Exception {
    int blocks = 160 / blockSize;
    EngineOptions options =
        EngineFixture.options(blockSize).maxNumBatchedTokens(24).prefixCaching(false).build();
    try (Engine engine = EngineFixture.engine(blocks, options);
        ExecutorService threads = Executors.newFixedThreadPool(8)) {
      Random random = new Random(5);
      List<Future<Generation>> futures = new ArrayList<>();
      List<int[]> expected = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        int[] prompt = EngineFixture.prompt(random, 1 + random.nextInt(60));
        int count = 1 + random.nextInt(50);
        expected.add(TokenStoreExecutor.greedy(prompt, count, VOCABULARY));
        futures.add(
            threads.submit(
                () -> engine.submit(request(prompt, SamplingParams.greedy(count))).await()));
      }
      for (int i = 0; i < 64; i++) {
        Generation.Output output = futures.get(i).get().outputs().getFirst();
        assertThat(output.tokenIds().stream().mapToInt(t -> t)).containsExactly(box(expected, i));
        assertThat(output.finishReason()).isEqualTo(FinishReason.LENGTH);
      }
      awaitQuiet(engine);
      assertThat(engine.stats().preemptions()).isPositive();
    }
  }

  private static Integer[] box(List<int[]> arrays, int i) {
    return IntStream.of(arrays.get(i)).boxed().toArray(Integer[]::new);
  }

  @Test
  void samplesShareThePromptAndComeOutAsAlone() throws Exception {
    SamplingParams params =
        SamplingParams.builder().n(5).seed(11L).maxTokens(30).temperature(0.8).build();
    int[] prompt = EngineFixture.prompt(new Random(1), 37);
    Generation alone;
    EngineOptions options = EngineFixture.options(4).build();
    try (Engine engine = EngineFixture.engine(500, options)) {
      alone = engine.submit(request(prompt, params)).await();
      awaitQuiet(engine);
    }
    assertThat(alone.outputs().stream().map(Generation.Output::tokenIds).distinct()).hasSize(5);
    // 26 blocks hold one sequence of 67 tokens and little more: the samples have to take turns.
    for (int blocks : new int[] {18, 26, 40}) {
      for (boolean caching : new boolean[] {false, true}) {
        EngineOptions tight =
            EngineFixture.options(4).maxNumBatchedTokens(10).prefixCaching(caching).build();
        try (Engine engine = EngineFixture.engine(blocks, tight)) {
          List<RequestHandle> others = new ArrayList<>();
          for (int i = 0; i < 4; i++) {
            int[] other = EngineFixture.prompt(new Random(i), 20);
            others.add(engine.submit(request(other, SamplingParams.greedy(20))));
          }
          Generation among = engine.submit(request(prompt, params)).await();
          assertThat(among.outputs()).isEqualTo(alone.outputs());
          for (RequestHandle other : others) {
            other.await();
          }
          awaitQuiet(engine);
        }
      }
    }
  }

  @Test
  void aRepeatedPromptHitsThePrefixCacheAndGivesTheSame() {
    int[] prompt = EngineFixture.prompt(new Random(2), 50);
    try (Engine engine = EngineFixture.engine(64, EngineFixture.options(4).build())) {
      Generation first = engine.submit(request(prompt, SamplingParams.greedy(9))).await();
      Generation second = engine.submit(request(prompt, SamplingParams.greedy(9))).await();
      assertThat(first.usage().cachedTokens()).isZero();
      assertThat(second.usage().cachedTokens()).isEqualTo(48);
      assertThat(second.outputs()).isEqualTo(first.outputs());
    }
  }

  @Test
  void penaltiesAndSeedsSurvivePreemption() throws Exception {
    SamplingParams params =
        SamplingParams.builder()
            .seed(3L)
            .maxTokens(40)
            .repetitionPenalty(1.3)
            .repetitionWindow(8)
            .presencePenalty(0.5)
            .frequencyPenalty(0.25)
            .topK(40)
            .topP(0.9)
            .minP(0.01)
            .typicalP(0.95)
            .build();
    List<int[]> prompts = new ArrayList<>();
    List<List<Generation.Output>> alone = new ArrayList<>();
    try (Engine engine = EngineFixture.engine(500, EngineFixture.options(4).build())) {
      for (int i = 0; i < 12; i++) {
        prompts.add(EngineFixture.prompt(new Random(i), 10 + i));
        alone.add(engine.submit(request(prompts.get(i), params)).await().outputs());
      }
    }
    try (Engine engine = EngineFixture.engine(30, EngineFixture.options(4).build())) {
      List<RequestHandle> handles =
          prompts.stream().map(p -> engine.submit(request(p, params))).toList();
      for (int i = 0; i < 12; i++) {
        assertThat(handles.get(i).await().outputs()).isEqualTo(alone.get(i));
      }
      assertThat(engine.stats().preemptions()).isPositive();
      awaitQuiet(engine);
    }
  }

  @Test
  void logitsOfEveryPositionComeThroughTheCache() {
    int[] ids = EngineFixture.prompt(new Random(4), 41);
    EngineOptions options = EngineFixture.options(4).maxNumBatchedTokens(7).build();
    try (Engine engine = EngineFixture.engine(64, options)) {
      float[][] logits = engine.logits(ids);
      long hash = 7;
      for (int i = 0; i < ids.length; i++) {
        hash = TokenStoreExecutor.hash(hash, ids[i]);
        assertThat(logits[i]).hasSize(VOCABULARY);
        assertThat(logits[i][5]).isEqualTo(TokenStoreExecutor.logit(hash, 5));
      }
      double[] logprobs = engine.logprobs(ids);
      assertThat(logprobs[0]).isNaN();
      double sum = 0;
      for (float logit : logits[9]) {
        sum += Math.exp(logit);
      }
      assertThat(Math.abs(logprobs[10] - (logits[9][ids[10]] - Math.log(sum)))).isLessThan(1e-9);
      Generation scored =
          engine
              .submit(request(ids, SamplingParams.builder().maxTokens(1).promptLogprobs(2).build()))
              .await();
      assertThat(scored.promptLogprobs()).hasSize(40);
      assertThat(scored.promptLogprobs().get(9).logprob()).isEqualTo(logprobs[10]);
      assertThat(scored.promptLogprobs().get(9).top()).hasSize(2);
    }
  }

  @Test
  void cancellingEndsARequestAndFreesItsBlocks() throws Exception {
    try (Engine engine = EngineFixture.engine(4000, EngineFixture.options(4).build())) {
      RequestHandle handle =
          engine.submit(request(new int[] {1}, SamplingParams.greedy(Integer.MAX_VALUE)));
      handle.events().iterator().next();
      handle.cancel();
      assertThat(handle.await().finishReason()).isEqualTo(FinishReason.CANCELLED);
      awaitQuiet(engine);
    }
  }

  @Test
  void refusalsSayTheNumbers() {
    EngineOptions options = EngineFixture.options(4).maxNumSeqs(2).build();
    try (Engine engine = EngineFixture.engine(10, options)) {
      SamplingParams one = SamplingParams.greedy(1);
      assertThatThrownBy(() -> engine.submit(request(new int[40], one)))
          .isInstanceOf(QuireException.class)
          .hasMessageContaining("40 tokens")
          .hasMessageContaining("10 blocks of 4");
      assertThatThrownBy(() -> engine.submit(request(new int[0], one)))
          .hasMessageContaining("empty");
      assertThatThrownBy(() -> engine.submit(request(new int[] {VOCABULARY}, one)))
          .hasMessageContaining("0 to 95");
      assertThatThrownBy(() -> engine.submit(request(new int[1], one.toBuilder().n(3).build())))
          .hasMessageContaining("maxNumSeqs, 2");
      assertThatThrownBy(() -> engine.generate("text", one)).hasMessageContaining("tokenizer");
      assertThatThrownBy(() -> SamplingParams.builder().maxTokens(0).build())
          .hasMessage("maxTokens must be at least 1; it is 0");
      assertThatThrownBy(() -> SamplingParams.builder().temperature(Double.NaN).build())
          .hasMessageContaining("temperature must be in [0, 100]");
      assertThat(engine.stats().requestsRefused()).isEqualTo(5);
    }
  }

  @Test
  void aFullQueueRefusesAndCloseEndsWhatWaits() {
    CountDownLatch gate = new CountDownLatch(1);
    EngineOptions options = EngineFixture.options(4).maxNumSeqs(1).maxQueuedRequests(3).build();
    Engine engine = EngineFixture.engine(10, options, gate, null, VOCABULARY).engine();
    List<RequestHandle> handles = new ArrayList<>();
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 5; i++) {
                handles.add(engine.submit(request(new int[] {i}, SamplingParams.greedy(30))));
              }
            })
        .isInstanceOfSatisfying(
            QuireException.class,
            e -> assertThat(e.kind()).isEqualTo(QuireException.Kind.OVERLOADED));
    gate.countDown();
    engine.close();
    assertThat(handles).isNotEmpty();
    for (RequestHandle handle : handles) {
      assertThat(handle.await().finishReason()).isIn(FinishReason.CANCELLED, FinishReason.LENGTH);
    }
    assertThatThrownBy(() -> engine.submit(request(new int[1], SamplingParams.greedy(1))))
        .hasMessage("the engine is closed");
  }

  @Test
  void closingUnderLoadEndsEveryHandle() throws Exception {
    for (int round = 0; round < 10; round++) {
      var built =
          EngineFixture.engine(100, EngineFixture.options(4).build(), null, null, VOCABULARY);
      List<RequestHandle> handles = new ArrayList<>();
      for (int i = 0; i < 32; i++) {
        handles.add(
            built.engine().submit(request(new int[] {i, round}, SamplingParams.greedy(300))));
      }
      Thread.sleep(round);
      built.engine().close();
      for (RequestHandle handle : handles) {
        assertThat(handle.completion()).succeedsWithin(Duration.ofSeconds(10));
      }
      assertThat(built.executor().closed).isTrue();
    }
  }

  @Test
  void aFailedStepFailsItsRequestsAndTheEngineGoesOn() throws Exception {
    var built = EngineFixture.engine(50, EngineFixture.options(4).build(), null, null, VOCABULARY);
    try (Engine engine = built.engine()) {
      built.executor().failsNext = true;
      RequestHandle broken = engine.submit(request(new int[] {1}, SamplingParams.greedy(5)));
      assertThatThrownBy(broken::await).hasMessageContaining("device lost");
      int[] prompt = {1, 2, 3};
      Generation next = engine.submit(request(prompt, SamplingParams.greedy(5))).await();
      assertThat(next.outputs().getFirst().tokenIds())
          .containsExactlyElementsOf(
              IntStream.of(TokenStoreExecutor.greedy(prompt, 5, VOCABULARY)).boxed().toList());
      awaitQuiet(engine);
    }
  }

  @Test
  void stopStringsAcrossTokenBordersCutTheText() throws Exception {
    var tokenizer = EngineFixture.tokenizer();
    int vocabulary = tokenizer.vocabularySize();
    try (Engine engine =
        EngineFixture.engine(200, EngineFixture.options(4).build(), null, tokenizer, vocabulary)
            .engine()) {
      SamplingParams plain =
          SamplingParams.builder().temperature(0).maxTokens(40).ignoreEos(true).build();
      String text = engine.generate("Hello", plain).text();
      assertThat(text).hasSizeGreaterThan(20);
      for (int at = 3; at + 6 < text.length(); at += 5) {
        String stop = text.substring(at, at + 6);
        SamplingParams stopping = plain.toBuilder().stop(stop).build();
        Generation cut = engine.generate("Hello", stopping);
        assertThat(cut.text()).isEqualTo(text.substring(0, text.indexOf(stop)));
        assertThat(cut.finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(cut.outputs().getFirst().detail()).isEqualTo(stop);
        Generation kept =
            engine.generate("Hello", stopping.toBuilder().includeStopString(true).build());
        assertThat(kept.text()).isEqualTo(text.substring(0, text.indexOf(stop) + 6));
      }
      awaitQuiet(engine);
    }
  }

  @Test
  void endingTokensWaitForTheMinimum() {
    int[] prompt = {9, 8};
    int[] greedy = TokenStoreExecutor.greedy(prompt, 4, VOCABULARY);
    SamplingParams stop =
        SamplingParams.greedy(12).toBuilder().stopTokenIds(List.of(greedy[1])).build();
    try (Engine engine = EngineFixture.engine(50, EngineFixture.options(4).build())) {
      Generation early = engine.submit(request(prompt, stop)).await();
      assertThat(early.outputs().getFirst().tokenIds()).containsExactly(greedy[0], greedy[1]);
      assertThat(early.finishReason()).isEqualTo(FinishReason.STOP);
      Generation late =
          engine.submit(request(prompt, stop.toBuilder().minTokens(6).build())).await();
      assertThat(late.outputs().getFirst().tokenIds().subList(0, 6)).doesNotContain(greedy[1]);
      assertThat(late.usage().completionTokens()).isGreaterThanOrEqualTo(6);
    }
  }
}
