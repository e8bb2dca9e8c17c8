package dev.quire.bench.paper;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The rate that a system sustains: the greatest at which the mean normalised latency stays at half
 * a second a token, by bisection.
 */
final class RateSearch {
  private static final double LIMIT = 0.5;
  private static final int STEPS = 8;

  private RateSearch() {}

  /** The rate, and the latencies seen on the way, by rate. */
  record Found(String label, double rate, TreeMap<Double, Double> latencies) {
    Figure.Line line() {
      List<Double> x = new ArrayList<>();
      List<Double> y = new ArrayList<>();
      for (Map.Entry<Double, Double> point : latencies.entrySet()) {
        x.add(point.getKey());
        y.add(point.getValue());
      }
      return new Figure.Line(label, x, y);
    }
  }

  /** What to look for. */
  record Query(String label, Simulation.Setup setup, double least, double most) {
    Found search() {
      TreeMap<Double, Double> latencies = new TreeMap<>();
      double low = least;
      double high = most;
      for (int i = 0; i < STEPS; i++) {
        double middle = Math.sqrt(low * high);
        double latency = Simulation.run(setup.withRate(middle)).latency();
        latencies.put(middle, latency);
        if (latency <= LIMIT) {
          low = middle;
        } else {
          high = middle;
        }
      }
      return new Found(label, Math.sqrt(low * high), latencies);
    }
  }

  /** Searches side by side. */
  static List<Found> all(List<Query> queries) {
    return queries.parallelStream().map(Query::search).toList();
  }
}
