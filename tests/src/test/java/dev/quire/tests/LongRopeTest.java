package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.RequestHandle;
import dev.quire.engine.SamplingParams;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * LongRoPE rotates a sequence by one set of frequencies up to the original context, and all of it
 * by another beyond: a sequence that grows past it is computed anew, as transformers does.
 */
class LongRopeTest {
  /** 48 tokens of prompt and 32 more, where the original context is 64. */
  private static final Golden GOLDEN = Golden.folder("phi3-longrope-crossing");

  private static Engine engine(int blockSize, int tokensPerStep, int blocks) {
    return Engine.load(
        GOLDEN.model(),
        EngineOptions.builder()
            .threads(2)
            .blockSize(blockSize)
            .maxNumBatchedTokens(tokensPerStep)
            .maxNumSeqs(4)
            .numKvBlocks(blocks)
            .build());
  }

  @ParameterizedTest
  @CsvSource({"16,512,64", "8,16,64", "1,5,400", "16,512,8"})
  void aSequenceGrowsPastTheOriginalContext(int blockSize, int tokensPerStep, int blocks)
      throws InterruptedException {
    SamplingParams greedy =
        SamplingParams.builder()
            .temperature(0)
            .maxTokens(GOLDEN.greedy().length)
            .ignoreEos(true)
            .build();
    try (Engine engine = engine(blockSize, tokensPerStep, blocks)) {
      List<RequestHandle> handles = new ArrayList<>();
      // At once, and one more that finds its prompt cached: blocks of the two kinds must not mix.
      for (int i = 0; i < 3; i++) {
        handles.add(
            engine.submit(new GenerationRequest(Prompt.tokens(GOLDEN.tokens()[0]), greedy)));
      }
      for (RequestHandle handle : handles) {
        assertThat(ids(handle)).containsExactly(GOLDEN.greedy());
      }
      assertThat(ids(engine.submit(new GenerationRequest(Prompt.tokens(longer()), greedy))))
          .startsWith(Arrays.copyOfRange(GOLDEN.greedy(), 20, 32));
      // The engine's figures are those of its latest step, a moment behind the last answer.
      for (int i = 0; i < 100 && engine.stats().usedBlocks() > 0; i++) {
        Thread.sleep(50);
      }
      assertThat(engine.stats().usedBlocks()).isZero();
    }
  }

  @ParameterizedTest
  @CsvSource({"512", "7"})
  void aPromptsLengthDecidesHoweverItIsCut(int tokensPerStep) {
    try (Engine engine = engine(16, tokensPerStep, 64)) {
      for (int row = 0; row < GOLDEN.tokens().length; row++) {
        float[][] logits = engine.logits(GOLDEN.tokens()[row]);
        float[] flat = new float[logits.length * GOLDEN.vocabulary()];
        for (int t = 0; t < logits.length; t++) {
          System.arraycopy(logits[t], 0, flat, t * GOLDEN.vocabulary(), GOLDEN.vocabulary());
        }
        assertThat(GOLDEN.worstError(row, flat)).isLessThan(1e-4);
      }
    }
  }

  /** The prompt and its continuation to a length beyond the original context. */
  private static int[] longer() {
    int[] prompt = GOLDEN.tokens()[0];
    int[] longer = Arrays.copyOf(prompt, prompt.length + 20);
    System.arraycopy(GOLDEN.greedy(), 0, longer, prompt.length, 20);
    return longer;
  }

  private static int[] ids(RequestHandle handle) {
    return handle.await().outputs().getFirst().tokenIds().stream()
        .mapToInt(Integer::intValue)
        .toArray();
  }
}
