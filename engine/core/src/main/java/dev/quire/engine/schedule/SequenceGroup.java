package dev.quire.engine.schedule;

import java.util.ArrayList;
import java.util.List;

/**
 * Sequences of one request that run and are preempted together.
 *
 * <p>Samples of one prompt begin as one computation: the first live sequence, the leader, computes
 * the prompt; there the others fork from its blocks. A preempted group starts over the same way, so
 * the prompt's blocks are shared again.
 */
public final class SequenceGroup {
  /** Where a group stands. */
  enum State {
    NEW,
    WAITING,
    RUNNING,
    DONE
  }

  private final long arrival;
  private final int priority;
  private final long cacheSalt;
  private final int promptLength;
  private final int maxLength;
  private final boolean scoresPrompt;
  private final List<Sequence> sequences = new ArrayList<>();

  State state = State.NEW;
  boolean forked;
  int live;
  int preemptions;
  boolean everAdmitted;
  // Rows of the prompt handed out; recomputation asks only for later ones.
  int scoredRows;

  /**
   * @param arrival orders groups; unique
   * @param priority lower first, where the policy looks at it
   * @param prompt token ids, at least one
   * @param samples sequences of this prompt
   * @param maxLength tokens, prompt included, after which each sequence ends
   * @param scoresPrompt whether the logits of every prompt row are wanted; such a group takes no
   *     prefix from the cache
   */
  public SequenceGroup(
      long arrival,
      int priority,
      long cacheSalt,
      int[] prompt,
      int samples,
      int maxLength,
      boolean scoresPrompt) {
    this.arrival = arrival;
    this.priority = priority;
    this.cacheSalt = cacheSalt;
    this.promptLength = prompt.length;
    this.maxLength = maxLength;
    this.scoresPrompt = scoresPrompt;
    for (int i = 0; i < samples; i++) {
      sequences.add(new Sequence(this, i, prompt));
    }
    live = samples;
    forked = samples == 1;
  }

  /** A group of one sequence, taken out of another group that cannot run as a whole. */
  private SequenceGroup(SequenceGroup from, Sequence only) {
    this.arrival = from.arrival;
    this.priority = from.priority;
    this.cacheSalt = from.cacheSalt;
    this.promptLength = from.promptLength;
    this.maxLength = from.maxLength;
    this.scoresPrompt = from.scoresPrompt;
    this.scoredRows = from.scoredRows;
    this.preemptions = from.preemptions;
    this.everAdmitted = true;
    sequences.add(only);
    live = 1;
    forked = true;
  }

  SequenceGroup split(Sequence only) {
    sequences.remove(only);
    live--;
    SequenceGroup group = new SequenceGroup(this, only);
    only.moveTo(group);
    return group;
  }

  /** The live sequence that computes the prompt for all. */
  Sequence leader() {
    for (int i = 0; i < sequences.size(); i++) {
      if (!sequences.get(i).finished()) {
        return sequences.get(i);
      }
    }
    throw new IllegalStateException("group has no live sequence");
  }

  /** Up to where a sequence may be computed now: a leader stops where the others fork. */
  int computeLimit(Sequence sequence) {
    return forked ? sequence.length() : promptLength;
  }

  /** The most tokens that any live sequence may still generate. */
  int remaining() {
    int most = 0;
    for (int i = 0; i < sequences.size(); i++) {
      Sequence s = sequences.get(i);
      if (!s.finished()) {
        most = Math.max(most, maxLength - s.length());
      }
    }
    return most;
  }

  public long arrival() {
    return arrival;
  }

  public int priority() {
    return priority;
  }

  public long cacheSalt() {
    return cacheSalt;
  }

  public int promptLength() {
    return promptLength;
  }

  public int maxLength() {
    return maxLength;
  }

  public boolean scoresPrompt() {
    return scoresPrompt;
  }

  /** Times that this group gave its blocks back. */
  public int preemptions() {
    return preemptions;
  }

  /** All sequences, finished ones included. */
  public List<Sequence> sequences() {
    return sequences;
  }
}
