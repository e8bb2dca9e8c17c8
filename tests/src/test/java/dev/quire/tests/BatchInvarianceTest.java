package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.RequestHandle;
import dev.quire.engine.SamplingParams;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A request's logits are the same, bit for bit, whatever the block size, the batch it rides in, the
 * chunks of its prefill, a preemption in its middle or a prefix found in the cache.
 */
@Timeout(120)
class BatchInvarianceTest {
  private static final int LENGTH = 77;

  private static Path model(String name) {
    return Path.of(System.getProperty("quire.root"))
        .resolve("tests/src/test/resources/golden/gguf/" + name + ".gguf");
  }

  private static EngineOptions.Builder options(int blockSize) {
    return EngineOptions.builder().threads(2).blockSize(blockSize).checkIntegrity(true);
  }

  private static int[] ids(Engine engine, long seed, int length) {
    return new Random(seed).ints(length, 0, engine.info().vocabularySize()).toArray();
  }

  private static GenerationRequest request(int[] ids, int tokens) {
    SamplingParams params =
        SamplingParams.builder()
            .temperature(0.9)
            .seed((long) ids[0])
            .maxTokens(tokens)
            .ignoreEos(true)
            .logprobs(3)
            .build();
    return new GenerationRequest(Prompt.tokens(ids), params);
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-f32", "llama-q8_0"})
  void logitsDoNotDependOnBlocksOrChunks(String name) {
    float[][] expected = null;
    for (int blockSize : new int[] {16, 1, 8, 32}) {
      for (int chunk : new int[] {512, 1, 7, 32}) {
        EngineOptions options = options(blockSize).maxNumBatchedTokens(chunk).build();
        try (Engine engine = Engine.load(model(name), options)) {
          float[][] logits = engine.logits(ids(engine, 1, LENGTH));
          if (expected == null) {
            expected = logits;
          }
          assertThat(logits)
              .as("blocks of %d, chunks of %d", blockSize, chunk)
              .isDeepEqualTo(expected);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-f32", "llama-q8_0"})
  void logitsDoNotDependOnTheBatch(String name) {
    try (Engine engine = Engine.load(model(name), options(16).maxNumBatchedTokens(48).build())) {
      int[] ids = ids(engine, 1, LENGTH);
      float[][] alone = engine.logits(ids);
      List<RequestHandle> others = new ArrayList<>();
      for (int i = 0; i < 9; i++) {
        others.add(engine.submit(request(ids(engine, i, 10 + 3 * i), 40)));
      }
      assertThat(engine.logits(ids)).isDeepEqualTo(alone);
      others.forEach(RequestHandle::await);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-f32", "llama-q8_0"})
  void aPrefixFromTheCacheChangesNothing(String name) {
    try (Engine engine = Engine.load(model(name), options(8).build())) {
      int[] ids = ids(engine, 3, LENGTH);
      Generation computed = engine.submit(request(ids, 20)).await();
      Generation found = engine.submit(request(ids, 20)).await();
      assertThat(computed.usage().cachedTokens()).isZero();
      assertThat(found.usage().cachedTokens()).isEqualTo(72);
      // Log-probabilities are equal as doubles only if the logits are.
      assertThat(found.outputs()).isEqualTo(computed.outputs());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-f32", "llama-q8_0"})
  void sixtyFourRequestsInAPoolTooSmallEqualThemselvesAlone(String name) throws Exception {
    List<int[]> prompts = new ArrayList<>();
    List<Generation> alone = new ArrayList<>();
    try (Engine engine = Engine.load(model(name), options(16).build())) {
      Random random = new Random(6);
      for (int i = 0; i < 64; i++) {
        prompts.add(ids(engine, i, 1 + random.nextInt(60)));
        alone.add(engine.submit(request(prompts.get(i), 1 + i % 40)).await());
      }
    }
    EngineOptions tight =
        options(4).numKvBlocks(60).maxNumBatchedTokens(40).prefixCaching(false).build();
    try (Engine engine = Engine.load(model(name), tight)) {
      List<RequestHandle> handles = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        handles.add(engine.submit(request(prompts.get(i), 1 + i % 40)));
      }
      for (int i = 0; i < 64; i++) {
        assertThat(handles.get(i).await().outputs()).isEqualTo(alone.get(i).outputs());
      }
      assertThat(engine.stats().preemptions()).isPositive();
      for (int i = 0; i < 100 && engine.stats().usedBlocks() > 0; i++) {
        Thread.sleep(10);
      }
      assertThat(engine.stats().usedBlocks()).isZero();
    }
  }
}
