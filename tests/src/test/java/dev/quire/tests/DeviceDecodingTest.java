package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.BeamSearch;
import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.EngineOptions.Preemption;
import dev.quire.engine.EngineStats;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.RequestHandle;
import dev.quire.engine.SamplingParams;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Samples, beams and preempted requests on the kernels give the tokens that the CPU gives to each
 * request alone: forks, block copies and swaps move what they should on the device, too.
 */
@Timeout(240)
class DeviceDecodingTest {
  private static final int BLOCK_SIZE = 4;
  private static final int TOKENS = 8;

  private static Path model() {
    return Path.of(System.getProperty("quire.root"))
        .resolve("tests/src/test/resources/golden/gguf/llama-f16.gguf");
  }

  private static EngineOptions.Builder options(String device, int blocks) {
    return EngineOptions.builder()
        .device(device)
        .threads(2)
        .blockSize(BLOCK_SIZE)
        .numKvBlocks(blocks)
        .maxModelLen(64)
        .maxNumSeqs(16)
        .maxNumBatchedTokens(64)
        .integrityShare(1);
  }

  private static List<GenerationRequest> requests() {
    SamplingParams base =
        SamplingParams.builder().maxTokens(TOKENS).ignoreEos(true).seed(11L).build();
    List<SamplingParams> methods =
        List.of(
            base.toBuilder().n(3).build(),
            base.toBuilder().n(3).beamSearch(BeamSearch.ofWidth(3)).build(),
            base.toBuilder().temperature(0.9).topK(50).repetitionPenalty(1.2).build(),
            base.toBuilder().temperature(0).build());
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < methods.size(); i++) {
      int[] prompt = new Random(i).ints(13 + 2 * (i % 2), 5, 300).toArray();
      requests.add(new GenerationRequest(Prompt.tokens(prompt), methods.get(i)));
    }
    return requests;
  }

  private static List<List<List<Integer>>> tokens(List<Generation> generations) {
    return generations.stream()
        .map(g -> g.outputs().stream().map(Generation.Output::tokenIds).toList())
        .toList();
  }

  @Test
  void swappedGroupsGiveTheTokensOfTheCpu() {
    List<Generation> alone = new ArrayList<>();
    try (Engine engine = Engine.load(model(), options("cpu", 200).build())) {
      requests().forEach(request -> alone.add(engine.submit(request).await()));
    }
    List<Generation> among = new ArrayList<>();
    EngineStats stats;
    // The first two need 22 blocks together, and are admitted with half of that.
    EngineOptions tight =
        options("jvm", 16)
            .preemption(Preemption.SWAP)
            .prefixCaching(false)
            .swapSpace(1 << 20)
            .build();
    try (Engine engine = Engine.load(model(), tight)) {
      List<RequestHandle> handles = requests().stream().map(engine::submit).toList();
      handles.forEach(handle -> among.add(handle.await()));
      stats = engine.stats();
    }
    assertThat(tokens(among)).isEqualTo(tokens(alone));
    assertThat(stats.swapOuts()).isPositive();
    assertThat(stats.memory().swappedBlocks()).isZero();
  }
}
