package dev.quire.paging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class ReservingAllocatorTest {
  private static ReservingAllocator allocator(ReservationPolicy policy, int slots) {
    return new ReservingAllocator(KvCacheConfig.of(1, slots, false), policy, 2048);
  }

  private static SequenceBlocks start(KvAllocator allocator, int prompt, int output) {
    var s = allocator.newSequence(0, new LengthHint(prompt, output));
    assertThat(allocator.reserve(s, 0, prompt)).isTrue();
    allocator.commit(s, new int[prompt], prompt);
    return s;
  }

  private static List<Long> parts(KvUsage usage) {
    return List.of(
        usage.tokenSlots(),
        usage.reservedSlots(),
        usage.internalSlots(),
        usage.externalSlots(),
        usage.freeSlots());
  }

  @Test
  void maximumWastesInside() {
    var allocator = allocator(ReservationPolicy.MAX, 4096);
    var s = start(allocator, 100, 200);
    assertThat(parts(allocator.usage())).containsExactly(100L, 200L, 1748L, 0L, 2048L);
    assertThat(allocator.reserve(s, 100, 1)).isTrue();
    allocator.commit(s, new int[101], 101);
    assertThat(parts(allocator.usage())).containsExactly(101L, 199L, 1748L, 0L, 2048L);
    allocator.checkIntegrity();
  }

  @Test
  void powerOfTwoRoundsTheOutput() {
    var allocator = allocator(ReservationPolicy.POWER_OF_TWO, 4096);
    start(allocator, 100, 200);
    // 100 + 256 tokens in a run of 512.
    assertThat(parts(allocator.usage())).containsExactly(100L, 200L, 56L, 156L, 3584L);
  }

  @Test
  void oracleWastesOnlyWhatTheBuddiesAdd() {
    var allocator = allocator(ReservationPolicy.ORACLE, 4096);
    start(allocator, 100, 200);
    assertThat(parts(allocator.usage())).containsExactly(100L, 200L, 0L, 212L, 3584L);
  }

  @Test
  void freeMemoryIsExternalWhileOneWaits() {
    // Table 1 of the paper: 15.7K slots for OPT-13B hold seven sequences of 2048 and a rest.
    var allocator = allocator(ReservationPolicy.MAX, 15_700);
    var running = new ArrayList<SequenceBlocks>();
    for (int i = 0; i < 7; i++) {
      running.add(start(allocator, 100, 100));
    }
    assertThat(allocator.usage().externalSlots()).isZero();
    var waiting = allocator.newSequence(0, new LengthHint(5, 5));
    assertThat(allocator.reserve(waiting, 0, 5)).isFalse();
    assertThat(allocator.usage().externalSlots()).isEqualTo(15_700 - 7 * 2048);
    assertThat(allocator.usage().freeSlots()).isZero();
    allocator.free(running.getFirst());
    assertThat(allocator.reserve(waiting, 0, 5)).isTrue();
    assertThat(allocator.usage().externalSlots()).isZero();
    allocator.checkIntegrity();
  }

  @Test
  void forkCopiesIntoARunOfItsOwnThoughTheParentGoes() {
    var allocator = allocator(ReservationPolicy.ORACLE, 64);
    var parent = start(allocator, 3, 5);
    var child = allocator.fork(parent, 3);
    int parentBase = parent.block(0, 0);
    allocator.free(parent);
    assertThat(allocator.freeBlocks(0)).isEqualTo(56);
    assertThat(allocator.reserve(child, 3, 1)).isTrue();
    var copies = allocator.copies();
    assertThat(copies.size()).isEqualTo(3);
    assertThat(copies.source(2)).isEqualTo(parentBase + 2);
    assertThat(copies.destination(2)).isEqualTo(child.block(0, 2));
    assertThat(allocator.freeBlocks(0)).isEqualTo(48);
    copies.clear();
    assertThat(allocator.freeBlocks(0)).isEqualTo(56);
    allocator.checkIntegrity();
  }

  @Test
  void outgrowingTheReservationIsAnError() {
    var allocator = allocator(ReservationPolicy.ORACLE, 64);
    var s = start(allocator, 3, 5);
    assertThatThrownBy(() -> allocator.reserve(s, 8, 1))
        .isInstanceOf(PagingException.class)
        .hasMessageContaining("needs 9 tokens");
    assertThatThrownBy(() -> allocator.newSequence(0)).isInstanceOf(PagingException.class);
  }

  @Property(tries = 300)
  void contentsSurviveForksAndFrees(
      @ForAll ReservationPolicy policy,
      @ForAll @IntRange(min = 1, max = 4) int blockSize,
      @ForAll @Size(max = 60) List<@IntRange(min = 0, max = 999) Integer> choices) {
    var allocator = new ReservingAllocator(KvCacheConfig.of(blockSize, 77, false), policy, 32);
    var sequences = new ArrayList<SequenceBlocks>();
    var histories = new ArrayList<int[]>();
    int[] memory = new int[77 * blockSize];
    for (int choice : choices) {
      int pick = sequences.isEmpty() ? 0 : choice % sequences.size();
      if (sequences.isEmpty() || choice < 200) {
        var s = allocator.newSequence(0, new LengthHint(1 + choice % 9, 1 + choice % 13));
        sequences.add(s);
        histories.add(new int[0]);
      } else if (choice < 700) {
        var s = sequences.get(pick);
        int[] history = histories.get(pick);
        int more = allocator.reservable(s, history.length, 1 + choice % 3);
        if (more > 0) {
          assertThat(allocator.reserve(s, history.length, more)).isTrue();
          runCopies(allocator, memory, blockSize);
          int[] longer = Arrays.copyOf(history, history.length + more);
          for (int p = history.length; p < longer.length; p++) {
            longer[p] = choice * 64 + p;
            memory[s.slot(0, p)] = longer[p];
          }
          histories.set(pick, longer);
          allocator.commit(s, longer, longer.length);
        }
      } else if (choice < 850) {
        sequences.add(allocator.fork(sequences.get(pick), histories.get(pick).length));
        histories.add(histories.get(pick));
      } else {
        allocator.free(sequences.remove(pick));
        histories.remove(pick);
      }
      allocator.checkIntegrity();
      var usage = allocator.usage();
      assertThat(usage.tokenSlots() + usage.wastedSlots() + usage.freeSlots())
          .isEqualTo(usage.totalSlots());
      for (int i = 0; i < sequences.size(); i++) {
        var s = sequences.get(i);
        for (int p = 0; s.blockCount(0) > 0 && p < histories.get(i).length; p++) {
          assertThat(memory[s.slot(0, p)]).isEqualTo(histories.get(i)[p]);
        }
      }
    }
    sequences.forEach(allocator::free);
    assertThat(allocator.freeBlocks(0)).isEqualTo(77);
    allocator.checkIntegrity();
  }

  private static void runCopies(KvAllocator allocator, int[] memory, int blockSize) {
    var copies = allocator.copies();
    for (int i = 0; i < copies.size(); i++) {
      System.arraycopy(
          memory,
          copies.source(i) * blockSize,
          memory,
          copies.destination(i) * blockSize,
          blockSize);
    }
    copies.clear();
  }
}
