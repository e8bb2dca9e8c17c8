package dev.quire.engine.sample;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.SamplingParams;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SamplerTest {
  private static final float[] LOGITS = {1.2f, -0.5f, 2.0f, 0.3f, 0.3f, -3f, 1.9f, 0f};
  private static final int DRAWS = 40_000;

  private final Sampler sampler = new Sampler(LOGITS.length);

  private static SampleState state(SamplingParams params, long seed) {
    return new SampleState(params, new LogitRules(params, List.of(), new int[0]), seed, 0, 1);
  }

  private int[] counts(SamplingParams params) {
    int[] counts = new int[LOGITS.length];
    SampleState state = state(params, 42);
    int[] tokens = new int[1];
    for (int i = 0; i < DRAWS; i++) {
      // The position alone keys the draw; penalties are off, so the tokens do not matter.
      counts[sampler.sample(LOGITS.clone(), 0, state, tokens, i + 1)]++;
    }
    return counts;
  }

  private static double[] softmax(double temperature) {
    double[] p = new double[LOGITS.length];
    for (int i = 0; i < p.length; i++) {
      p[i] = Math.exp(LOGITS[i] / temperature);
    }
    return normalised(p);
  }

  private static double[] normalised(double[] weights) {
    double sum = Arrays.stream(weights).sum();
    return Arrays.stream(weights).map(w -> w / sum).toArray();
  }

  /** Pearson's statistic against the 99.99 % point of chi-square with 7 degrees of freedom. */
  private static void assertDistribution(int[] counts, double[] expected) {
    double statistic = 0;
    for (int i = 0; i < counts.length; i++) {
      double mean = expected[i] * DRAWS;
      if (mean == 0) {
        assertThat(counts[i]).isZero();
      } else {
        statistic += (counts[i] - mean) * (counts[i] - mean) / mean;
      }
    }
    assertThat(statistic).isLessThan(29.9);
  }

  private static double[] keep(double[] p, int... ids) {
    double[] kept = new double[p.length];
    for (int id : ids) {
      kept[id] = p[id];
    }
    return normalised(kept);
  }

  @Test
  void temperatureScalesTheDistribution() {
    for (double t : new double[] {0.5, 1, 2}) {
      assertDistribution(counts(SamplingParams.builder().temperature(t).build()), softmax(t));
    }
  }

  @Test
  void truncationsKeepWhatTheyShould() {
    double[] p = softmax(1);
    assertDistribution(counts(SamplingParams.builder().topK(4).build()), keep(p, 2, 6, 0, 3));
    // 0.340, 0.307, 0.153: the third one reaches 0.75.
    assertDistribution(counts(SamplingParams.builder().topP(0.75).build()), keep(p, 2, 6, 0));
    assertDistribution(counts(SamplingParams.builder().minP(0.4).build()), keep(p, 2, 6, 0));
    assertDistribution(counts(SamplingParams.builder().topK(5).topP(0.5).build()), keep(p, 2, 6));
  }

  @Test
  void typicalKeepsTokensNearestTheEntropy() {
    double[] p = softmax(1);
    double entropy = -Arrays.stream(p).map(q -> q * Math.log(q)).sum();
    Integer[] order = {0, 1, 2, 3, 4, 5, 6, 7};
    Arrays.sort(
        order,
        (a, b) ->
            Double.compare(
                Math.abs(-Math.log(p[a]) - entropy), Math.abs(-Math.log(p[b]) - entropy)));
    double reached = 0;
    int kept = 0;
    while (reached < 0.6) {
      reached += p[order[kept++]];
    }
    int[] ids = Arrays.stream(order).limit(kept).mapToInt(i -> i).toArray();
    assertDistribution(counts(SamplingParams.builder().typicalP(0.6).build()), keep(p, ids));
  }

  @Test
  void penaltiesBiasesAndMasksChangeTheGreedyChoice() {
    int[] history = {2, 6, 6};
    SamplingParams greedy = SamplingParams.greedy(9);
    assertThat(choose(greedy, history)).isEqualTo(2);
    assertThat(choose(greedy.toBuilder().repetitionPenalty(1.9).build(), history)).isEqualTo(0);
    // A window of two no longer sees token 2.
    assertThat(
            choose(greedy.toBuilder().repetitionPenalty(1.9).repetitionWindow(2).build(), history))
        .isEqualTo(2);
    // The prompt's token 2 is not counted, the generated 6 twice.
    assertThat(choose(greedy.toBuilder().frequencyPenalty(1.5).build(), history)).isEqualTo(2);
    assertThat(choose(greedy.toBuilder().logitBias(Map.of(5, 50f)).build(), history)).isEqualTo(5);
    assertThat(choose(greedy.toBuilder().allowedTokenIds(List.of(1, 7)).build(), history))
        .isEqualTo(7);
    var banned = new LogitRules(greedy, List.of(new int[] {6, 2}, new int[] {0}), new int[0]);
    assertThat(
            sampler.sample(LOGITS.clone(), 0, new SampleState(greedy, banned, 0, 0, 1), history, 3))
        .isEqualTo(6);
  }

  private int choose(SamplingParams params, int[] history) {
    return sampler.sample(LOGITS.clone(), 0, state(params, 0), history, history.length);
  }

  @Test
  void damagedLogitsGiveNoToken() {
    float[] row = LOGITS.clone();
    row[3] = Float.NaN;
    assertThat(sampler.sample(row, 0, state(SamplingParams.greedy(1), 0), new int[1], 1))
        .isEqualTo(Sampler.IMPOSSIBLE);
    Arrays.fill(row, Float.NEGATIVE_INFINITY);
    assertThat(sampler.sample(row, 0, state(SamplingParams.greedy(1), 0), new int[1], 1))
        .isEqualTo(Sampler.IMPOSSIBLE);
  }

  @Test
  void logprobsAreThoseOfTheRawRow() {
    var logprobs = sampler.logprobs(LOGITS, 0, 3, 3);
    double[] p = softmax(1);
    assertThat(Math.exp(logprobs.logprob())).isCloseTo(p[3], within());
    assertThat(logprobs.top().stream().map(c -> c.tokenId())).containsExactly(2, 6, 0);
    assertThat(Math.exp(logprobs.top().getFirst().logprob())).isCloseTo(p[2], within());
  }

  private static org.assertj.core.data.Offset<Double> within() {
    return org.assertj.core.data.Offset.offset(1e-9);
  }

  /** The known answers that come with the authors' Random123 library. */
  @Test
  void philoxGivesItsKnownAnswers() {
    assertThat(Philox.block(0, 0, 0, 0, 0, 0)).isEqualTo(0xe169c58d_6627e8d5L);
    assertThat(Philox.block(-1, -1, -1, -1, -1, -1)).isEqualTo(0x41c83b0e_408f276dL);
    assertThat(Philox.block(0xa4093822, 0x299f31d0, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344))
        .isEqualTo(0x94fdcceb_d16cfe09L);
  }
}
