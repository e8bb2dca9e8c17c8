package dev.quire.engine.schedule;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The groups that run, in the policy's order, and what they take of the limits. */
final class RunningGroups {
  // By simulations over models, lengths, and pools of 15 to 150 sequences: a quarter to six tenths
  // do alike, within 2 %; more costs as much in memory as it saves.
  private static final double MARGIN = 0.4;

  private final Comparator<SequenceGroup> order;
  private final List<SequenceGroup> groups = new ArrayList<>();
  private int sequences;
  private int seats;

  RunningGroups(Comparator<SequenceGroup> order) {
    this.order = order;
  }

  int size() {
    return groups.size();
  }

  SequenceGroup get(int i) {
    return groups.get(i);
  }

  SequenceGroup last() {
    return groups.getLast();
  }

  /** Live sequences. */
  int sequences() {
    return sequences;
  }

  /** Sequences that there may come to be without another admission. */
  int seats() {
    return seats;
  }

  /** Takes a group in, at its place. */
  void add(SequenceGroup group) {
    count(group, 1);
    int place = groups.size();
    while (place > 0 && order.compare(groups.get(place - 1), group) > 0) {
      place--;
    }
    groups.add(place, group);
  }

  SequenceGroup removeLast() {
    SequenceGroup last = groups.removeLast();
    count(last, -1);
    return last;
  }

  /** Changes a group, keeping the counts right. */
  void change(SequenceGroup group, Runnable change) {
    count(group, -1);
    change.run();
    count(group, 1);
  }

  private void count(SequenceGroup group, int sign) {
    sequences += sign * group.live;
    seats += sign * group.seats();
  }

  /** Drops groups that are done, and restores the order: policies look at progress. */
  void tidy() {
    int kept = 0;
    for (int i = 0; i < groups.size(); i++) {
      SequenceGroup group = groups.get(i);
      if (group.state == SequenceGroup.State.RUNNING) {
        groups.set(kept++, group);
      }
    }
    while (groups.size() > kept) {
      groups.removeLast();
    }
    // Insertion sort: few have changed places.
    for (int i = 1; i < groups.size(); i++) {
      SequenceGroup group = groups.get(i);
      int place = i;
      while (place > 0 && order.compare(groups.get(place - 1), group) > 0) {
        groups.set(place, groups.get(place - 1));
        place--;
      }
      groups.set(place, group);
    }
  }

  /**
   * Tokens that admission keeps room for: those known to running sequences whose blocks are not
   * reserved yet, and a margin for those to come. Sequences grow until they end, at a moment that
   * nobody knows, and then give back all at once. By how much growth runs ahead of that goes, as
   * the sum of independent sizes does, with the mean of what they have generated and the root of
   * their number. A group admitted into the last free blocks is preempted soon, and computed twice.
   */
  int claimedTokens() {
    int generated = 0;
    for (int i = 0; i < groups.size(); i++) {
      SequenceGroup group = groups.get(i);
      generated += group.demand() - group.promptLength();
    }
    return promisedTokens() + (int) (MARGIN * generated / Math.sqrt(Math.max(1, sequences)));
  }

  private int promisedTokens() {
    int promised = 0;
    for (int i = 0; i < groups.size(); i++) {
      SequenceGroup group = groups.get(i);
      if (!group.forked) {
        promised += Math.max(0, group.demand() - covered(group.leader()));
        continue;
      }
      List<Sequence> members = group.sequences();
      for (int j = 0; j < members.size(); j++) {
        Sequence s = members.get(j);
        if (!s.finished()) {
          promised += Math.max(0, s.length() - 1 - covered(s));
        }
      }
    }
    return promised;
  }

  private static int covered(Sequence s) {
    return Math.max(s.computed, s.reserved);
  }
}
