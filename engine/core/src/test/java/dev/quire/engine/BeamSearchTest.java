package dev.quire.engine;

import static dev.quire.engine.EngineFixture.awaitQuiet;
import static dev.quire.engine.EngineFixture.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.quire.engine.BeamSearch.EarlyStopping;
import dev.quire.engine.exec.StepBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class BeamSearchTest {
  /** A text and its summed log-probability, from the tokens alone. */
  private record Text(List<Integer> tokens, double cumulative) {}

  private static Engine engine(int blocks, int vocabulary, EngineOptions options) {
    return EngineFixture.engine(blocks, options, null, null, vocabulary).engine();
  }

  private static SamplingParams params(BeamSearch search, int n, int maxTokens, Integer... ending) {
    return SamplingParams.builder()
        .beamSearch(search)
        .n(n)
        .maxTokens(maxTokens)
        .stopTokenIds(List.of(ending))
        .build();
  }

  private static double[] logprobs(int[] prompt, List<Integer> tokens, int vocabulary) {
    long hash = 7;
    for (int token : prompt) {
      hash = TokenStoreExecutor.hash(hash, token);
    }
    for (int token : tokens) {
      hash = TokenStoreExecutor.hash(hash, token);
    }
    double[] values = new double[vocabulary];
    double sum = 0;
    for (int t = 0; t < vocabulary; t++) {
      values[t] = TokenStoreExecutor.logit(hash, t);
      sum += Math.exp(values[t]);
    }
    double logSum = Math.log(sum);
    return Arrays.stream(values).map(v -> v - logSum).toArray();
  }

  /** Every text of up to {@code length} tokens that ends at its end or at the ending token. */
  private static List<Text> everyText(int[] prompt, int vocabulary, int length, int ending) {
    List<Text> done = new ArrayList<>();
    List<Text> open = List.of(new Text(List.of(), 0));
    for (int i = 0; i < length; i++) {
      List<Text> next = new ArrayList<>();
      for (Text text : open) {
        double[] logprobs = logprobs(prompt, text.tokens, vocabulary);
        for (int token = 0; token < vocabulary; token++) {
          List<Integer> tokens = new ArrayList<>(text.tokens);
          tokens.add(token);
          Text longer = new Text(tokens, text.cumulative + logprobs[token]);
          (token == ending || i == length - 1 ? done : next).add(longer);
        }
      }
      open = next;
    }
    return done;
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1, 0, 0.5, 1, 2})
  void aBeamAsWideAsTheTreeFindsTheBestOfAllTexts(double lengthPenalty) throws Exception {
    int vocabulary = 4;
    int[] prompt = {1, 3, 2, 0, 2};
    Comparator<Text> byScore =
        Comparator.comparingDouble(
            text -> -text.cumulative / Math.pow(text.tokens.size(), lengthPenalty));
    List<Text> best = everyText(prompt, vocabulary, 4, 2);
    best.sort(byScore);
    try (Engine engine = engine(400, vocabulary, EngineFixture.options(2).build())) {
      BeamSearch search = new BeamSearch(64, lengthPenalty, EarlyStopping.NEVER);
      Generation found = engine.submit(request(prompt, params(search, 10, 4, 2))).await();
      for (int i = 0; i < 10; i++) {
        Generation.Output output = found.outputs().get(i);
        assertThat(output.tokenIds()).isEqualTo(best.get(i).tokens);
        assertThat(output.cumulativeLogprob()).isCloseTo(best.get(i).cumulative, within(1e-9));
        assertThat(output.finishReason())
            .isEqualTo(output.tokenIds().getLast() == 2 ? FinishReason.STOP : FinishReason.LENGTH);
      }
      awaitQuiet(engine);
    }
  }

  /** A beam search of lists, without ending tokens: the best {@code width} at every length. */
  private static List<Text> plainBeams(int[] prompt, int vocabulary, int width, int length) {
    List<Text> beams = List.of(new Text(List.of(), 0));
    for (int i = 0; i < length; i++) {
      List<Text> all = new ArrayList<>();
      for (Text text : beams) {
        double[] logprobs = logprobs(prompt, text.tokens, vocabulary);
        for (int token = 0; token < vocabulary; token++) {
          List<Integer> tokens = new ArrayList<>(text.tokens);
          tokens.add(token);
          all.add(new Text(tokens, text.cumulative + logprobs[token]));
        }
      }
      all.sort(Comparator.comparingDouble(text -> -text.cumulative));
      beams = all.subList(0, width);
    }
    return beams;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 8})
  void beamsEqualPlainOnesWhateverTheyShareThePoolWith(int width) throws Exception {
    int[] prompt = EngineFixture.prompt(new Random(width), 21);
    List<Text> expected = plainBeams(prompt, EngineFixture.VOCABULARY, width, 30);
    BeamSearch search = new BeamSearch(width, 1, EarlyStopping.NEVER);
    SamplingParams params = params(search, width, 30);
    EngineOptions wide = EngineFixture.options(4).build();
    EngineOptions tight = EngineFixture.options(4).maxNumBatchedTokens(24).build();
    EngineOptions swapping = EngineFixture.swapping(4, 200).maxNumBatchedTokens(24).build();
    for (EngineOptions options : List.of(wide, tight, swapping)) {
      int blocks = options.equals(wide) ? 400 : 6 + width * 8 + 8;
      CountDownLatch allSubmitted = new CountDownLatch(1);
      try (Engine engine =
          EngineFixture.engine(blocks, options, allSubmitted, null, EngineFixture.VOCABULARY)
              .engine()) {
        // These grow to the whole pool, which the later beams have to leave meanwhile.
        List<RequestHandle> before = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          int[] other = EngineFixture.prompt(new Random(i), 20);
          before.add(engine.submit(request(other, SamplingParams.greedy(60))));
        }
        RequestHandle beams = engine.submit(request(prompt, params));
        RequestHandle again = engine.submit(request(prompt, params));
        allSubmitted.countDown();
        for (RequestHandle handle : List.of(beams, again)) {
          assertThat(handle.await().outputs().stream().map(Generation.Output::tokenIds))
              .isEqualTo(expected.stream().map(Text::tokens).toList());
        }
        for (RequestHandle handle : before) {
          handle.await();
        }
        if (!options.equals(wide)) {
          assertThat(engine.stats().preemptions()).isPositive();
          assertThat(engine.stats().swapOuts() > 0).isEqualTo(options.equals(swapping));
        }
        awaitQuiet(engine);
      }
    }
  }

  @Test
  void everyStepHoldsExactlyTheBlocksOfItsLiveBeams() throws Exception {
    int blockSize = 4;
    int width = 6;
    int[] prompt = EngineFixture.prompt(new Random(9), 22);
    var built = EngineFixture.build(300, EngineFixture.options(blockSize).build());
    List<String> wrong = new ArrayList<>();
    int[] steps = {0};
    built.executor().watcher =
        batch -> {
          // What the beams' tables name is all that may be in use, when this step runs.
          Set<Integer> named = blocks(batch, blockSize);
          long used = built.allocator().usage().usedBlocks();
          if (used != named.size()) {
            wrong.add("step %d: %d blocks used, %d named".formatted(steps[0], used, named.size()));
          }
          steps[0]++;
        };
    try (Engine engine = built.engine()) {
      BeamSearch search = new BeamSearch(width, 1, EarlyStopping.NEVER);
      engine.submit(request(prompt, params(search, 1, 40))).await();
      awaitQuiet(engine);
    }
    assertThat(wrong).isEmpty();
    assertThat(steps[0]).isEqualTo(40);
    assertThat(built.executor().copies.get()).isPositive();
  }

  private static Set<Integer> blocks(StepBatch batch, int blockSize) {
    Set<Integer> blocks = new HashSet<>();
    for (int s = 0; s < batch.numSequences; s++) {
      int count = Math.ceilDiv(batch.contextLengths[s], blockSize);
      for (int i = 0; i < count; i++) {
        blocks.add(batch.blockTables[0][s * batch.tableStride[0] + i]);
      }
    }
    return blocks;
  }

  @Test
  void bansAndBiasesHoldInBeams() {
    int[] prompt = {5, 6, 7};
    SamplingParams params =
        params(BeamSearch.ofWidth(4), 4, 12).toBuilder()
            .allowedTokenIds(IntStream.range(10, 30).boxed().toList())
            .logprobs(2)
            .build();
    try (Engine engine = EngineFixture.engine(200, EngineFixture.options(4).build())) {
      Generation done = engine.submit(request(prompt, params)).await();
      for (Generation.Output output : done.outputs()) {
        assertThat(output.tokenIds()).hasSize(12).allMatch(t -> t >= 10 && t < 30);
        assertThat(output.logprobs()).hasSize(12);
        for (int i = 0; i < 12; i++) {
          double[] all =
              logprobs(prompt, output.tokenIds().subList(0, i), EngineFixture.VOCABULARY);
          TokenLogprobs scored = output.logprobs().get(i);
          assertThat(scored.tokenId()).isEqualTo(output.tokenIds().get(i));
          assertThat(scored.logprob()).isCloseTo(all[scored.tokenId()], within(1e-9));
          assertThat(scored.top()).hasSize(2);
        }
      }
    }
  }

  @Test
  void fewerHypothesesThanAskedForGiveFewerOutputs() throws Exception {
    SamplingParams params =
        params(BeamSearch.ofWidth(3), 3, 5).toBuilder().allowedTokenIds(List.of(17)).build();
    try (Engine engine = EngineFixture.engine(50, EngineFixture.options(4).build())) {
      Generation done = engine.submit(request(new int[] {1}, params)).await();
      assertThat(done.outputs()).hasSize(1);
      assertThat(done.outputs().getFirst().tokenIds()).containsOnly(17).hasSize(5);
      awaitQuiet(engine);
    }
  }

  @Test
  void aSearchCanBeCancelled() throws Exception {
    try (Engine engine = EngineFixture.engine(3000, EngineFixture.options(4).build())) {
      RequestHandle handle =
          engine.submit(request(new int[] {1}, params(BeamSearch.ofWidth(4), 2, 2000)));
      handle.cancel();
      Generation done = handle.await();
      assertThat(done.finishReason()).isEqualTo(FinishReason.CANCELLED);
      awaitQuiet(engine);
    }
  }

  @Test
  void whatCanNeverFitIsRefusedWithTheNumbers() {
    try (Engine engine =
        EngineFixture.engine(
            40, EngineFixture.options(4).maxNumSeqs(64).maxNumBatchedTokens(32).build())) {
      assertThatThrownBy(
              () -> engine.submit(request(new int[20], params(BeamSearch.ofWidth(8), 1, 40))))
          .hasMessageContaining("8 beams of up to 60 tokens")
          .hasMessageContaining("40 blocks of 4");
      assertThatThrownBy(
              () -> engine.submit(request(new int[2], params(BeamSearch.ofWidth(33), 1, 2))))
          .hasMessageContaining("33")
          .hasMessageContaining("maxNumBatchedTokens, 32");
      assertThatThrownBy(
              () -> engine.submit(request(new int[2], params(BeamSearch.ofWidth(65), 1, 2))))
          .hasMessageContaining("maxNumSeqs, 64");
      assertThatThrownBy(() -> params(BeamSearch.ofWidth(2), 3, 2))
          .hasMessageContaining("n must be at most the beam width, 2; it is 3");
      assertThatThrownBy(() -> BeamSearch.ofWidth(0)).hasMessageContaining("beamWidth");
    }
  }
}
