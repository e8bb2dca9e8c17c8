package dev.quire.engine;

import dev.quire.engine.schedule.Scheduler;
import dev.quire.engine.schedule.Sequence;
import dev.quire.engine.schedule.StepPlan;
import dev.quire.paging.KvUsage;

/** The engine thread's counters and its watch. */
final class StepClock {
  final StepTokens stepTokens = new StepTokens();
  long submitted;
  long finished;
  long sampled;
  long cachedTokens;
  private long steps;
  private long prefillTokens;
  private long decodeTokens;
  private long prefillNanos;
  private long decodeNanos;
  private long hostNanos;
  private long submittedNanos;
  private long executedNanos;
  private boolean busy;

  /** No work: the time until the next step is nobody's. */
  void idle() {
    busy = false;
  }

  void planning() {
    if (!busy) {
      busy = true;
      executedNanos = System.nanoTime();
    }
  }

  void submitting() {
    submittedNanos = System.nanoTime();
    hostNanos += submittedNanos - executedNanos;
  }

  /** The executor is done; the plan is not committed yet. */
  void executed(StepPlan plan) {
    executedNanos = System.nanoTime();
    steps++;
    stepTokens.add(plan.numTokens());
    long prefill = 0;
    for (int i = 0; i < plan.size(); i++) {
      Sequence s = plan.sequence(i);
      boolean decode = plan.tokens(i) == 1 && s.computed() >= s.promptLength();
      prefill += decode ? 0 : plan.tokens(i);
    }
    long decode = plan.numTokens() - prefill;
    long took = executedNanos - submittedNanos;
    long prefillTook = took * prefill / plan.numTokens();
    prefillTokens += prefill;
    decodeTokens += decode;
    prefillNanos += prefillTook;
    decodeNanos += took - prefillTook;
  }

  long executedNanos() {
    return executedNanos;
  }

  /** Time of steps a token computed in bulk; NaN before the first. */
  double secondsPerPrefillToken() {
    return prefillTokens == 0 ? Double.NaN : prefillNanos / 1e9 / prefillTokens;
  }

  EngineStats stats(Scheduler scheduler, KvUsage memory) {
    return new EngineStats(
        submitted,
        finished,
        0,
        scheduler.waitingGroups(),
        scheduler.runningSequences(),
        steps,
        scheduler.preemptions(),
        scheduler.swapOuts(),
        prefillTokens,
        decodeTokens,
        sampled,
        cachedTokens,
        prefillNanos,
        decodeNanos,
        hostNanos,
        memory);
  }
}
