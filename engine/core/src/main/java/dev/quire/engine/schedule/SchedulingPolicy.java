package dev.quire.engine.schedule;

import java.util.Comparator;

/**
 * The order in which groups run: the first in order is admitted first and preempted last. Total
 * orders: no two groups compare equal, since arrivals are unique but for groups of one request.
 */
public interface SchedulingPolicy extends Comparator<SequenceGroup> {
  /** By arrival. Every request comes to run, as those before it are finitely many. */
  static SchedulingPolicy firstComeFirstServed() {
    return SchedulingPolicy::byArrival;
  }

  /** Lower priority first, then by arrival. A steady flow of urgent requests starves others. */
  static SchedulingPolicy priority() {
    return (a, b) -> {
      int order = Integer.compare(a.priority(), b.priority());
      return order != 0 ? order : byArrival(a, b);
    };
  }

  /**
   * Fewest tokens left first, by the most that was asked for, then by arrival. Short requests keep
   * longer ones waiting for as long as they come.
   */
  static SchedulingPolicy shortestRemaining() {
    return (a, b) -> {
      int order = Integer.compare(a.remaining(), b.remaining());
      return order != 0 ? order : byArrival(a, b);
    };
  }

  private static int byArrival(SequenceGroup a, SequenceGroup b) {
    return Long.compare(a.arrival(), b.arrival());
  }
}
