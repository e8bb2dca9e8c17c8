package dev.quire.engine.schedule;

import java.util.Comparator;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * The groups that wait, in a policy's order, but none overtaken for ever: whenever a group leaves
 * the queue, the oldest of those that stay counts one overtaking; at the limit it goes before all
 * that were not so unlucky, and stays so until it is done.
 *
 * <p>So the oldest group is overtaken at most {@code maxOvertakes} times, and a group that finds
 * {@code r} older ones in the queue leaves it after at most {@code (r + 1) × (maxOvertakes + 1)}
 * departures, preempted groups that return counted as often as they leave.
 */
final class WaitingQueue {
  private final int maxOvertakes;
  private final PriorityQueue<SequenceGroup> inOrder;
  // Entries of groups that do not wait any more, and repeated ones, are dropped when they come up.
  private final PriorityQueue<SequenceGroup> byArrival =
      new PriorityQueue<>(Comparator.comparingLong(SequenceGroup::arrival));
  private int size;

  /**
   * @param order a total order that puts {@link SequenceGroup#overdue} groups first
   */
  WaitingQueue(Comparator<SequenceGroup> order, int maxOvertakes) {
    this.inOrder = new PriorityQueue<>(order);
    this.maxOvertakes = maxOvertakes;
  }

  int size() {
    return size;
  }

  void add(SequenceGroup group) {
    group.state = SequenceGroup.State.WAITING;
    inOrder.add(group);
    byArrival.add(group);
    size++;
  }

  /** The group to admit next; the queue is not empty. */
  SequenceGroup first() {
    SequenceGroup first = inOrder.element();
    while (first.state != SequenceGroup.State.WAITING) {
      inOrder.remove();
      first = inOrder.element();
    }
    return first;
  }

  /** Takes the {@link #first} group out, as it is admitted. */
  void removeFirst() {
    SequenceGroup group = first();
    inOrder.remove();
    size--;
    group.state = SequenceGroup.State.RUNNING;
    SequenceGroup oldest = oldest();
    if (oldest != null && !oldest.overdue && oldest.arrival() < group.arrival()) {
      oldest.overtaken++;
      if (oldest.overtaken >= maxOvertakes) {
        inOrder.remove(oldest);
        oldest.overdue = true;
        inOrder.add(oldest);
      }
    }
  }

  /** A waiting group has ended; its entries are dropped later. */
  void forget() {
    size--;
  }

  private @Nullable SequenceGroup oldest() {
    SequenceGroup oldest = byArrival.peek();
    while (oldest != null && oldest.state != SequenceGroup.State.WAITING) {
      byArrival.remove();
      oldest = byArrival.peek();
    }
    return oldest;
  }
}
