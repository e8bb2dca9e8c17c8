package dev.quire.engine.sample;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.SamplingParams;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Draws under every combination of parameters against exact probabilities, which a plain reference
 * computes by sorting the whole vocabulary.
 */
class SamplerDistributionTest {
  private static final int VOCABULARY = 40;
  private static final int DRAWS = 20_000;
  private static final int[] HISTORY = {3, 9, 9, 30, 12, 9, 3, 17};
  private static final int PROMPT = 3;
  private static final List<int[]> BAD_WORDS = List.of(new int[] {3, 17, 5}, new int[] {7});

  private static SamplingParams random(Random random) {
    SamplingParams.Builder b =
        SamplingParams.builder().temperature(0.4 + random.nextDouble() * 1.5).seed(1L);
    if (random.nextBoolean()) {
      b.topK(1 + random.nextInt(30));
    }
    if (random.nextBoolean()) {
      b.topP(0.2 + 0.79 * random.nextDouble());
    }
    if (random.nextBoolean()) {
      b.minP(0.2 * random.nextDouble());
    }
    if (random.nextBoolean()) {
      b.typicalP(0.3 + 0.69 * random.nextDouble());
    }
    if (random.nextBoolean()) {
      b.repetitionPenalty(0.7 + random.nextDouble()).repetitionWindow(random.nextInt(10) - 1);
    }
    if (random.nextBoolean()) {
      b.presencePenalty(random.nextDouble() * 4 - 2).frequencyPenalty(random.nextDouble() * 2 - 1);
    }
    if (random.nextBoolean()) {
      Map<Integer, Float> bias = new HashMap<>();
      random.ints(6, 0, VOCABULARY).forEach(t -> bias.put(t, random.nextFloat() * 6 - 3));
      b.logitBias(bias);
    }
    if (random.nextInt(3) == 0) {
      b.allowedTokenIds(random.ints(15, 0, VOCABULARY).boxed().distinct().toList());
    }
    return b.minTokens(random.nextBoolean() ? 6 : 0).build();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
  void drawsHaveTheirExactProbabilities(int seed) {
    Random random = new Random(seed);
    float[] logits = new float[VOCABULARY];
    for (int i = 0; i < VOCABULARY; i++) {
      logits[i] = (float) (random.nextGaussian() * 2);
    }
    SamplingParams params = random(random);
    int[] endings = {1, 11};
    LogitRules rules = new LogitRules(params, BAD_WORDS, endings);
    double[] expected = reference(logits, params, endings);
    int[] counts = new int[VOCABULARY];
    Sampler sampler = new Sampler(VOCABULARY);
    for (int i = 0; i < DRAWS; i++) {
      // A sample of its own each time: the history is the same, the random number is not.
      SampleState state = new SampleState(params, rules, seed, i, PROMPT);
      counts[sampler.sample(logits.clone(), 0, state, HISTORY, HISTORY.length)]++;
    }
    double statistic = 0;
    int degrees = -1;
    for (int t = 0; t < VOCABULARY; t++) {
      double mean = expected[t] * DRAWS;
      if (mean == 0) {
        assertThat(counts[t]).as("token %d under %s", t, params).isZero();
      } else if (mean >= 5) {
        statistic += (counts[t] - mean) * (counts[t] - mean) / mean;
        degrees++;
      }
    }
    // Wilson and Hilferty's approximation of chi-square's 99.999 % point.
    double k = Math.max(1, degrees);
    double limit = k * Math.pow(1 - 2 / (9 * k) + 4.265 * Math.sqrt(2 / (9 * k)), 3);
    assertThat(statistic).as("%s", params).isLessThan(Math.max(limit, 25));
  }

  /** The distribution that the parameters' documentation describes, step by step. */
  private static double[] reference(float[] raw, SamplingParams p, int[] endings) {
    double[] z = new double[VOCABULARY];
    for (int t = 0; t < VOCABULARY; t++) {
      z[t] = raw[t] + p.logitBias().getOrDefault(t, 0f);
    }
    for (int t = 0; t < VOCABULARY; t++) {
      if (!p.allowedTokenIds().isEmpty() && !p.allowedTokenIds().contains(t)) {
        z[t] = Double.NEGATIVE_INFINITY;
      }
    }
    z[7] = Double.NEGATIVE_INFINITY; // a bad word of one token
    z[5] = Double.NEGATIVE_INFINITY; // ends "3 17 5", which the text has begun
    if (HISTORY.length - PROMPT < p.minTokens()) {
      for (int t : endings) {
        z[t] = Double.NEGATIVE_INFINITY;
      }
    }
    int window = p.repetitionWindow() < 0 ? HISTORY.length : p.repetitionWindow();
    int from = Math.max(0, HISTORY.length - window);
    IntStream.range(from, HISTORY.length)
        .map(i -> HISTORY[i])
        .distinct()
        .forEach(
            t -> z[t] = z[t] > 0 ? z[t] / p.repetitionPenalty() : z[t] * p.repetitionPenalty());
    for (int i = PROMPT; i < HISTORY.length; i++) {
      z[HISTORY[i]] -= p.frequencyPenalty();
    }
    Arrays.stream(HISTORY, PROMPT, HISTORY.length)
        .distinct()
        .forEach(t -> z[t] -= p.presencePenalty());
    double max = Arrays.stream(z).max().orElseThrow();
    double[] w = new double[VOCABULARY];
    for (int t = 0; t < VOCABULARY; t++) {
      w[t] = Math.exp((z[t] - max) / p.temperature());
    }
    List<Integer> kept = new ArrayList<>();
    for (int t = 0; t < VOCABULARY; t++) {
      if (w[t] > 0 && w[t] >= p.minP()) {
        kept.add(t);
      }
    }
    kept.sort(Comparator.comparingDouble((Integer t) -> -w[t]).thenComparing(t -> t));
    if (p.topK() > 0 && p.topK() < kept.size()) {
      kept = kept.subList(0, p.topK());
    }
    kept = until(kept, w, p.topP());
    if (p.typicalP() < 1) {
      double sum = kept.stream().mapToDouble(t -> w[t]).sum();
      double entropy = kept.stream().mapToDouble(t -> -w[t] / sum * Math.log(w[t] / sum)).sum();
      List<Integer> nearest = new ArrayList<>(kept);
      nearest.sort(Comparator.comparingDouble(t -> Math.abs(-Math.log(w[t] / sum) - entropy)));
      kept = until(nearest, w, p.typicalP());
    }
    double sum = kept.stream().mapToDouble(t -> w[t]).sum();
    double[] result = new double[VOCABULARY];
    kept.forEach(t -> result[t] = w[t] / sum);
    return result;
  }

  /** The first of a list whose weights reach a share of all. */
  private static List<Integer> until(List<Integer> tokens, double[] w, double share) {
    if (share >= 1) {
      return tokens;
    }
    double wanted = share * tokens.stream().mapToDouble(t -> w[t]).sum();
    double reached = 0;
    int count = 0;
    while (count < tokens.size() && (count == 0 || reached < wanted)) {
      reached += w[tokens.get(count++)];
    }
    return tokens.subList(0, count);
  }

  /** Neighbouring positions, samples and seeds give independent draws: their pairs are uniform. */
  @Test
  void drawsDoNotDependOnEachOther() {
    int bins = 16;
    int pairs = 160_000;
    int[][] counts = new int[3][bins * bins];
    for (int i = 0; i < pairs; i++) {
      int here = (int) (Philox.uniform(7, i % 13, i) * bins);
      counts[0][here * bins + (int) (Philox.uniform(7, i % 13, i + 1) * bins)]++;
      counts[1][here * bins + (int) (Philox.uniform(7, i % 13 + 1, i) * bins)]++;
      counts[2][here * bins + (int) (Philox.uniform(8, i % 13, i) * bins)]++;
    }
    double mean = (double) pairs / (bins * bins);
    for (int[] count : counts) {
      double statistic =
          Arrays.stream(count).mapToDouble(c -> (c - mean) * (c - mean) / mean).sum();
      // 255 degrees of freedom: between the 0.001 % and 99.999 % points.
      assertThat(statistic).isBetween(169.0, 362.0);
    }
  }
}
