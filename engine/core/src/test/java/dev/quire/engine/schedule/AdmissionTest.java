package dev.quire.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.paging.KvCacheConfig;
import dev.quire.paging.PagedAllocator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A burst of requests that all fit the pool runs at once, however it arrives. */
class AdmissionTest {
  private static final int BLOCK = 4;
  private static final int PROMPT = 30;
  private static final int REQUESTS = 12;
  private static final int BLOCKS_EACH = (PROMPT + 1 + BLOCK - 1) / BLOCK;

  private final PagedAllocator allocator =
      new PagedAllocator(KvCacheConfig.of(BLOCK, REQUESTS * BLOCKS_EACH + 4, false));
  private final Scheduler scheduler =
      new Scheduler(
          allocator,
          new SchedulerLimits(REQUESTS, REQUESTS * PROMPT, 16, 5),
          SchedulingPolicy.firstComeFirstServed(),
          PreemptionPolicy.recompute());
  private final StepPlan plan = new StepPlan();

  private SequenceGroup group(int number) {
    return new SequenceGroup(
        new SequenceGroup.Spec(number, 0, 0, new int[PROMPT], 1, 0, PROMPT + 1, false, null, null));
  }

  private void step() {
    assertThat(scheduler.schedule(plan)).isTrue();
    allocator.copies().clear();
    scheduler.commit(plan);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7})
  void aBurstThatFitsRunsAtOnce(int before) {
    for (int i = 0; i < before; i++) {
      scheduler.add(group(i));
    }
    if (before > 0) {
      step();
      for (int i = 0; i < plan.size(); i++) {
        plan.sequence(i).append(1);
      }
    }
    for (int i = before; i < REQUESTS; i++) {
      scheduler.add(group(i));
    }
    step();
    assertThat(scheduler.waitingGroups()).isZero();
    assertThat(scheduler.runningSequences()).isEqualTo(REQUESTS);
  }
}
