package dev.quire.bench.paper;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * What requests look like: log-normal lengths of given means, Poisson arrivals (Figure 11; the
 * distributions beyond their means were not published).
 *
 * @param meanPrompt tokens of prompts, before clipping
 * @param meanOutput tokens of outputs, before clipping
 * @param sigma of the logarithm of both
 * @param maxPrompt prompts are clipped to this
 * @param maxOutput outputs are clipped to this
 * @param prefix tokens that all prompts begin with, on top of {@code meanPrompt}
 */
public record Trace(
    String name,
    double meanPrompt,
    double meanOutput,
    double sigma,
    int maxPrompt,
    int maxOutput,
    int prefix) {
  public static final Trace SHARE_GPT = new Trace("ShareGPT", 161.31, 337.99, 1, 1024, 1024, 0);
  public static final Trace ALPACA = new Trace("Alpaca", 19.31, 58.45, 1, 1024, 1024, 0);

  /** Conversations so far are mostly longer than the prompt may be. */
  public static final Trace CHAT = new Trace("chat", 1e6, 337.99, 1, 1024, 1024, 0);

  /** Conversations of which three in ten are still shorter than the prompt may be. */
  static final Trace SHORTER_CHAT = new Trace("chat", 2850, 337.99, 1, 1024, 1024, 0);

  /** A translation task: sentences, behind a prefix with examples. */
  static Trace translation(int prefix) {
    return translation(prefix, 35, 45);
  }

  static Trace translation(int prefix, double meanPrompt, double meanOutput) {
    return new Trace("WMT16, prefix of " + prefix, meanPrompt, meanOutput, 0.5, 512, 512, prefix);
  }

  /** The same shape for a model whose longest sequence is shorter. */
  Trace scaled(double factor) {
    return new Trace(
        name,
        meanPrompt * factor,
        meanOutput * factor,
        sigma,
        (int) (maxPrompt * factor),
        (int) (maxOutput * factor),
        (int) (prefix * factor));
  }

  /** The same, prompts without their prefix and outputs clipped to so many tokens. */
  Trace within(int most) {
    return new Trace(
        name,
        meanPrompt,
        meanOutput,
        sigma,
        Math.min(maxPrompt, most),
        Math.min(maxOutput, most),
        prefix);
  }

  Trace withSigma(double value) {
    return new Trace(name, meanPrompt, meanOutput, value, maxPrompt, maxOutput, prefix);
  }

  /**
   * A request.
   *
   * @param at seconds from the start
   */
  record Arrival(double at, int prompt, int output) {}

  /**
   * Arrivals at a mean rate, the same for the same seed. Lengths don't depend on the rate: the
   * first requests are the same at all rates.
   *
   * @param most requests
   */
  List<Arrival> arrivals(double ratePerSecond, double seconds, int most, long seed) {
    RandomGenerator random = new SplittableRandom(seed);
    List<Arrival> arrivals = new ArrayList<>();
    double at = 0;
    while (arrivals.size() < most) {
      at += -Math.log(1 - random.nextDouble()) / ratePerSecond;
      if (at > seconds) {
        break;
      }
      int prompt = prefix + length(random, meanPrompt, maxPrompt);
      arrivals.add(new Arrival(at, prompt, length(random, meanOutput, maxOutput)));
    }
    return arrivals;
  }

  private int length(RandomGenerator random, double mean, int max) {
    double mu = Math.log(mean) - sigma * sigma / 2;
    return Math.clamp(Math.round(Math.exp(mu + sigma * random.nextGaussian())), 1, max);
  }
}
