package dev.quire.bench.paper;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The rate that a system sustains: the greatest at which the mean normalised latency stays within a
 * limit, by bisection.
 */
final class RateSearch {
  /** The paper's limit, seconds a token. */
  static final double LIMIT = 0.5;

  private static final int STEPS = 8;
  private static final int MOST_WIDENINGS = 3;

  private RateSearch() {}

  /**
   * What was found.
   *
   * @param rate requests a second
   * @param crossed whether latencies on both sides of the limit were seen; if not, the rate is the
   *     end of what was tried
   * @param latencies seen on the way, by rate
   */
  record Found(String label, double rate, boolean crossed, TreeMap<Double, Double> latencies) {
    Figure.Line line() {
      List<Double> x = new ArrayList<>();
      List<Double> y = new ArrayList<>();
      for (Map.Entry<Double, Double> point : latencies.entrySet()) {
        x.add(point.getKey());
        y.add(point.getValue());
      }
      return new Figure.Line(label, x, y);
    }

    /** A name for rows, which says when the rate is only the end of what was tried. */
    String what() {
      return crossed ? label : label + " (the limit was not crossed)";
    }
  }

  /** Two rates; the one looked for is taken to be between them. */
  private record Bracket(double low, double high) {
    double middle() {
      return Math.sqrt(low * high);
    }
  }

  /**
   * What to look for.
   *
   * @param least a rate that should be sustained
   * @param most one that should not
   * @param limit of the latency, seconds a token
   * @param steps of the bisection: the rate is found to the factor that so many halvings leave of
   *     the bracket, be it the right one or not
   */
  record Query(
      String label, ServingRun.Setup setup, double least, double most, double limit, int steps) {
    /** Under the paper's limit. */
    Query(String label, ServingRun.Setup setup, double least, double most) {
      this(label, setup, least, most, LIMIT, STEPS);
    }

    Found search() {
      TreeMap<Double, Double> latencies = new TreeMap<>();
      double precision = Math.pow(most / least, Math.pow(0.5, steps)) * (1 + 1e-9);
      Bracket found = halved(new Bracket(least, most), precision, latencies);
      boolean lowSeen = found.low > least;
      boolean highSeen = found.high < most;
      // The bracket was wrong: go on beyond it.
      double factor = Math.sqrt(most / least);
      for (int i = 0; i < MOST_WIDENINGS && !(lowSeen && highSeen); i++) {
        if (highSeen) {
          lowSeen = sustained(found.low, latencies);
          found = lowSeen ? found : new Bracket(found.low / factor, found.low);
        } else {
          highSeen = !sustained(found.high, latencies);
          found = highSeen ? found : new Bracket(found.high, found.high * factor);
        }
      }
      if (lowSeen && highSeen) {
        found = halved(found, precision, latencies);
      }
      return new Found(label, found.middle(), lowSeen && highSeen, latencies);
    }

    private Bracket halved(Bracket bracket, double precision, TreeMap<Double, Double> latencies) {
      Bracket now = bracket;
      while (now.high / now.low > precision) {
        double middle = now.middle();
        now =
            sustained(middle, latencies)
                ? new Bracket(middle, now.high)
                : new Bracket(now.low, middle);
      }
      return now;
    }

    private boolean sustained(double rate, TreeMap<Double, Double> latencies) {
      double latency = ServingRun.run(setup.withRate(rate)).latency();
      latencies.put(rate, latency);
      return latency <= limit;
    }
  }

  /** Searches side by side: on simulated platforms only. */
  static List<Found> all(List<Query> queries) {
    return queries.parallelStream().map(Query::search).toList();
  }
}
