package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.quire.engine.BeamSearch;
import dev.quire.engine.BeamSearch.EarlyStopping;
import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.RequestHandle;
import dev.quire.engine.SamplingParams;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Beam search gives the hypotheses and scores of transformers' generate, in its order. */
class GoldenBeamsTest {
  private static final Path GOLDEN =
      Path.of(System.getProperty("quire.root", ".."), "tests/src/test/resources/golden");

  private record Submitted(JsonNode expected, RequestHandle handle) {}

  @Test
  void hypothesesAreThoseOfTransformers() throws IOException {
    JsonNode golden = new JsonMapper().readTree(GOLDEN.resolve("beams/beams.json").toFile());
    Path model = GOLDEN.resolve(golden.get("model").stringValue());
    EngineOptions options = EngineOptions.builder().device("cpu").numKvBlocks(600).build();
    try (Engine engine = Engine.load(model, options)) {
      List<Submitted> all = new ArrayList<>();
      for (JsonNode expected : golden.get("cases")) {
        List<Integer> prompt = integers(golden.get("prompts").get(expected.get("prompt").asInt()));
        int maxTokens = golden.get("maxNewTokens").asInt();
        all.add(
            new Submitted(
                expected,
                engine.submit(
                    new GenerationRequest(
                        new Prompt.Tokens(prompt), params(expected, maxTokens)))));
      }
      assertThat(all).hasSizeGreaterThan(300);
      for (Submitted one : all) {
        check(one.handle.await(), one.expected);
      }
    }
  }

  private static SamplingParams params(JsonNode expected, int maxTokens) {
    int width = expected.get("width").asInt();
    EarlyStopping stopping =
        switch (expected.get("earlyStopping").stringValue()) {
          case "true" -> EarlyStopping.FIRST_FINISHED;
          case "never" -> EarlyStopping.NEVER;
          default -> EarlyStopping.HEURISTIC;
        };
    return SamplingParams.builder()
        .beamSearch(new BeamSearch(width, expected.get("lengthPenalty").asDouble(), stopping))
        .n(width)
        .maxTokens(maxTokens)
        .ignoreEos(true)
        .stopTokenIds(integers(expected.get("endings")))
        .build();
  }

  private static void check(Generation found, JsonNode expected) {
    String label = expected.toString();
    int count = expected.get("outputs").size();
    assertThat(found.outputs()).as(label).hasSize(count);
    for (int i = 0; i < count; i++) {
      Generation.Output output = found.outputs().get(i);
      assertThat(output.tokenIds())
          .as("%d of %s", i, label)
          .isEqualTo(integers(expected.get("outputs").get(i)));
      // transformers adds up in float32.
      double score = expected.get("scores").get(i).asDouble();
      assertThat(output.score())
          .as("score %d of %s", i, label)
          .isCloseTo(score, within(1e-5 * Math.max(1, Math.abs(score))));
    }
  }

  private static List<Integer> integers(JsonNode array) {
    List<Integer> values = new ArrayList<>();
    for (JsonNode value : array) {
      values.add(value.asInt());
    }
    return values;
  }
}
