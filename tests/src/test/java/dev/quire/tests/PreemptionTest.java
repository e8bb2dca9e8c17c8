package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.BeamSearch;
import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.RequestHandle;
import dev.quire.engine.SamplingParams;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A request that loses its blocks in the middle, computed again or swapped out and in, gives the
 * tokens and the log-probabilities, bit for bit, of one that kept them.
 */
@Timeout(120)
class PreemptionTest {
  private static final int BLOCK_SIZE = 4;
  private static final int LONG_PROMPT = 30;
  private static final int LONG_TOKENS = 70;

  private static Path model(String name) {
    return Path.of(System.getProperty("quire.root"))
        .resolve("tests/src/test/resources/golden/gguf/" + name + ".gguf");
  }

  private static EngineOptions.Builder options(int blocks) {
    return EngineOptions.builder()
        .device("cpu")
        .threads(2)
        .blockSize(BLOCK_SIZE)
        .numKvBlocks(blocks)
        .prefixCaching(false)
        .integrityShare(1);
  }

  private static int[] ids(long seed, int length) {
    return new Random(seed).ints(length, 5, 300).toArray();
  }

  /** Ways to decode, each with a seed or none to draw. */
  private static Map<String, SamplingParams> methods() {
    SamplingParams.Builder base =
        SamplingParams.builder().maxTokens(40).ignoreEos(true).logprobs(3).seed(11L);
    Map<String, SamplingParams> methods = new LinkedHashMap<>();
    methods.put("greedy", base.build().toBuilder().temperature(0).build());
    methods.put(
        "sampled",
        base.build().toBuilder()
            .temperature(0.9)
            .topK(50)
            .topP(0.95)
            .repetitionPenalty(1.2)
            .repetitionWindow(16)
            .presencePenalty(0.3)
            .frequencyPenalty(0.2)
            .build());
    methods.put("three samples", base.build().toBuilder().n(3).build());
    methods.put("best of three", base.build().toBuilder().n(2).bestOf(3).build());
    methods.put(
        "beams",
        base.build().toBuilder().n(3).beamSearch(BeamSearch.ofWidth(3)).maxTokens(24).build());
    methods.put("scored prompt", base.build().toBuilder().promptLogprobs(2).build());
    return methods;
  }

  @ParameterizedTest
  @CsvSource({
    "llama-f32, RECOMPUTE",
    "llama-f32, SWAP",
    "llama-f32, AUTO",
    "llama-q8_0, RECOMPUTE",
    "llama-q8_0, SWAP"
  })
  void aPreemptedRequestGivesTheSame(String name, EngineOptions.Preemption preemption) {
    Map<String, Generation> alone = new LinkedHashMap<>();
    try (Engine engine = Engine.load(model(name), options(400).build())) {
      methods()
          .forEach(
              (method, params) ->
                  alone.put(
                      method,
                      engine
                          .submit(new GenerationRequest(Prompt.tokens(ids(3, 20)), params))
                          .await()));
    }
    // The long request comes first and grows to the whole pool, whatever the others hold of it.
    int blocks = Math.ceilDiv(LONG_PROMPT + LONG_TOKENS, BLOCK_SIZE);
    EngineOptions tight =
        options(blocks).preemption(preemption).swapSpace(preemption.ordinal() << 20).build();
    try (Engine engine = Engine.load(model(name), tight)) {
      for (Map.Entry<String, SamplingParams> method : methods().entrySet()) {
        SamplingParams greedy =
            SamplingParams.greedy(LONG_TOKENS).toBuilder().ignoreEos(true).build();
        Generation expected = Objects.requireNonNull(alone.get(method.getKey()));
        long preemptions = 0;
        // The engine may be done with most of the earlier request before the later one comes.
        for (int attempt = 0; attempt < 50 && preemptions == 0; attempt++) {
          RequestHandle earlier =
              engine.submit(new GenerationRequest(Prompt.tokens(ids(1, LONG_PROMPT)), greedy));
          RequestHandle handle =
              engine.submit(new GenerationRequest(Prompt.tokens(ids(3, 20)), method.getValue()));
          Generation among = handle.await();
          earlier.await();
          preemptions = among.usage().preemptions();
          assertThat(among.outputs()).as(method.getKey()).isEqualTo(expected.outputs());
          assertThat(among.promptLogprobs()).isEqualTo(expected.promptLogprobs());
        }
        assertThat(preemptions).as(method.getKey()).isPositive();
      }
      // A sample may also be sent back apart from its group, and is then computed again.
      if (preemption == EngineOptions.Preemption.SWAP) {
        assertThat(engine.stats().swapOuts()).isPositive();
      } else if (preemption == EngineOptions.Preemption.RECOMPUTE) {
        assertThat(engine.stats().swapOuts()).isZero();
      }
    }
  }
}
