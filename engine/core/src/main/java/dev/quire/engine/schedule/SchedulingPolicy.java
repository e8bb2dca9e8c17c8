package dev.quire.engine.schedule;

import java.util.Comparator;

/**
 * The order in which groups run: the first in order is admitted first and preempted last. Total
 * orders: no two groups compare equal, since arrivals are unique but for groups of one request.
 * Under every policy the scheduler bounds how often a waiting group is overtaken.
 */
public interface SchedulingPolicy extends Comparator<SequenceGroup> {
  /** By arrival. Every request comes to run, as those before it are finitely many. */
  static SchedulingPolicy firstComeFirstServed() {
    return SchedulingPolicy::byArrival;
  }

  /** Lower priority first, then by arrival. */
  static SchedulingPolicy priority() {
    return (a, b) -> {
      int order = Integer.compare(a.priority(), b.priority());
      return order != 0 ? order : byArrival(a, b);
    };
  }

  /** Fewest tokens left first, by the most that was asked for, then by arrival. */
  static SchedulingPolicy shortestRemaining() {
    return (a, b) -> {
      int order = Integer.compare(a.remaining(), b.remaining());
      return order != 0 ? order : byArrival(a, b);
    };
  }

  /** This order, but groups that were overtaken too often before all others, by arrival. */
  default SchedulingPolicy overdueFirst() {
    return (a, b) ->
        a.overdue != b.overdue ? (a.overdue ? -1 : 1) : a.overdue ? byArrival(a, b) : compare(a, b);
  }

  private static int byArrival(SequenceGroup a, SequenceGroup b) {
    return Long.compare(a.arrival(), b.arrival());
  }
}
