package dev.quire.paging;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A scheduler and an executor in one, over a simulated memory: what a step writes for a token is a
 * number that stands for the whole prefix up to it, so that a block found, copied or moved wrongly
 * reads back as the wrong number.
 */
final class CacheModel {
  private static final long POISON = 0x0BADBADBADBADL;
  private static final int MAX_TOKENS = 60;

  /** A sequence as the model sees it. */
  static final class Sequence {
    final SequenceBlocks blocks;
    final long salt;
    final int family;
    int[] tokens;
    int computed;

    Sequence(SequenceBlocks blocks, long salt, int family, int[] tokens) {
      this.blocks = blocks;
      this.salt = salt;
      this.family = family;
      this.tokens = tokens;
    }

    long contents(int position) {
      long hash = salt;
      for (int i = 0; i <= position; i++) {
        hash = (hash ^ tokens[i]) * 0x9E3779B97F4A7C15L;
        hash ^= hash >>> 31;
      }
      return hash;
    }
  }

  private record Write(Sequence sequence, int from, int count) {}

  private final KvCacheConfig config;
  private final PagedAllocator allocator;
  private final int groups;
  private final long[][] device;
  private final long[][] host;
  private final List<Sequence> sequences = new ArrayList<>();
  private final List<Write> step = new ArrayList<>();
  // Parents forked between their reservation and their write; their last block may be shared.
  private final Set<Sequence> forkedInStep = new HashSet<>();
  private int families;

  CacheModel(KvCacheConfig config, int[] hostBlocks) {
    this.config = config;
    allocator = new PagedAllocator(config, hostBlocks);
    groups = config.groups().size();
    device = new long[groups][];
    host = new long[groups][];
    for (int group = 0; group < groups; group++) {
      device[group] = new long[config.blocksPerGroup()[group] * config.blockSize()];
      host[group] = new long[hostBlocks[group] * config.blockSize()];
    }
  }

  private @Nullable Sequence pick(int choice, boolean swapped) {
    var candidates = sequences.stream().filter(s -> s.blocks.swapped() == swapped).toList();
    return candidates.isEmpty() ? null : candidates.get(choice % candidates.size());
  }

  private boolean inStep(Sequence s) {
    return step.stream().anyMatch(write -> write.sequence == s);
  }

  void start(int length, int letters) {
    int[] tokens = new int[1 + length % 24];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = (letters >>> (i % 5)) & 1;
    }
    long salt = letters % 7 == 0 ? 1 : 0;
    var s = new Sequence(allocator.newSequence(salt), salt, families++, tokens);
    s.computed = allocator.attachPrefix(s.blocks, tokens, tokens.length);
    assertThat(s.computed).isBetween(0, tokens.length - 1);
    assertThat(s.computed % config.blockSize()).isZero();
    assertThat(config.prefixCaching() || s.computed == 0).isTrue();
    sequences.add(s);
    checkContents(s);
  }

  void reserve(int choice, int count, int letters) {
    var s = pick(choice, false);
    if (s == null || inStep(s)) {
      return;
    }
    int end = Math.min(MAX_TOKENS, s.computed + 1 + count % 11);
    int wanted = end - s.computed;
    if (wanted <= 0) {
      return;
    }
    if (s.tokens.length < end) {
      int known = s.tokens.length;
      s.tokens = Arrays.copyOf(s.tokens, end);
      for (int i = known; i < end; i++) {
        s.tokens[i] = (letters >>> (i % 4)) & 1;
      }
    }
    int reservable = allocator.reservable(s.blocks, s.computed, wanted);
    String before = snapshot();
    boolean reserved = allocator.reserve(s.blocks, s.computed, wanted);
    assertThat(reserved).isEqualTo(reservable == wanted);
    if (reserved) {
      step.add(new Write(s, s.computed, wanted));
    } else {
      assertThat(snapshot()).isEqualTo(before);
    }
  }

  void reserveOneEach(int letters) {
    for (int i = 0; i < sequences.size(); i++) {
      reserve(i, 0, letters + i);
    }
  }

  void fork(int choice, int back) {
    var parent = pick(choice, false);
    if (parent == null || sequences.size() > 12) {
      return;
    }
    boolean windowed = config.groups().stream().anyMatch(CacheGroup::windowed);
    int computed = windowed ? parent.computed : Math.max(0, parent.computed - back % 6);
    var child =
        new Sequence(
            allocator.fork(parent.blocks, computed), parent.salt, parent.family, parent.tokens);
    child.tokens = parent.tokens.clone();
    child.computed = computed;
    sequences.add(child);
    if (inStep(parent)) {
      forkedInStep.add(parent);
    }
  }

  void free(int choice) {
    if (!sequences.isEmpty()) {
      var s = sequences.remove(choice % sequences.size());
      step.removeIf(write -> write.sequence == s);
      allocator.free(s.blocks);
    }
  }

  /** Takes back tokens, as after a wrong speculation. */
  void rollBack(int choice, int back) {
    var s = pick(choice, false);
    boolean windowed = config.groups().stream().anyMatch(CacheGroup::windowed);
    if (s != null && !inStep(s) && !windowed) {
      s.computed = Math.max(0, s.computed - back % 9);
      s.tokens = s.tokens.clone();
      for (int i = s.computed; i < s.tokens.length; i++) {
        s.tokens[i] ^= 1;
      }
    }
  }

  void swapOut(int choice) {
    var one = pick(choice, false);
    if (one != null) {
      var family = family(one, false);
      String before = snapshot();
      if (allocator.swapOut(family.stream().map(s -> s.blocks).toList())) {
        step.removeIf(write -> family.contains(write.sequence));
      } else {
        assertThat(snapshot()).isEqualTo(before);
      }
    }
  }

  void swapIn(int choice) {
    var one = pick(choice, true);
    if (one != null) {
      String before = snapshot();
      if (!allocator.swapIn(family(one, true).stream().map(s -> s.blocks).toList())) {
        assertThat(snapshot()).isEqualTo(before);
      }
    }
  }

  private List<Sequence> family(Sequence one, boolean swapped) {
    return sequences.stream()
        .filter(s -> s.family == one.family && s.blocks.swapped() == swapped)
        .toList();
  }

  /** Drains the moves, runs the step, commits it. */
  void step() {
    int[] hostBlocks = new int[groups];
    Arrays.setAll(hostBlocks, group -> host[group].length / config.blockSize());
    move(allocator.swapOuts(), device, host);
    move(allocator.swapIns(), host, device);
    assertNoChains(allocator.copies());
    move(allocator.copies(), device, device);
    allocator.swapOuts().clear();
    allocator.swapIns().clear();
    allocator.copies().clear();
    for (var write : step) {
      for (int group = 0; group < groups; group++) {
        write(write, group);
      }
    }
    for (var write : step) {
      var s = write.sequence;
      s.computed = write.from + write.count;
      allocator.commit(s.blocks, s.tokens, s.computed);
      checkWindow(s);
    }
    allocator.checkIntegrity();
    sequences.forEach(this::checkContents);
    for (var write : step) {
      checkFindable(write.sequence);
    }
    step.clear();
    forkedInStep.clear();
    poisonWhatNobodyMayRead();
  }

  private void write(Write write, int group) {
    var s = write.sequence;
    var pool = allocator.pool(group);
    for (int position = write.from; position < write.from + write.count; position++) {
      int slot = s.blocks.slot(group, position);
      int block = slot / config.blockSize();
      assertThat(pool.node(block)).as("a findable block is written").isEqualTo(BlockPool.NONE);
      if (!forkedInStep.contains(s)) {
        assertThat(pool.references(block)).as("references to a written block").isEqualTo(1);
      }
      device[group][slot] = s.contents(position);
    }
  }

  private void move(BlockCopies moves, long[][] from, long[][] to) {
    var written = new HashSet<List<Integer>>();
    // Backwards, as the order must not matter.
    for (int i = moves.size() - 1; i >= 0; i--) {
      int group = moves.group(i);
      assertThat(written.add(List.of(group, moves.destination(i)))).as("written once").isTrue();
      int size = config.blockSize();
      System.arraycopy(
          from[group], moves.source(i) * size, to[group], moves.destination(i) * size, size);
    }
  }

  private static void assertNoChains(BlockCopies copies) {
    var sources = new HashSet<List<Integer>>();
    for (int i = 0; i < copies.size(); i++) {
      sources.add(List.of(copies.group(i), copies.source(i)));
    }
    for (int i = 0; i < copies.size(); i++) {
      assertThat(sources).doesNotContain(List.of(copies.group(i), copies.destination(i)));
    }
  }

  private void checkContents(Sequence s) {
    for (int group = 0; group < groups; group++) {
      long[] memory = s.blocks.swapped() ? host[group] : device[group];
      for (int p = config.groups().get(group).firstVisible(s.computed); p < s.computed; p++) {
        assertThat(memory[s.blocks.slot(group, p)])
            .as("token %d of %d in group %d", p, s.computed, group)
            .isEqualTo(s.contents(p));
      }
    }
  }

  /** A windowed group keeps no block that nobody can see. */
  private void checkWindow(Sequence s) {
    for (int group = 0; group < groups; group++) {
      int firstVisible = config.groups().get(group).firstVisible(s.computed);
      for (int i = 0; i < s.blocks.blockCount(group); i++) {
        boolean visible = (i + 1) * config.blockSize() > firstVisible;
        assertThat(s.blocks.block(group, i) >= 0).as("entry %d", i).isEqualTo(visible);
      }
    }
  }

  /** What was just committed is found by a sequence with the same tokens. */
  private void checkFindable(Sequence s) {
    int[] tokens = Arrays.copyOf(s.tokens, s.computed + 1);
    var probe = new Sequence(allocator.newSequence(s.salt), s.salt, -1, tokens);
    probe.computed = allocator.attachPrefix(probe.blocks, tokens, tokens.length);
    boolean windowed = config.groups().stream().anyMatch(CacheGroup::windowed);
    if (config.prefixCaching() && !windowed) {
      assertThat(probe.computed).isEqualTo(s.computed / config.blockSize() * config.blockSize());
    }
    checkContents(probe);
    allocator.free(probe.blocks);
  }

  private void poisonWhatNobodyMayRead() {
    for (int group = 0; group < groups; group++) {
      var pool = allocator.pool(group);
      for (int block = 0; block < pool.size(); block++) {
        if (pool.isFree(block) && pool.node(block) == BlockPool.NONE) {
          int start = block * config.blockSize();
          Arrays.fill(device[group], start, start + config.blockSize(), POISON);
        }
      }
    }
  }

  /** Counts the references in all tables itself and compares. */
  void checkReferences() {
    for (int group = 0; group < groups; group++) {
      var pool = allocator.pool(group);
      int[] counted = new int[pool.size()];
      for (var s : sequences) {
        for (int i = 0; !s.blocks.swapped() && i < s.blocks.blockCount(group); i++) {
          if (s.blocks.block(group, i) >= 0) {
            counted[s.blocks.block(group, i)]++;
          }
        }
      }
      int used = 0;
      for (int block = 0; block < pool.size(); block++) {
        assertThat(pool.references(block)).isEqualTo(counted[block]);
        assertThat(counted[block] > 0 && pool.isFree(block)).isFalse();
        used += counted[block] > 0 ? 1 : 0;
      }
      assertThat(used + allocator.freeBlocks(group)).isLessThanOrEqualTo(pool.size());
    }
    allocator.checkIntegrity();
    checkUsage(allocator.usage());
  }

  private void checkUsage(KvUsage usage) {
    assertThat(usage.tokenSlots() + usage.wastedSlots() + usage.freeSlots())
        .isEqualTo(usage.totalSlots());
    assertThat(usage.internalSlots()).isNotNegative();
  }

  /** Frees everything and expects every block back. */
  void finish() {
    step();
    while (!sequences.isEmpty()) {
      free(sequences.size() - 1);
    }
    step();
    allocator.checkIntegrity();
    for (int group = 0; group < groups; group++) {
      assertThat(allocator.freeBlocks(group)).isEqualTo(config.blocksPerGroup()[group]);
    }
    assertThat(allocator.usage().swappedBlocks()).isZero();
  }

  private String snapshot() {
    var text = new StringBuilder();
    for (int group = 0; group < groups; group++) {
      text.append(allocator.freeBlocks(group)).append('|');
      for (var s : sequences) {
        int[] table = new int[s.blocks.blockCount(group)];
        s.blocks.copyTable(group, table, 0);
        text.append(s.blocks.swapped()).append(Arrays.toString(table));
      }
    }
    return text.append(allocator.copies().size())
        .append(allocator.swapOuts().size())
        .append(allocator.swapIns().size())
        .append(allocator.usage())
        .toString();
  }
}
