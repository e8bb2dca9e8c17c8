package dev.quire.bench.paper;

import dev.quire.engine.schedule.StepPlan;

/** How long a run's steps took: those of single tokens, and those that also computed prompts. */
final class StepTimes {
  private int single;
  private double singleSeconds;
  private int mixed;
  private double mixedSeconds;
  private long mixedTokens;
  private double planningSeconds;

  /**
   * Books a step.
   *
   * @param seconds that it took, planning included
   */
  void add(StepPlan plan, double seconds) {
    if (plan.numTokens() == plan.size()) {
      single++;
      singleSeconds += seconds;
    } else {
      mixed++;
      mixedSeconds += seconds;
      mixedTokens += plan.numTokens();
    }
  }

  /** What of all that passed before the device had the steps. */
  void planning(double seconds) {
    planningSeconds = seconds;
  }

  /** Milliseconds of a step in which every sequence has one token; NaN if there was none. */
  double singleMillis() {
    return 1e3 * singleSeconds / single;
  }

  /** Milliseconds of any other step; NaN if there was none. */
  double mixedMillis() {
    return 1e3 * mixedSeconds / mixed;
  }

  /** Tokens of such a step. */
  double meanMixedTokens() {
    return (double) mixedTokens / mixed;
  }

  /** Share of such steps. */
  double mixedShare() {
    return (double) mixed / (single + mixed);
  }

  /** Milliseconds of a step that pass before the device has it. */
  double planningMillis() {
    return 1e3 * planningSeconds / (single + mixed);
  }
}
