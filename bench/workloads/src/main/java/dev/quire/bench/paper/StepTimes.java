package dev.quire.bench.paper;

import dev.quire.bench.paper.Figure.Part;
import dev.quire.bench.paper.Figure.Row;
import dev.quire.engine.schedule.Sequence;
import dev.quire.engine.schedule.StepPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Where the time of a run's steps went.
 *
 * @param single steps in which every sequence has one token, by how many they have; at the key's
 *     most, and more than half of it
 * @param prompts steps that compute prompts and no single tokens, by tokens, at the key's most
 * @param mixed steps that compute both, by tokens of both
 * @param filling those of them before the first request that found no room
 * @param draining those after the last request has left the queue
 * @param again tokens that preempted sequences computed once more; as steps, the preemptions; as
 *     time, their share of the steps', by tokens
 * @param planningSeconds of all steps, before the device had them
 * @param freeShare of the memory, while requests waited for it
 */
record StepTimes(
    Map<Integer, Spent> single,
    Map<Integer, Spent> prompts,
    Map<Integer, Spent> mixed,
    Spent filling,
    Spent draining,
    Spent again,
    double planningSeconds,
    double freeShare) {
  private static final int LEAST_SINGLE = 8;

  /** Rows that the products' tiles are multiples of. */
  private static final int TILE = 64;

  /** Steps, what they took, planning included, and their tokens. */
  record Spent(long steps, double seconds, long tokens) {
    static final Spent NOTHING = new Spent(0, 0, 0);

    Spent plus(Spent other) {
      return new Spent(steps + other.steps, seconds + other.seconds, tokens + other.tokens);
    }
  }

  /** Adds steps up. */
  static final class Sum {
    private final Map<Integer, Spent> single = new TreeMap<>();
    private final Map<Integer, Spent> prompts = new TreeMap<>();
    private final Map<Integer, Spent> mixed = new TreeMap<>();
    private Spent all = Spent.NOTHING;
    private Spent filling = Spent.NOTHING;
    private Spent untilEmpty = Spent.NOTHING;
    private Spent again = Spent.NOTHING;
    private boolean filled;
    private double freeTime;
    private double waitingTime;

    /**
     * Takes a step down that was executed and is not committed.
     *
     * @param waiting whether requests wait
     * @param refused whether one waits for room, rather than for its turn in a step
     * @param free share of the memory that nobody has
     */
    void add(StepPlan plan, double seconds, boolean waiting, boolean refused, double free) {
      int ones = 0;
      int repeated = 0;
      for (int i = 0; i < plan.size(); i++) {
        Sequence s = plan.sequence(i);
        if (plan.tokens(i) == 1 && s.computed() >= s.promptLength()) {
          ones++;
        } else if (s.group().preemptions() > 0) {
          repeated += plan.tokens(i) - plan.rows(i);
        }
      }
      int tokens = plan.numTokens();
      var spent = new Spent(1, seconds, tokens);
      if (ones == tokens) {
        int most = LEAST_SINGLE;
        while (most < tokens) {
          most *= 2;
        }
        single.merge(most, spent, Spent::plus);
      } else {
        int most = Math.ceilDiv(tokens, TILE) * TILE;
        (ones == 0 ? prompts : mixed).merge(most, spent, Spent::plus);
      }
      again = again.plus(new Spent(0, seconds * repeated / tokens, repeated));
      all = all.plus(spent);
      filled |= refused;
      if (!filled) {
        filling = all;
      }
      if (waiting) {
        untilEmpty = all;
        waitingTime += seconds;
        freeTime += seconds * free;
      }
    }

    StepTimes of(double planningSeconds, long preemptions) {
      var draining =
          new Spent(
              all.steps - untilEmpty.steps,
              all.seconds - untilEmpty.seconds,
              all.tokens - untilEmpty.tokens);
      return new StepTimes(
          single,
          prompts,
          mixed,
          filled ? filling : Spent.NOTHING,
          filled ? draining : Spent.NOTHING,
          again.plus(new Spent(preemptions, 0, 0)),
          planningSeconds,
          freeTime / waitingTime);
    }
  }

  private static Spent sum(Map<Integer, Spent> kinds) {
    return kinds.values().stream().reduce(Spent.NOTHING, Spent::plus);
  }

  private Spent withPrompts() {
    return sum(prompts).plus(sum(mixed));
  }

  /** The mean step of single tokens, in milliseconds. */
  double singleMillis() {
    Spent singles = sum(single);
    return 1e3 * singles.seconds / singles.steps;
  }

  /** Means, for a figure's table. */
  List<Row> rows(String label) {
    Spent singles = sum(single);
    Spent others = withPrompts();
    double steps = singles.steps + others.steps;
    return List.of(
        Row.ours(label + ": step of single tokens, ms", singleMillis()),
        Row.ours(label + ": step with prompts, ms", 1e3 * others.seconds / others.steps),
        Row.ours(label + ": tokens of a step with prompts", (double) others.tokens / others.steps),
        Row.ours(label + ": steps with prompts, %", 100 * others.steps / steps),
        Row.ours(label + ": planning a step, ms", 1e3 * planningSeconds / steps));
  }

  /** Everything, for a figure's table of times. */
  List<Part> parts() {
    List<Part> parts = new ArrayList<>();
    Spent all = sum(single).plus(withPrompts());
    parts.add(part("all steps", all));
    single.forEach(
        (most, spent) -> parts.add(part("up to %d single tokens".formatted(most), spent)));
    mixed.forEach(
        (most, spent) ->
            parts.add(part("prompts beside single tokens, up to %d".formatted(most), spent)));
    prompts.forEach(
        (most, spent) -> parts.add(part("prompts alone, up to %d".formatted(most), spent)));
    parts.add(part("of all: until a request found no room", filling));
    parts.add(part("of all: after the last one left the queue", draining));
    parts.add(part("of all: computed again after preemptions", again));
    parts.add(part("of all: planned", new Spent(all.steps, planningSeconds, all.tokens)));
    return parts;
  }

  private static Part part(String what, Spent spent) {
    return new Part(what, spent.steps, spent.seconds, spent.tokens);
  }
}
