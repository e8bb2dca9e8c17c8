package dev.quire.bench.paper;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Which beams go on, where no model says so: every continuation of a beam has a log-probability
 * drawn as a language model's best ones are spread, and the best go on. A stand-in for simulated
 * time; how much real beams share is measured with the engine's own.
 */
final class Genealogy {
  // Standard deviation of the best continuations' logits.
  private static final double SPREAD = 2;

  private record Continuation(int parent, double score) {}

  private final int width;
  private final SplittableRandom random;

  Genealogy(int width, SplittableRandom random) {
    this.width = width;
    this.random = random;
  }

  /** The parent of each beam of the next generation. */
  List<Integer> parents(int beams) {
    List<Continuation> all = new ArrayList<>();
    for (int beam = 0; beam < beams; beam++) {
      double[] logits = new double[2 * width];
      double sum = 0;
      for (int i = 0; i < logits.length; i++) {
        logits[i] = SPREAD * random.nextGaussian();
        sum += Math.exp(logits[i]);
      }
      for (double logit : logits) {
        all.add(new Continuation(beam, logit - Math.log(sum)));
      }
    }
    all.sort(Comparator.comparingDouble(c -> -c.score));
    return all.subList(0, width).stream().map(Continuation::parent).toList();
  }
}
