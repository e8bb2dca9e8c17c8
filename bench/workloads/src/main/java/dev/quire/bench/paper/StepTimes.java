package dev.quire.bench.paper;

import dev.quire.bench.paper.Figure.Row;
import dev.quire.engine.schedule.StepPlan;
import java.util.List;

/**
 * How long a run's steps took: those in which every sequence has one token, and those that also
 * computed prompts.
 *
 * @param single steps of single tokens
 * @param singleSeconds of all of them, planning included
 * @param mixed the other steps
 * @param mixedSeconds of all of these
 * @param mixedTokens of all of these
 * @param planningSeconds of all steps, before the device had them
 */
record StepTimes(
    int single,
    double singleSeconds,
    int mixed,
    double mixedSeconds,
    long mixedTokens,
    double planningSeconds) {

  /** Adds steps up. */
  static final class Sum {
    private int single;
    private double singleSeconds;
    private int mixed;
    private double mixedSeconds;
    private long mixedTokens;

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

    StepTimes of(double planningSeconds) {
      return new StepTimes(
          single, singleSeconds, mixed, mixedSeconds, mixedTokens, planningSeconds);
    }
  }

  /** Means, for a figure's table. */
  List<Row> rows(String label) {
    return List.of(
        Row.ours(label + ": step of single tokens, ms", 1e3 * singleSeconds / single),
        Row.ours(label + ": step with prompts, ms", 1e3 * mixedSeconds / mixed),
        Row.ours(label + ": tokens of a step with prompts", (double) mixedTokens / mixed),
        Row.ours(label + ": steps with prompts, %", 100.0 * mixed / (single + mixed)),
        Row.ours(label + ": planning a step, ms", 1e3 * planningSeconds / (single + mixed)));
  }

  /** Share of the time that went into steps with prompts. */
  double mixedShare() {
    return mixedSeconds / (singleSeconds + mixedSeconds);
  }
}
