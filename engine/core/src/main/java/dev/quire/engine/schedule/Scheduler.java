package dev.quire.engine.schedule;

import dev.quire.paging.KvAllocator;
import dev.quire.paging.SequenceBlocks;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Plans steps: running groups first, in the policy's order, then waiting ones while the token
 * budget and the block pool last. When a running sequence finds no block, the last group in order
 * gives back all of its blocks and waits to be computed again.
 *
 * <pre>
 *   waiting (a heap) ──admit──► running (in the policy's order) ──finish──► done
 *          ▲                        │
 *          └────────preempt─────────┘   from the end of the order
 * </pre>
 *
 * <p>Since a victim is taken from the end, it is never a group that the step has planned already,
 * unless it is the very one that asks. A step's work is proportional to the running sequences.
 * Owned by one thread.
 */
public final class Scheduler {
  private final KvAllocator allocator;
  private final SchedulerLimits limits;
  private final SchedulingPolicy policy;
  private final PriorityQueue<SequenceGroup> waiting;
  private final List<SequenceGroup> running = new ArrayList<>();
  private int waitingGroups;
  private int runningSequences;
  private long preemptions;

  // The group that found no room last, and the free blocks then: without more of them its prefix
  // need not be looked up again.
  private @Nullable SequenceGroup refused;
  private int refusedFreeBlocks;

  // Of the step being planned.
  private int tokenBudget;
  private int promptRowBudget;
  private boolean preempted;

  public Scheduler(KvAllocator allocator, SchedulerLimits limits, SchedulingPolicy policy) {
    this.allocator = allocator;
    this.limits = limits;
    this.policy = policy;
    this.waiting = new PriorityQueue<>(policy);
  }

  /** Queues a new group. The caller has made sure that one sequence of it fits the pool. */
  public void add(SequenceGroup group) {
    enqueue(group);
  }

  /** Whether any group waits or runs. */
  public boolean hasWork() {
    return waitingGroups > 0 || runningSequences > 0;
  }

  /** Groups in the queue. */
  public int waitingGroups() {
    return waitingGroups;
  }

  /** Live sequences of running groups. */
  public int runningSequences() {
    return runningSequences;
  }

  /** Groups sent back so far. */
  public long preemptions() {
    return preemptions;
  }

  /**
   * Plans a step.
   *
   * @return whether there is anything to compute; false only if no group waits or runs
   */
  public boolean schedule(StepPlan plan) {
    plan.truncate(0);
    tokenBudget = limits.maxNumBatchedTokens();
    promptRowBudget = limits.maxPromptRows();
    preempted = false;
    removeDone();
    for (int i = 0; i < running.size() && tokenBudget > 0; i++) {
      planGroup(running.get(i), plan);
    }
    // A group just sent back must not take the blocks that it gave.
    while (!preempted && tokenBudget > 0 && waitingGroups > 0) {
      SequenceGroup next = firstWaiting();
      boolean crowded = runningSequences > 0 && runningSequences + next.live > limits.maxNumSeqs();
      if (crowded || !admit(next)) {
        break;
      }
      planGroup(next, plan);
    }
    if (plan.size() == 0 && hasWork()) {
      throw new IllegalStateException(
          "nothing fits the block pool: %d groups wait, %d sequences run, %d blocks are free"
              .formatted(waitingGroups, runningSequences, allocator.freeBlocks(0)));
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
      if (!group.forked && s.computed == s.promptLength()) {
        fork(group, s);
      }
    }
  }

  private void fork(SequenceGroup group, Sequence leader) {
    for (Sequence s : group.sequences()) {
      if (s != leader && !s.finished()) {
        s.blocks = allocator.fork(leader.blocks(), leader.computed);
        s.computed = leader.computed;
        notePeak(s);
      }
    }
    group.forked = true;
  }

  /** Ends a sequence, whatever it is doing, and frees its blocks. */
  public void finish(Sequence sequence) {
    if (sequence.finished()) {
      return;
    }
    SequenceGroup group = sequence.group();
    boolean ledUnforked = !group.forked && group.leader() == sequence;
    sequence.markFinished();
    group.live--;
    if (group.state == SequenceGroup.State.RUNNING) {
      runningSequences--;
      if (ledUnforked && group.live > 0) {
        group.leader().blocks = sequence.blocks;
        group.leader().computed = sequence.computed;
        sequence.blocks = null;
      }
      release(sequence);
    }
    if (group.live == 0) {
      if (group.state == SequenceGroup.State.WAITING) {
        waitingGroups--; // its place in the heap is cleared when it comes up
      }
      group.state = SequenceGroup.State.DONE;
    }
  }

  private void removeDone() {
    int kept = 0;
    for (int i = 0; i < running.size(); i++) {
      SequenceGroup group = running.get(i);
      if (group.state == SequenceGroup.State.RUNNING) {
        running.set(kept++, group);
      }
    }
    truncateRunning(kept);
    sortRunning();
  }

  /** Insertion sort: policies look at progress, so neighbours may have changed places. */
  private void sortRunning() {
    for (int i = 1; i < running.size(); i++) {
      SequenceGroup group = running.get(i);
      int place = i;
      while (place > 0 && policy.compare(running.get(place - 1), group) > 0) {
        running.set(place, running.get(place - 1));
        place--;
      }
      running.set(place, group);
    }
  }

  private void truncateRunning(int size) {
    while (running.size() > size) {
      running.removeLast();
    }
  }

  private SequenceGroup firstWaiting() {
    SequenceGroup first = waiting.element();
    while (first.state != SequenceGroup.State.WAITING) {
      waiting.remove();
      first = waiting.element();
    }
    return first;
  }

  /** Takes a group out of the queue if the pool has room for all tokens that it knows. */
  private boolean admit(SequenceGroup group) {
    boolean alone = runningSequences == 0;
    int free = allocator.freeBlocks(0);
    if (!alone && group == refused && free <= refusedFreeBlocks) {
      return false;
    }
    int demand = demandOf(group);
    int promised = promisedTokens();
    Sequence leader = group.leader();
    int limit = group.computeLimit(leader);
    SequenceBlocks blocks = allocator.newSequence(group.cacheSalt());
    int cached = 0;
    if (!group.scoresPrompt()) {
      cached = allocator.attachPrefix(blocks, leader.tokens(), limit);
    }
    // With nothing else running, whatever fits at all may run: the watermark has nobody to protect.
    if (!alone && !allocator.canAdmit(demand - cached + promised)) {
      allocator.free(blocks);
      refused = group;
      refusedFreeBlocks = free;
      return false;
    }
    waiting.remove();
    waitingGroups--;
    leader.blocks = blocks;
    leader.computed = cached;
    if (!group.everAdmitted) {
      group.everAdmitted = true;
      leader.cachedTokens = cached;
    }
    group.state = SequenceGroup.State.RUNNING;
    runningSequences += group.live;
    insertRunning(group);
    return true;
  }

  private static int demandOf(SequenceGroup group) {
    int demand = group.promptLength();
    for (Sequence s : group.sequences()) {
      if (!s.finished()) {
        demand += s.length() - s.promptLength();
      }
    }
    return demand;
  }

  /** Tokens known to running sequences whose blocks are not reserved yet. */
  private int promisedTokens() {
    int promised = 0;
    for (int i = 0; i < running.size(); i++) {
      SequenceGroup group = running.get(i);
      if (!group.forked) {
        promised += Math.max(0, demandOf(group) - group.leader().computed);
        continue;
      }
      List<Sequence> sequences = group.sequences();
      for (int j = 0; j < sequences.size(); j++) {
        Sequence s = sequences.get(j);
        if (!s.finished()) {
          promised += Math.max(0, s.length() - s.computed - 1);
        }
      }
    }
    return promised;
  }

  private void insertRunning(SequenceGroup group) {
    int place = running.size();
    while (place > 0 && policy.compare(running.get(place - 1), group) > 0) {
      place--;
    }
    running.add(place, group);
  }

  /** Plans what the budget allows of a running group, or preempts. */
  private void planGroup(SequenceGroup group, StepPlan plan) {
    int start = plan.size();
    int budgetBefore = tokenBudget;
    if (!group.forked) {
      planSequence(group, group.leader(), plan);
    } else {
      List<Sequence> sequences = group.sequences();
      for (int j = 0; j < sequences.size() && tokenBudget > 0; j++) {
        if (!sequences.get(j).finished()) {
          planSequence(group, sequences.get(j), plan);
          if (group.state != SequenceGroup.State.RUNNING) {
            break;
          }
        }
      }
    }
    if (group.state != SequenceGroup.State.RUNNING) {
      plan.truncate(start);
      tokenBudget = budgetBefore;
    }
  }

  private void planSequence(SequenceGroup group, Sequence s, StepPlan plan) {
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
      SequenceGroup victim = running.getLast();
      if (victim != group) {
        preempt(victim);
        continue;
      }
      // A windowed cache takes a long prompt in smaller chunks than the budget's.
      int fitting = allocator.reservable(s.blocks(), s.computed, tokens);
      if (fitting > 0) {
        tokens = fitting;
      } else if (running.size() > 1) {
        preempt(group);
        return;
      } else if (!makeRoomAlone(group, s)) {
        return;
      }
    }
    int rows = s.computed + tokens == s.length() ? 1 : 0;
    if (scoring) {
      rows = Math.max(0, tokens - unscored);
      promptRowBudget -= rows;
    }
    notePeak(s);
    tokenBudget -= tokens;
    plan.add(s, tokens, rows);
  }

  /**
   * The only running group does not fit as a whole: its last sample waits on its own, until others
   * have finished.
   *
   * @return whether {@code s} should try again; false if it was the one to go
   */
  private boolean makeRoomAlone(SequenceGroup group, Sequence s) {
    Sequence last = s;
    for (Sequence other : group.sequences()) {
      if (!other.finished()) {
        last = other;
      }
    }
    if (group.live == 1 || !group.forked) {
      throw new IllegalStateException(
          "a sequence of %d tokens does not fit the block pool alone".formatted(s.length()));
    }
    SequenceGroup apart = group.split(last);
    apart.preemptions++;
    preemptions++;
    preempted = true;
    runningSequences--;
    release(last);
    enqueue(apart);
    return last != s;
  }

  private void preempt(SequenceGroup group) {
    running.removeLast();
    runningSequences -= group.live;
    for (Sequence s : group.sequences()) {
      release(s);
    }
    group.forked = group.sequences().size() == 1;
    group.preemptions++;
    preemptions++;
    preempted = true;
    enqueue(group);
  }

  private void enqueue(SequenceGroup group) {
    group.state = SequenceGroup.State.WAITING;
    waiting.add(group);
    waitingGroups++;
  }

  private void release(Sequence s) {
    SequenceBlocks blocks = s.blocks;
    if (blocks != null) {
      allocator.free(blocks);
      s.blocks = null;
    }
    s.computed = 0;
  }

  private static void notePeak(Sequence s) {
    s.peakBlocks = Math.max(s.peakBlocks, s.blocks().blockCount(0));
  }
}
