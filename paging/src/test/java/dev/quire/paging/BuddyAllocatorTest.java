package dev.quire.paging;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class BuddyAllocatorTest {
  private record Run(int base, int order) {}

  @Test
  void ordersHoldTheirBlocks() {
    assertThat(BuddyAllocator.orderOf(1)).isZero();
    assertThat(BuddyAllocator.orderOf(2)).isEqualTo(1);
    assertThat(BuddyAllocator.orderOf(3)).isEqualTo(2);
    assertThat(BuddyAllocator.orderOf(1024)).isEqualTo(10);
    assertThat(BuddyAllocator.orderOf(1025)).isEqualTo(11);
  }

  @Property(tries = 500)
  void runsNeverOverlapAndMergeAgain(
      @ForAll @IntRange(min = 1, max = 200) int size,
      @ForAll @Size(max = 80) List<@IntRange(min = 0, max = 99) Integer> choices) {
    var buddies = new BuddyAllocator(size);
    int largest = buddies.largestFreeOrder();
    var runs = new ArrayList<Run>();
    var owner = new int[size];
    for (int choice : choices) {
      if (choice < 60) {
        int order = choice % 5;
        boolean has = buddies.has(order);
        int base = buddies.allocate(order);
        assertThat(base >= 0).isEqualTo(has);
        if (has) {
          for (int block = base; block < base + (1 << order); block++) {
            assertThat(owner[block]++).isZero();
          }
          runs.add(new Run(base, order));
        }
      } else if (!runs.isEmpty()) {
        var run = runs.remove(choice % runs.size());
        buddies.free(run.base);
        Arrays.fill(owner, run.base, run.base + (1 << run.order), 0);
      }
      buddies.check();
      assertThat(buddies.freeBlocks()).isEqualTo(size - Arrays.stream(owner).sum());
    }
    runs.forEach(run -> buddies.free(run.base));
    buddies.check();
    assertThat(buddies.largestFreeOrder()).isEqualTo(largest);
    assertThat(buddies.freeBlocks()).isEqualTo(size);
  }
}
