package dev.quire.paging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PagedAllocatorTest {
  private static int[] tokens(int count) {
    return IntStream.range(0, count).map(i -> 100 + i).toArray();
  }

  private static void compute(KvAllocator allocator, SequenceBlocks s, int[] tokens, int from) {
    assertThat(allocator.reserve(s, from, tokens.length - from)).isTrue();
    allocator.commit(s, tokens, tokens.length);
  }

  private static PagedAllocator windowed(int window, int fullBlocks, int windowBlocks) {
    var groups = List.of(new CacheGroup("full", 0), new CacheGroup("window", window));
    return new PagedAllocator(
        new KvCacheConfig(4, new int[] {fullBlocks, windowBlocks}, groups, true, 0));
  }

  @Test
  void takesBlocksAsTokensCome() {
    var allocator = new PagedAllocator(KvCacheConfig.of(4, 8, false));
    var s = allocator.newSequence(0);
    assertThat(allocator.reserve(s, 0, 5)).isTrue();
    assertThat(s.blockCount(0)).isEqualTo(2);
    allocator.commit(s, tokens(5), 5);
    for (int computed = 5; computed < 8; computed++) {
      assertThat(allocator.reserve(s, computed, 1)).isTrue();
      allocator.commit(s, tokens(computed + 1), computed + 1);
    }
    assertThat(allocator.freeBlocks(0)).isEqualTo(6);
    assertThat(s.slot(0, 6)).isEqualTo(s.block(0, 1) * 4 + 2);
    allocator.free(s);
    assertThat(allocator.freeBlocks(0)).isEqualTo(8);
    allocator.checkIntegrity();
  }

  @Test
  void refusesAllOrNothing() {
    var allocator = windowed(64, 8, 2);
    var s = allocator.newSequence(0);
    assertThat(allocator.reserve(s, 0, 12)).isFalse();
    assertThat(s.blockCount(0)).isZero();
    assertThat(allocator.freeBlocks(0)).isEqualTo(8);
    assertThat(allocator.reservable(s, 0, 100)).isEqualTo(8);
    assertThat(allocator.reserve(s, 0, 8)).isTrue();
  }

  @Test
  void findsCommittedPrefixAndLeavesOneTokenToCompute() {
    var allocator = new PagedAllocator(KvCacheConfig.of(4, 8, true));
    var first = allocator.newSequence(0);
    assertThat(allocator.reserve(first, 0, 8)).isTrue();
    var early = allocator.newSequence(0);
    assertThat(allocator.attachPrefix(early, tokens(9), 9)).isZero();
    allocator.commit(first, tokens(8), 8);
    var second = allocator.newSequence(0);
    assertThat(allocator.attachPrefix(second, tokens(8), 8)).isEqualTo(4);
    var third = allocator.newSequence(0);
    assertThat(allocator.attachPrefix(third, tokens(9), 9)).isEqualTo(8);
    assertThat(third.block(0, 1)).isEqualTo(first.block(0, 1));
    assertThat(allocator.usage().sharedBlocks()).isEqualTo(2);
    assertThat(allocator.usage().savedTokens()).isEqualTo(12);
    var salted = allocator.newSequence(7);
    assertThat(allocator.attachPrefix(salted, tokens(9), 9)).isZero();
    allocator.checkIntegrity();
  }

  @Test
  void sameTokensAfterAnotherPrefixAreAnotherBlock() {
    var allocator = new PagedAllocator(KvCacheConfig.of(2, 8, true));
    compute(allocator, allocator.newSequence(0), new int[] {1, 2, 5, 6}, 0);
    assertThat(allocator.attachPrefix(allocator.newSequence(0), new int[] {3, 4, 5, 6, 7}, 5))
        .isZero();
    assertThat(allocator.attachPrefix(allocator.newSequence(0), new int[] {5, 6, 7}, 3)).isZero();
    assertThat(allocator.attachPrefix(allocator.newSequence(0), new int[] {1, 2, 5, 6, 7}, 5))
        .isEqualTo(4);
  }

  @Test
  void freedBlocksStayFindableAndAreLostOldestAndTailFirst() {
    var allocator = new PagedAllocator(KvCacheConfig.of(1, 6, true));
    var old = allocator.newSequence(0);
    compute(allocator, old, new int[] {1, 2, 3}, 0);
    var young = allocator.newSequence(0);
    compute(allocator, young, new int[] {7, 8, 9}, 0);
    allocator.free(old);
    allocator.free(young);
    assertThat(allocator.usage().cachedBlocks()).isEqualTo(6);
    var other = allocator.newSequence(0);
    assertThat(allocator.reserve(other, 0, 2)).isTrue();
    var hit = allocator.newSequence(0);
    assertThat(allocator.attachPrefix(hit, new int[] {1, 2, 3, 4}, 4)).isEqualTo(1);
    var hit2 = allocator.newSequence(0);
    assertThat(allocator.attachPrefix(hit2, new int[] {7, 8, 9, 4}, 4)).isEqualTo(3);
    allocator.checkIntegrity();
  }

  @Test
  void equalBlocksComputedAtOnceBecomeOne() {
    var allocator = new PagedAllocator(KvCacheConfig.of(4, 8, true));
    var first = allocator.newSequence(0);
    var second = allocator.newSequence(0);
    assertThat(allocator.reserve(first, 0, 6)).isTrue();
    assertThat(allocator.reserve(second, 0, 6)).isTrue();
    allocator.commit(first, tokens(6), 6);
    allocator.commit(second, tokens(6), 6);
    assertThat(second.block(0, 0)).isEqualTo(first.block(0, 0));
    assertThat(second.block(0, 1)).isNotEqualTo(first.block(0, 1));
    assertThat(allocator.freeBlocks(0)).isEqualTo(5);
    allocator.checkIntegrity();
  }

  @Test
  void copiesOnlyTheSharedLastBlockAndOnlyForAllButOne() {
    var allocator = new PagedAllocator(KvCacheConfig.of(4, 16, true));
    var a = allocator.newSequence(0);
    compute(allocator, a, tokens(6), 0);
    var b = allocator.fork(a, 6);
    var c = allocator.fork(a, 6);
    int shared = a.block(0, 1);
    assertThat(allocator.reserve(a, 6, 1)).isTrue();
    assertThat(allocator.reserve(b, 6, 1)).isTrue();
    assertThat(allocator.reserve(c, 6, 1)).isTrue();
    var copies = allocator.copies();
    assertThat(copies.size()).isEqualTo(2);
    assertThat(List.of(copies.source(0), copies.source(1))).containsOnly(shared);
    assertThat(List.of(copies.destination(0), copies.destination(1)))
        .containsExactly(a.block(0, 1), b.block(0, 1));
    assertThat(c.block(0, 1)).isEqualTo(shared);
    assertThat(b.block(0, 0)).isEqualTo(a.block(0, 0));
    allocator.checkIntegrity();
  }

  @Test
  void copySourceIsNotReusedBeforeTheCopyIsDrained() {
    var allocator = new PagedAllocator(KvCacheConfig.of(4, 3, false));
    var a = allocator.newSequence(0);
    compute(allocator, a, tokens(2), 0);
    int source = a.block(0, 0);
    var b = allocator.fork(a, 2);
    assertThat(allocator.reserve(b, 2, 1)).isTrue();
    allocator.free(a);
    var c = allocator.newSequence(0);
    assertThat(allocator.reserve(c, 0, 8)).isFalse();
    assertThat(allocator.reserve(c, 0, 4)).isTrue();
    assertThat(c.block(0, 0)).isNotEqualTo(source);
    allocator.checkIntegrity();
    allocator.copies().clear();
    assertThat(allocator.freeBlocks(0)).isEqualTo(1);
    allocator.checkIntegrity();
  }

  @Test
  void copyForAFreedSequenceIsTakenBack() {
    var allocator = new PagedAllocator(KvCacheConfig.of(4, 8, false));
    var a = allocator.newSequence(0);
    compute(allocator, a, tokens(2), 0);
    var b = allocator.fork(a, 2);
    assertThat(allocator.reserve(b, 2, 1)).isTrue();
    allocator.free(b);
    assertThat(allocator.copies().size()).isZero();
    allocator.free(a);
    assertThat(allocator.freeBlocks(0)).isEqualTo(8);
    allocator.checkIntegrity();
  }

  @Test
  void copyOfACopyReadsTheOriginal() {
    var allocator = new PagedAllocator(KvCacheConfig.of(4, 8, false));
    var a = allocator.newSequence(0);
    compute(allocator, a, tokens(2), 0);
    int original = a.block(0, 0);
    var b = allocator.fork(a, 2);
    assertThat(allocator.reserve(b, 2, 1)).isTrue();
    var c = allocator.fork(b, 2);
    assertThat(allocator.reserve(c, 2, 1)).isTrue();
    var copies = allocator.copies();
    assertThat(copies.source(1)).isEqualTo(original);
    allocator.checkIntegrity();
  }

  @Test
  void windowGivesBackWhatNoQueryCanSee() {
    var allocator = windowed(6, 16, 16);
    var s = allocator.newSequence(0);
    compute(allocator, s, tokens(13), 0);
    // The next query is at position 13 and sees 8 to 13: entries 0 and 1 are gone.
    assertThat(s.block(1, 0)).isEqualTo(-1);
    assertThat(s.block(1, 1)).isEqualTo(-1);
    assertThat(s.block(1, 2)).isNotNegative();
    assertThat(s.block(0, 0)).isNotNegative();
    assertThat(allocator.freeBlocks(1)).isEqualTo(14);
    allocator.checkIntegrity();
  }

  @Test
  void windowedHitNeedsOnlyTheLastWindow() {
    var allocator = windowed(6, 16, 5);
    var s = allocator.newSequence(0);
    compute(allocator, s, tokens(20), 0);
    // Two of the three blocks that left the window are reused, the oldest first.
    var other = allocator.newSequence(1);
    assertThat(allocator.reserve(other, 0, 8)).isTrue();
    var hit = allocator.newSequence(0);
    assertThat(allocator.attachPrefix(hit, tokens(21), 21)).isEqualTo(20);
    assertThat(hit.block(1, 2)).isEqualTo(-1);
    assertThat(hit.block(1, 3)).isEqualTo(s.block(1, 3));
    var shorter = allocator.newSequence(0);
    assertThat(allocator.attachPrefix(shorter, tokens(12), 12)).isZero();
    allocator.checkIntegrity();
  }

  @Test
  void longPromptPassesAWindowedPoolInChunks() {
    var allocator = windowed(6, 64, 4);
    var s = allocator.newSequence(0);
    assertThat(allocator.canAdmit(200)).isTrue();
    int computed = 0;
    while (computed < 200) {
      int chunk = allocator.reservable(s, computed, 200 - computed);
      assertThat(chunk).isPositive();
      assertThat(allocator.reserve(s, computed, chunk)).isTrue();
      computed += chunk;
      allocator.commit(s, tokens(computed), computed);
    }
    allocator.checkIntegrity();
  }

  @Test
  void admissionLeavesTheWatermarkUnlessAlone() {
    var groups = List.of(new CacheGroup("full", 0));
    var allocator = new PagedAllocator(new KvCacheConfig(1, new int[] {10}, groups, false, 0.2));
    assertThat(allocator.canAdmit(10)).isTrue();
    assertThat(allocator.canAdmit(11)).isFalse();
    assertThat(allocator.canEverFit(10)).isTrue();
    assertThat(allocator.canEverFit(11)).isFalse();
    var s = allocator.newSequence(0);
    assertThat(allocator.reserve(s, 0, 3)).isTrue();
    assertThat(allocator.canAdmit(5)).isTrue();
    assertThat(allocator.canAdmit(6)).isFalse();
    assertThat(allocator.canAdmit(s, 10)).isTrue();
  }

  @Test
  void computingAgainFromAnEarlierPositionNeverTouchesFindableBlocks() {
    var allocator = new PagedAllocator(KvCacheConfig.of(2, 8, true));
    var s = allocator.newSequence(0);
    compute(allocator, s, new int[] {1, 2, 3, 4}, 0);
    int findable = s.block(0, 1);
    compute(allocator, s, new int[] {1, 2, 3, 9, 9}, 3);
    assertThat(s.block(0, 1)).isNotEqualTo(findable);
    var hit = allocator.newSequence(0);
    assertThat(allocator.attachPrefix(hit, new int[] {1, 2, 3, 4, 5}, 5)).isEqualTo(4);
    assertThat(hit.block(0, 1)).isEqualTo(findable);
    allocator.checkIntegrity();
  }

  @Test
  void misuseIsToldApartFromShortage() {
    var allocator = new PagedAllocator(KvCacheConfig.of(2, 8, true));
    var s = allocator.newSequence(0);
    allocator.free(s);
    assertThatThrownBy(() -> allocator.free(s)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> KvCacheConfig.of(0, 8, true))
        .isInstanceOf(PagingException.class)
        .hasMessageContaining("block size 0");
  }
}
