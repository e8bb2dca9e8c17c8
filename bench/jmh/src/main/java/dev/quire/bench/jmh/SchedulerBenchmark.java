package dev.quire.bench.jmh;

import dev.quire.engine.exec.StepBatch;
import dev.quire.engine.schedule.PreemptionPolicy;
import dev.quire.engine.schedule.Scheduler;
import dev.quire.engine.schedule.SchedulerLimits;
import dev.quire.engine.schedule.SchedulingPolicy;
import dev.quire.engine.schedule.Sequence;
import dev.quire.engine.schedule.SequenceGroup;
import dev.quire.engine.schedule.StepBatchBuilder;
import dev.quire.engine.schedule.StepPlan;
import dev.quire.paging.CacheGroup;
import dev.quire.paging.KvCacheConfig;
import dev.quire.paging.PagedAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The scheduler's part of a step at 256 running sequences: plan, batch, commit, and a token
 * appended to each. Requests have prompts of 100 to 700 tokens and end after 50 to 400 more, when
 * others take their place, so that steps mix prefill chunks with decode; every eighth prompt begins
 * like another. Executing and sampling are left out.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 3)
@Measurement(iterations = 5, time = 4)
@Fork(1)
public class SchedulerBenchmark {
  private static final int SEQUENCES = 256;
  private static final int BLOCK_SIZE = 16;

  /** How much of what 256 sequences need the pool has: below 1 steps preempt, too. */
  @Param({"1.2", "0.7"})
  public double poolShare = 1;

  /** Beams of a request; 1 for requests of one sequence. */
  @Param({"1", "4"})
  public int beams = 1;

  private final StepPlan plan = new StepPlan();
  private SplittableRandom random = new SplittableRandom(1);
  private int[] common = {};
  private PagedAllocator allocator = new PagedAllocator(KvCacheConfig.of(1, 1, false));
  private Scheduler scheduler = scheduler();
  private StepBatchBuilder builder = new StepBatchBuilder(allocator, 1);
  private long arrivals;

  private Scheduler scheduler() {
    return new Scheduler(
        allocator,
        new SchedulerLimits(SEQUENCES, 1024, 1024, SEQUENCES),
        SchedulingPolicy.firstComeFirstServed(),
        PreemptionPolicy.swap());
  }

  /** Runs until arrivals and ends are in balance. */
  @Setup(Level.Trial)
  public void fill() {
    random = new SplittableRandom(1);
    common = random.ints(200, 0, 50_000).toArray();
    int blocks = (int) (poolShare * SEQUENCES / beams * (400 + 225 * beams) / BLOCK_SIZE);
    allocator =
        new PagedAllocator(
            new KvCacheConfig(
                BLOCK_SIZE, new int[] {blocks}, List.of(new CacheGroup("full", 0)), true, 0.01),
            new int[] {blocks / 4});
    scheduler = scheduler();
    builder = new StepBatchBuilder(allocator, 1);
    for (int i = 0; i < 1000; i++) {
      var _ = step();
    }
  }

  private void submit() {
    int[] prompt = random.ints(100 + random.nextInt(601), 0, 50_000).toArray();
    if (arrivals % 8 == 0) {
      System.arraycopy(common, 0, prompt, 0, Math.min(common.length, prompt.length));
    }
    scheduler.add(
        new SequenceGroup(
            new SequenceGroup.Spec(
                arrivals++,
                0,
                0,
                prompt,
                1,
                beams > 1 ? beams : 0,
                prompt.length + 50 + random.nextInt(351),
                false,
                null,
                null)));
  }

  /** One step. */
  @Benchmark
  public StepBatch step() {
    while (scheduler.waitingGroups() < 4) {
      submit();
    }
    if (!scheduler.schedule(plan)) {
      throw new IllegalStateException("requests wait, but none is planned");
    }
    StepBatch batch = builder.build(plan);
    scheduler.commit(plan);
    for (int i = 0; i < plan.size(); i++) {
      Sequence s = plan.sequence(i);
      if (s.finished() || plan.rows(i) == 0) {
        continue;
      }
      SequenceGroup group = s.group();
      if (s.length() + 1 >= group.maxLength()) {
        for (Sequence member : List.copyOf(group.sequences())) {
          scheduler.finish(member);
        }
      } else if (beams == 1) {
        s.append(random.nextInt(50_000));
      } else if (s == group.sequences().getLast()) {
        branch(group);
      }
    }
    return batch;
  }

  /** As beams do: the best one goes on twice, the worst one ends. */
  private void branch(SequenceGroup group) {
    List<Sequence> parents = new ArrayList<>(group.sequences());
    if (parents.size() == beams) {
      parents.set(beams - 1, parents.getFirst());
    } else {
      while (parents.size() < beams) {
        parents.add(parents.getFirst());
      }
    }
    int token = random.nextInt(40_000);
    for (Sequence s : scheduler.branch(group, parents)) {
      s.append(token++);
    }
  }
}
