package dev.quire.engine.schedule;

import dev.quire.paging.KvAllocator;
import dev.quire.paging.LengthHint;
import dev.quire.paging.SequenceBlocks;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Sequences of one request that run and are preempted together.
 *
 * <p>Samples of one prompt begin as one computation: the first live sequence, the leader, computes
 * the prompt; there the others fork from its blocks. A group that is computed again does so, too,
 * up to where its sequences begin to differ, so that all they share is shared again.
 *
 * <p>Beams begin as one sequence, which branches. They advance together: the last token of each is
 * computed in a step that computes the last token of all.
 */
public final class SequenceGroup {
  /** Where a group stands. */
  enum State {
    NEW,
    WAITING,
    RUNNING,
    DONE
  }

  private static final long STRETCHED_SALT = 0x9e3779b97f4a7c15L;

  private final long arrival;
  private final int priority;
  private final long cacheSalt;
  private final int promptLength;
  private final int maxLength;
  private final int beamWidth;
  private final boolean scoresPrompt;
  private final @Nullable LengthHint lengths;
  private final @Nullable Object attachment;
  private final List<Sequence> sequences = new ArrayList<>();

  State state = State.NEW;
  // Whether every live sequence has blocks of its own table; else the leader computes for all.
  boolean forked;
  // Tokens after which the others fork from the leader.
  int forkLength;
  // Whether the group waits with its blocks in the host pool.
  boolean swapped;
  int live;
  int preemptions;
  boolean everAdmitted;
  int overtaken;
  boolean overdue;
  // Rows of the prompt handed out; recomputation asks only for later ones.
  int scoredRows;

  /**
   * What a group is made of.
   *
   * @param arrival orders groups; unique
   * @param priority lower first, where the policy looks at it
   * @param prompt token ids, at least one
   * @param samples sequences of this prompt; 1 for beams, which branch later
   * @param beamWidth the most beams; 0 for independent samples
   * @param maxLength tokens, prompt included, after which each sequence ends
   * @param scoresPrompt whether the logits of every prompt row are wanted; such a group takes no
   *     prefix from the cache
   * @param lengths what is known of the length before it runs, for allocators that reserve; null
   *     for nothing
   * @param attachment something of the caller's
   */
  @SuppressWarnings("ArrayRecordComponent") // read once, at construction
  public record Spec(
      long arrival,
      int priority,
      long cacheSalt,
      int[] prompt,
      int samples,
      int beamWidth,
      int maxLength,
      boolean scoresPrompt,
      @Nullable LengthHint lengths,
      @Nullable Object attachment) {}

  public SequenceGroup(Spec spec) {
    this.arrival = spec.arrival();
    this.priority = spec.priority();
    this.cacheSalt = spec.cacheSalt();
    this.promptLength = spec.prompt().length;
    this.maxLength = spec.maxLength();
    this.beamWidth = spec.beamWidth();
    this.scoresPrompt = spec.scoresPrompt();
    this.lengths = spec.lengths();
    this.attachment = spec.attachment();
    for (int i = 0; i < spec.samples(); i++) {
      sequences.add(new Sequence(this, i, spec.prompt()));
    }
    live = spec.samples();
    forked = live == 1;
    forkLength = promptLength;
  }

  /** A group of one sequence, taken out of another group that cannot run as a whole. */
  private SequenceGroup(SequenceGroup from, Sequence only) {
    this.arrival = from.arrival;
    this.priority = from.priority;
    this.cacheSalt = from.cacheSalt;
    this.promptLength = from.promptLength;
    this.maxLength = from.maxLength;
    this.beamWidth = 0;
    this.scoresPrompt = from.scoresPrompt;
    this.lengths = from.lengths;
    this.attachment = from.attachment;
    this.scoredRows = from.scoredRows;
    this.preemptions = from.preemptions;
    this.everAdmitted = true;
    this.overtaken = from.overtaken;
    this.overdue = from.overdue;
    sequences.add(only);
    live = 1;
    forked = true;
    forkLength = promptLength;
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

  /** Up to where a sequence may be computed now. */
  int computeLimit(Sequence sequence) {
    if (!forked) {
      return forkLength;
    }
    return live > 1 && inStep() && !aligned() ? sequence.length() - 1 : sequence.length();
  }

  /** Whether the last tokens of all sequences must be computed in one step. */
  boolean inStep() {
    return beamWidth > 0;
  }

  /** Whether each live sequence has at most its last token to compute. */
  boolean aligned() {
    for (int i = 0; i < sequences.size(); i++) {
      Sequence s = sequences.get(i);
      if (!s.finished() && s.computed() < s.length() - 1) {
        return false;
      }
    }
    return true;
  }

  /**
   * Forgets what is computed: the group starts over, up to where its sequences begin to differ as
   * one computation.
   */
  void startOver() {
    swapped = false;
    forked = live == 1;
    forkLength = promptLength;
    if (forked) {
      return;
    }
    Sequence first = leader();
    int shortest = first.length();
    int common = first.length();
    for (int i = 0; i < sequences.size(); i++) {
      Sequence s = sequences.get(i);
      if (!s.finished()) {
        shortest = Math.min(shortest, s.length());
        int same = promptLength;
        while (same < Math.min(common, s.length()) && s.tokens()[same] == first.tokens()[same]) {
          same++;
        }
        common = Math.min(common, same);
      }
    }
    // Every sequence computes its last token itself, to have its logits.
    forkLength = Math.max(promptLength, Math.min(common, shortest - 1));
  }

  /** The most sequences that the group may come to have: what it takes of the limit. */
  int seats() {
    return state == State.DONE ? 0 : Math.max(live, beamWidth);
  }

  /** Tokens known to the group, those of the prompt once. */
  int demand() {
    int demand = promptLength;
    for (int i = 0; i < sequences.size(); i++) {
      Sequence s = sequences.get(i);
      if (!s.finished()) {
        demand += s.length() - promptLength;
      }
    }
    return demand;
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

  /**
   * A sequence without blocks, as the allocator makes it for this group.
   *
   * @param stretched whether its blocks are none that others of the same tokens may share, but for
   *     stretched ones
   */
  SequenceBlocks newBlocks(KvAllocator allocator, boolean stretched) {
    long salt = stretched ? cacheSalt ^ STRETCHED_SALT : cacheSalt;
    return lengths == null ? allocator.newSequence(salt) : allocator.newSequence(salt, lengths);
  }

  /** What the caller attached. */
  public @Nullable Object attachment() {
    return attachment;
  }

  /** Live sequences. */
  public int live() {
    return live;
  }

  /** Times that this group gave its blocks back. */
  public int preemptions() {
    return preemptions;
  }

  /** All sequences, finished samples included; beams that were dropped are not. */
  public List<Sequence> sequences() {
    return sequences;
  }
}
