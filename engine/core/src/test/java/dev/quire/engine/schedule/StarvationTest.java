package dev.quire.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.paging.KvCacheConfig;
import dev.quire.paging.PagedAllocator;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Under a flow of requests that a policy prefers and that never dries up, the others run all the
 * same, after as many admissions as the bound says.
 */
class StarvationTest {
  private static final int MAX_OVERTAKES = 5;
  private static final int UNLUCKY = 3;

  private final PagedAllocator allocator = new PagedAllocator(KvCacheConfig.of(4, 40, false));
  private final StepPlan plan = new StepPlan();
  private long arrivals;

  private SequenceGroup group(int priority, int prompt, int maxLength) {
    return new SequenceGroup(
        new SequenceGroup.Spec(
            arrivals++, priority, 0, new int[prompt], 1, 0, maxLength, false, null, null));
  }

  @ParameterizedTest
  @CsvSource({"PRIORITY, 2", "PRIORITY, 8", "SHORTEST, 2", "SHORTEST, 8"})
  void theUnluckyRunAfterABoundedNumberOfOthers(String order, int maxSeqs) {
    Scheduler scheduler =
        new Scheduler(
            allocator,
            new SchedulerLimits(maxSeqs, 16, 16, MAX_OVERTAKES),
            order.equals("PRIORITY")
                ? SchedulingPolicy.priority()
                : SchedulingPolicy.shortestRemaining(),
            PreemptionPolicy.recompute());
    // Urgent, short requests, enough of them to fill every step, and more with each.
    List<SequenceGroup> flow = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      flow.add(group(0, 4, 8));
    }
    List<SequenceGroup> unlucky = new ArrayList<>();
    for (int i = 0; i < UNLUCKY; i++) {
      unlucky.add(group(9, 30, 90));
    }
    flow.forEach(scheduler::add);
    unlucky.forEach(scheduler::add);
    int admitted = 0;
    int older = flow.size();
    int steps = 0;
    while (unlucky.stream().anyMatch(g -> g.state != SequenceGroup.State.DONE)) {
      assertThat(++steps).isLessThan(5000);
      for (int i = 0; i < 4; i++) {
        SequenceGroup more = group(0, 4, 8);
        flow.add(more);
        scheduler.add(more);
      }
      assertThat(scheduler.schedule(plan)).isTrue();
      allocator.copies().clear();
      scheduler.commit(plan);
      for (int i = 0; i < plan.size(); i++) {
        Sequence s = plan.sequence(i);
        if (plan.rows(i) > 0 && s.computed() == s.length()) {
          s.append(1);
          if (s.length() >= s.group().maxLength()) {
            scheduler.finish(s);
          }
        }
      }
      admitted = (int) flow.stream().filter(g -> g.everAdmitted).count();
      for (int i = 0; i < UNLUCKY; i++) {
        if (unlucky.get(i).everAdmitted) {
          continue;
        }
        // Those before it each wait their turn too; preempted ones return to the queue.
        int returned = (int) scheduler.preemptions();
        int bound = (older + i + 1) * (MAX_OVERTAKES + 1) + returned;
        assertThat(admitted).as("admitted before unlucky %d", i).isLessThanOrEqualTo(bound);
      }
    }
    // Without the bound the flow, which never ended, would have kept them waiting.
    assertThat(flow.stream().filter(g -> g.state == SequenceGroup.State.WAITING)).isNotEmpty();
    assertThat(scheduler.waitingGroups()).isPositive();
  }
}
