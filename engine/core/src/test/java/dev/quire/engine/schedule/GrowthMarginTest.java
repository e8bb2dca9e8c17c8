package dev.quire.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.paging.KvCacheConfig;
import dev.quire.paging.PagedAllocator;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Requests whose lengths nobody knows, more than the pool holds: few of those admitted are sent
 * back, and the pool is nearly full all the same.
 */
class GrowthMarginTest {
  private static final int BLOCK_SIZE = 16;
  private static final int REQUESTS = 600;
  private static final int PROMPT = 40;
  private static final int MEAN_OUTPUT = 80;

  // 188, 105 and 22; without the margin 454, 371 and 83.
  @ParameterizedTest
  @CsvSource({"120, 230, 0.93", "250, 140, 0.94", "1000, 35, 0.91"})
  void fewAreSentBackAndThePoolIsFull(int blocks, int mostPreemptions, double leastFull) {
    var allocator = new PagedAllocator(KvCacheConfig.of(BLOCK_SIZE, blocks, false));
    var scheduler =
        new Scheduler(
            allocator,
            new SchedulerLimits(256, 512, 512, 256),
            SchedulingPolicy.firstComeFirstServed(),
            PreemptionPolicy.recompute());
    var random = new SplittableRandom(7);
    for (int i = 0; i < REQUESTS; i++) {
      int output = (int) Math.ceil(-MEAN_OUTPUT * Math.log(1 - random.nextDouble()));
      int most = Math.min(PROMPT + output, blocks * BLOCK_SIZE / 4);
      scheduler.add(
          new SequenceGroup(
              new SequenceGroup.Spec(i, 0, 0, new int[PROMPT], 1, 0, most, false, null, null)));
    }
    var plan = new StepPlan();
    long steps = 0;
    long used = 0;
    while (scheduler.hasWork()) {
      assertThat(scheduler.schedule(plan)).isTrue();
      allocator.copies().clear();
      if (scheduler.waitingGroups() > 0) {
        steps++;
        used += blocks - allocator.freeBlocks(0);
      }
      scheduler.commit(plan);
      for (int i = 0; i < plan.size(); i++) {
        Sequence s = plan.sequence(i);
        if (plan.rows(i) > 0) {
          s.append(0);
          if (s.length() >= s.group().maxLength()) {
            scheduler.finish(s);
          }
        }
      }
    }
    assertThat(scheduler.preemptions()).isLessThan(mostPreemptions);
    assertThat((double) used / steps / blocks).isGreaterThan(leastFull);
  }
}
