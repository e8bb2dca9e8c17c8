package dev.quire.bench.paper;

import dev.quire.engine.schedule.StepPlan;
import dev.quire.paging.KvAllocator;

/** A model on a machine, with a memory for keys and values: what a {@link ServingRun} is put on. */
public interface Platform {
  /** The model's name, for people. */
  String name();

  /** Tokens that the memory for keys and values holds. */
  int slots();

  /** The longest sequence. */
  int maxTokens();

  /** Sequences that run at once. */
  int maxSequences();

  /** The most tokens of a step. */
  int stepTokens();

  /** Token ids are below this. */
  int vocabulary();

  /**
   * What executes a run's steps.
   *
   * @param allocator whose pending copies each step does
   * @param paged whether memory is paged, which costs the attention kernel something
   */
  Steps steps(KvAllocator allocator, boolean paged);

  /** Executes steps, or says what they would take. */
  interface Steps {
    /**
     * Does a planned step, before it is committed.
     *
     * @return seconds since the step before it ended, planning included; after {@link #idle} since
     *     then
     */
    double run(StepPlan plan);

    /** There was nothing to do: the time until now is nobody's. */
    default void idle() {}

    /** Seconds of all steps so far that passed before the device had them. */
    default double planning() {
      return 0;
    }
  }
}
