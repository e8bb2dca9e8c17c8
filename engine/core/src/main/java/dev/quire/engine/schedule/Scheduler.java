package dev.quire.engine.schedule;

import dev.quire.paging.KvAllocator;
import dev.quire.paging.SequenceBlocks;
import java.util.ArrayList;
import java.util.List;

/**
 * Plans steps: running groups first, in the policy's order, then waiting ones while the token
 * budget and the block pool last. When a running sequence finds no block, the last group in order
 * gives back all of its blocks and waits, to be swapped in or computed again.
 *
 * <pre>
 *   waiting ──admit──► running (in the policy's order) ──finish──► done
 *      ▲                  │
 *      └─────preempt──────┘   from the end of the order
 * </pre>
 *
 * <p>Since a victim is taken from the end, it is a group that the step has not planned yet, or the
 * very one that asks; only a group admitted ahead of running ones may take the blocks of one that
 * is planned, which then leaves the plan. A step's work is proportional to the running sequences.
 * Owned by one thread.
 */
public final class Scheduler {
  private final KvAllocator allocator;
  private final SchedulerLimits limits;
  private final WaitingQueue waiting;
  private final RunningGroups running;
  private final Preemption preemption;

  private final LastRefusal refusal = new LastRefusal();

  // Of the step being planned.
  private int tokenBudget;
  private int promptRowBudget;
  private boolean preempted;

  public Scheduler(
      KvAllocator allocator,
      SchedulerLimits limits,
      SchedulingPolicy policy,
      PreemptionPolicy preemptionPolicy) {
    this.allocator = allocator;
    this.limits = limits;
    SchedulingPolicy order = policy.overdueFirst();
    this.waiting = new WaitingQueue(order, limits.maxOvertakes());
    this.running = new RunningGroups(order);
    this.preemption = new Preemption(allocator, preemptionPolicy);
  }

  /** Queues a new group. The caller has made sure that one sequence of it fits the pool. */
  public void add(SequenceGroup group) {
    waiting.add(group);
  }

  /** Whether any group waits or runs. */
  public boolean hasWork() {
    return waiting.size() > 0 || running.sequences() > 0;
  }

  /** Groups in the queue. */
  public int waitingGroups() {
    return waiting.size();
  }

  /** Live sequences of running groups. */
  public int runningSequences() {
    return running.sequences();
  }

  /** Groups sent back so far. */
  public long preemptions() {
    return preemption.preemptions();
  }

  /** Those of them whose blocks went to the host pool. */
  public long swapOuts() {
    return preemption.swaps();
  }

  /**
   * Plans a step. Groups in {@link StepPlan#unfit} are for the caller to finish.
   *
   * @return whether there is anything to compute; false only if no group waits or runs, or one is
   *     unfit
   */
  public boolean schedule(StepPlan plan) {
    plan.clear();
    tokenBudget = limits.maxNumBatchedTokens();
    promptRowBudget = limits.maxPromptRows();
    preempted = false;
    preemption.beginStep();
    running.tidy();
    for (int i = 0; i < running.size() && tokenBudget > 0; i++) {
      planGroup(running.get(i), plan);
    }
    // A group just sent back must not take the blocks that it gave.
    while (!preempted && tokenBudget > 0 && waiting.size() > 0) {
      SequenceGroup next = waiting.first();
      int seats = running.seats();
      boolean crowded = seats > 0 && seats + next.seats() > limits.maxNumSeqs();
      if (crowded || !admit(next)) {
        break;
      }
      planGroup(next, plan);
    }
    if (plan.size() == 0 && hasWork() && plan.unfit().isEmpty()) {
      throw new IllegalStateException(
          "nothing fits the block pool: %d groups wait, %d sequences run, %d blocks are free"
              .formatted(waiting.size(), running.sequences(), allocator.freeBlocks(0)));
    }
    return plan.size() > 0;
  }

  /**
   * Books a step that was executed: its tokens are computed, its full blocks may be shared, and
   * samples whose prompt is done fork from their leader.
   */
  public void commit(StepPlan plan) {
    for (int i = 0; i < plan.size(); i++) {
      Sequence s = plan.sequence(i);
      s.computed += plan.tokens(i);
      allocator.commit(s.blocks(), s.tokens(), s.computed);
      SequenceGroup group = s.group();
      if (group.scoresPrompt()) {
        group.scoredRows = Math.max(group.scoredRows, Math.min(s.computed, s.promptLength()));
      }
      if (!group.forked && s.computed == group.forkLength) {
        forkFrom(group, s);
      }
    }
  }

  /**
   * Books a step that failed, after the caller has finished the groups in its plan: others that
   * were to be swapped with it have lost their blocks and are computed again.
   */
  public void abandon() {
    for (SequenceGroup group : preemption.lost()) {
      preemption.startOver(group);
    }
  }

  private void forkFrom(SequenceGroup group, Sequence leader) {
    for (Sequence s : group.sequences()) {
      if (s != leader && !s.finished()) {
        s.blocks = allocator.fork(leader.blocks(), leader.computed);
        s.computed = leader.computed;
        s.stretched = leader.stretched;
        notePeak(s);
      }
    }
    group.forked = true;
  }

  /**
   * Replaces the sequences of a running group, all of them computed, by continuations of some: each
   * entry of {@code parents} becomes one. A sequence's first continuation is itself, later ones are
   * forks that share its blocks; sequences without any end here, and their blocks are free.
   *
   * @return the sequences in the order of {@code parents}, to be appended to
   */
  public List<Sequence> branch(SequenceGroup group, List<Sequence> parents) {
    List<Sequence> next = new ArrayList<>(parents.size());
    for (Sequence parent : parents) {
      if (!next.contains(parent)) {
        next.add(parent);
        continue;
      }
      Sequence fork = new Sequence(parent);
      fork.blocks = allocator.fork(parent.blocks(), parent.computed);
      next.add(fork);
    }
    running.change(
        group,
        () -> {
          for (Sequence s : group.sequences()) {
            if (!next.contains(s)) {
              s.markFinished();
              preemption.release(s);
            }
          }
          group.sequences().clear();
          group.sequences().addAll(next);
          group.live = next.size();
        });
    return next;
  }

  /** Ends a sequence, whatever it is doing, and frees its blocks. */
  public void finish(Sequence sequence) {
    if (!sequence.finished()) {
      end(sequence);
      preemption.release(sequence);
    }
  }

  /**
   * Ends a running sequence that its group has alone, and hands its blocks over.
   *
   * @return blocks that the caller frees
   */
  public SequenceBlocks finishKeeping(Sequence sequence) {
    SequenceBlocks kept = sequence.blocks();
    sequence.blocks = null;
    end(sequence);
    return kept;
  }

  private void end(Sequence sequence) {
    SequenceGroup group = sequence.group();
    if (group.state == SequenceGroup.State.RUNNING) {
      running.change(group, () -> leave(group, sequence));
    } else {
      leave(group, sequence);
      if (group.state == SequenceGroup.State.DONE) {
        waiting.forget();
      }
    }
  }

  private static void leave(SequenceGroup group, Sequence sequence) {
    boolean ledUnforked = !group.forked && group.leader() == sequence;
    sequence.markFinished();
    group.live--;
    if (group.live == 0) {
      group.state = SequenceGroup.State.DONE;
    } else if (ledUnforked) {
      group.leader().blocks = sequence.blocks;
      group.leader().computed = sequence.computed;
      group.leader().reserved = sequence.reserved;
      group.leader().stretched = sequence.stretched;
      sequence.blocks = null;
    }
  }

  /** Takes a group out of the queue if the pool has room for all tokens that it knows. */
  private boolean admit(SequenceGroup group) {
    boolean alone = running.sequences() == 0;
    int free = allocator.freeBlocks(0);
    int claimed = running.claimedTokens();
    if (!alone && refusal.holds(group, free, claimed)) {
      return false;
    }
    boolean admitted =
        group.swapped ? admitSwapped(group, alone, claimed) : admitToCompute(group, alone, claimed);
    if (!admitted) {
      refusal.note(group, free, claimed);
      return false;
    }
    waiting.removeFirst();
    running.add(group);
    return true;
  }

  private boolean admitSwapped(SequenceGroup group, boolean alone, int claimed) {
    int demand = group.demand() + group.live;
    if ((alone || allocator.canAdmit(demand + claimed)) && preemption.restore(group)) {
      return true;
    }
    if (alone) {
      // What it had room for once is taken by others, such as pinned prefixes.
      preemption.startOver(group);
      return admitToCompute(group, true, claimed);
    }
    return false;
  }

  private boolean admitToCompute(SequenceGroup group, boolean alone, int claimed) {
    Sequence leader = group.leader();
    boolean stretched = limits.stretched(leader.length());
    SequenceBlocks blocks = group.newBlocks(allocator, stretched);
    int cached = 0;
    if (!group.scoresPrompt()) {
      cached = allocator.attachPrefix(blocks, leader.tokens(), group.computeLimit(leader));
    }
    // With nothing else running, whatever fits at all may run: the watermark has nobody to protect.
    if (!alone && !allocator.canAdmit(blocks, group.demand() + claimed)) {
      allocator.free(blocks);
      return false;
    }
    leader.blocks = blocks;
    leader.computed = cached;
    leader.stretched = stretched;
    if (!group.everAdmitted) {
      group.everAdmitted = true;
      leader.cachedTokens = cached;
    }
    return true;
  }

  /** A running sequence has grown past the length up to which its keys and values hold. */
  private void recompute(SequenceGroup group, Sequence s) {
    preemption.release(s);
    SequenceBlocks blocks = group.newBlocks(allocator, true);
    s.blocks = blocks;
    s.stretched = true;
    if (!group.scoresPrompt()) {
      s.computed = allocator.attachPrefix(blocks, s.tokens(), s.length() - 1);
    }
  }

  /** Plans what the budget allows of a running group, or preempts. */
  private void planGroup(SequenceGroup group, StepPlan plan) {
    if (!group.forked) {
      planSequence(group, group.leader(), plan);
    } else if (!group.inStep() || !group.aligned() || tokenBudget >= group.live) {
      List<Sequence> sequences = group.sequences();
      for (int j = 0; j < sequences.size() && tokenBudget > 0; j++) {
        if (!sequences.get(j).finished()) {
          planSequence(group, sequences.get(j), plan);
          if (isOut(group, plan)) {
            break;
          }
        }
      }
    }
    if (isOut(group, plan)) {
      tokenBudget += plan.remove(group);
    }
  }

  private static boolean isOut(SequenceGroup group, StepPlan plan) {
    return group.state != SequenceGroup.State.RUNNING || plan.unfit().contains(group);
  }

  private void planSequence(SequenceGroup group, Sequence s, StepPlan plan) {
    if (!s.stretched && limits.stretched(s.length())) {
      recompute(group, s);
    }
    int limit = group.computeLimit(s);
    int tokens = Math.min(limit - s.computed, tokenBudget);
    boolean scoring = group.scoresPrompt() && group.scoredRows < s.promptLength();
    int unscored = Math.max(0, group.scoredRows - s.computed);
    if (scoring) {
      tokens = Math.min(tokens, unscored + promptRowBudget);
    }
    if (tokens <= 0) {
      return;
    }
    while (!allocator.reserve(s.blocks(), s.computed, tokens)) {
      SequenceGroup victim = running.last();
      if (victim != group) {
        preempt(victim, plan);
        continue;
      }
      // A windowed cache takes a long prompt in smaller chunks than the budget's.
      int fitting = allocator.reservable(s.blocks(), s.computed, tokens);
      if (fitting > 0) {
        tokens = fitting;
      } else if (running.size() > 1) {
        preempt(group, plan);
        return;
      } else if (!makeRoomAlone(group, s, plan)) {
        return;
      }
    }
    int rows = s.computed + tokens == s.length() ? 1 : 0;
    if (scoring) {
      rows = Math.max(0, tokens - unscored);
      promptRowBudget -= rows;
    }
    s.reserved = s.computed + tokens;
    notePeak(s);
    tokenBudget -= tokens;
    plan.add(s, tokens, rows);
  }

  /**
   * The only running group does not fit as a whole: its last sample waits on its own, until others
   * have finished. Beams cannot go on apart, and a single sequence has nobody to wait for: these
   * are unfit.
   *
   * @return whether {@code s} should try again; false if it was the one to go, or nothing can
   */
  private boolean makeRoomAlone(SequenceGroup group, Sequence s, StepPlan plan) {
    if (group.live == 1 || !group.forked || group.inStep()) {
      plan.addUnfit(group);
      return false;
    }
    Sequence last = s;
    for (Sequence other : group.sequences()) {
      if (!other.finished()) {
        last = other;
      }
    }
    Sequence leaving = last;
    running.change(
        group,
        () -> {
          SequenceGroup apart = group.split(leaving);
          preemption.evict(apart);
          waiting.add(apart);
        });
    preempted = true;
    return last != s;
  }

  private void preempt(SequenceGroup group, StepPlan plan) {
    running.removeLast();
    tokenBudget += plan.remove(group);
    preemption.evict(group);
    preempted = true;
    waiting.add(group);
  }

  private static void notePeak(Sequence s) {
    s.peakBlocks = Math.max(s.peakBlocks, s.blocks().blockCount(0));
  }
}
