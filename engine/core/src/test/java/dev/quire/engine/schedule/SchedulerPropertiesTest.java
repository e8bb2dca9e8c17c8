package dev.quire.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.paging.CacheGroup;
import dev.quire.paging.KvCacheConfig;
import dev.quire.paging.PagedAllocator;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/**
 * Random arrivals, cancels, pools and limits, with every kind of group: what must hold at every
 * step, whatever the order of events.
 */
class SchedulerPropertiesTest {
  enum Order {
    FCFS,
    PRIORITY,
    SHORTEST
  }

  enum Return {
    RECOMPUTE,
    SWAP,
    EITHER
  }

  /** Cache groups by their windows; 0 for full attention. */
  enum Windows {
    FULL(0),
    ONE(7),
    MIXED(0, 6),
    TWO(9, 3);

    @SuppressWarnings("ImmutableEnumChecker") // nobody writes into it
    final int[] sizes;

    Windows(int... sizes) {
      this.sizes = sizes;
    }

    List<CacheGroup> groups() {
      return IntStream.of(sizes).mapToObj(w -> new CacheGroup("window " + w, w)).toList();
    }
  }

  record Setup(
      long seed,
      int blocks,
      int hostBlocks,
      int blockSize,
      int maxSeqs,
      int budget,
      boolean prefixCaching,
      Order order,
      Return preemption,
      Windows windows) {}

  @Provide
  Arbitrary<Setup> setups() {
    return Combinators.combine(
            Arbitraries.longs(),
            Arbitraries.integers().between(14, 60),
            Arbitraries.integers().between(0, 40),
            Arbitraries.integers().between(1, 5),
            Arbitraries.integers().between(4, 24),
            Arbitraries.integers().between(4, 40),
            Arbitraries.of(true, false),
            Combinators.combine(
                    Arbitraries.of(Order.class),
                    Arbitraries.of(Return.class),
                    Arbitraries.of(Windows.class))
                .as(Kinds::new))
        .as(
            (seed, blocks, host, size, seqs, budget, caching, kinds) ->
                new Setup(
                    seed,
                    blocks,
                    host,
                    size,
                    seqs,
                    budget,
                    caching,
                    kinds.order,
                    kinds.preemption,
                    kinds.windows));
  }

  private record Kinds(Order order, Return preemption, Windows windows) {}

  @Property(tries = 400)
  void everyStepKeepsItsPromises(@ForAll("setups") Setup setup) {
    new Run(setup).go();
  }

  /** A group of high priority is admitted by swapping in, and takes blocks of a planned one. */
  @Example
  void aPlannedGroupThatLosesItsBlocksLeavesThePlan() {
    new Run(new Setup(-6241, 20, 13, 4, 10, 24, true, Order.PRIORITY, Return.SWAP, Windows.FULL))
        .go();
  }

  /** One life of a scheduler. */
  private static final class Run {
    private final Setup setup;
    private final Random random;
    private final PagedAllocator allocator;
    private final Scheduler scheduler;
    private final StepPlan plan = new StepPlan();
    private final List<SequenceGroup> live = new ArrayList<>();
    private final Set<SequenceGroup> begun = new HashSet<>();
    private final Map<SequenceGroup, Integer> beamTurns = new HashMap<>();
    private long arrivals;

    Run(Setup setup) {
      this.setup = setup;
      this.random = new Random(setup.seed);
      this.allocator =
          new PagedAllocator(
              new KvCacheConfig(
                  setup.blockSize,
                  each(setup.blocks),
                  setup.windows.groups(),
                  setup.prefixCaching,
                  0.05),
              each(setup.hostBlocks));
      PreemptionPolicy preemption =
          switch (setup.preemption) {
            case RECOMPUTE -> PreemptionPolicy.recompute();
            case SWAP -> PreemptionPolicy.swap();
            case EITHER -> (_, _) -> random.nextBoolean();
          };
      SchedulingPolicy order =
          switch (setup.order) {
            case FCFS -> SchedulingPolicy.firstComeFirstServed();
            case PRIORITY -> SchedulingPolicy.priority();
            case SHORTEST -> SchedulingPolicy.shortestRemaining();
          };
      this.scheduler =
          new Scheduler(
              allocator,
              new SchedulerLimits(setup.maxSeqs, setup.budget, setup.budget, 3),
              order,
              preemption);
    }

    /** As many blocks for each cache group. */
    private int[] each(int blocks) {
      return IntStream.of(setup.windows.sizes).map(_ -> blocks).toArray();
    }

    void go() {
      int arriving = 5 + random.nextInt(25);
      int steps = 0;
      while (arriving > 0 || scheduler.hasWork()) {
        assertThat(++steps).as("steps").isLessThan(20_000);
        for (int i = random.nextInt(3); i > 0 && arriving > 0; i--, arriving--) {
          add();
        }
        if (!live.isEmpty() && random.nextInt(20) == 0) {
          end(live.get(random.nextInt(live.size())));
        }
        step();
        allocator.checkIntegrity();
      }
      assertThat(live).isEmpty();
      assertThat(scheduler.waitingGroups()).isZero();
      assertThat(scheduler.runningSequences()).isZero();
      // Nothing leaks, on the device or the host.
      assertThat(allocator.usage().usedBlocks()).isZero();
      assertThat(allocator.usage().freeBlocks())
          .isEqualTo((long) setup.blocks * setup.windows.sizes.length);
      assertThat(allocator.usage().swappedBlocks()).isZero();
    }

    private void add() {
      int slots = setup.blocks * setup.blockSize;
      int prompt = 1 + random.nextInt(slots / 3);
      int kind = random.nextInt(4);
      int most = Math.min(4, Math.min(setup.maxSeqs, setup.budget));
      int several = 1 + random.nextInt(most);
      int beams = kind == 0 ? several : 0;
      int maxLength = prompt + 1 + random.nextInt(slots / 3);
      while (beams > 1 && !allocator.canEverFit(prompt, maxLength, beams)) {
        beams--;
      }
      int[] tokens = random.ints(prompt, 0, 3).toArray();
      SequenceGroup group =
          new SequenceGroup(
              new SequenceGroup.Spec(
                  arrivals++,
                  random.nextInt(3),
                  0,
                  tokens,
                  kind == 1 ? several : 1,
                  beams,
                  maxLength,
                  kind == 2,
                  null,
                  null));
      live.add(group);
      scheduler.add(group);
    }

    private void end(SequenceGroup group) {
      for (SequenceGroup part : List.copyOf(live)) {
        if (part.arrival() == group.arrival()) {
          for (Sequence s : List.copyOf(part.sequences())) {
            scheduler.finish(s);
          }
          live.remove(part);
        }
      }
    }

    private void step() {
      boolean planned = scheduler.schedule(plan);
      assertThat(plan.unfit()).isEmpty();
      assertThat(planned).isEqualTo(plan.size() > 0);
      if (!planned) {
        assertThat(scheduler.hasWork()).isFalse();
        return;
      }
      checkPlan();
      allocator.swapOuts().clear();
      allocator.swapIns().clear();
      allocator.copies().clear();
      scheduler.commit(plan);
      List<SequenceGroup> beamGroups = new ArrayList<>();
      for (int i = 0; i < plan.size(); i++) {
        Sequence s = plan.sequence(i);
        SequenceGroup group = s.group();
        if (!live.contains(group)) {
          live.add(group); // split off another
        }
        if (plan.rows(i) > 0 && s.computed() == s.length()) {
          if (group.inStep()) {
            beamTurns.merge(group, 1, Integer::sum);
            if (!beamGroups.contains(group)) {
              beamGroups.add(group);
            }
          } else {
            extend(s);
          }
        }
      }
      for (SequenceGroup group : beamGroups) {
        // All beams had their turn in this very step.
        assertThat(beamTurns.remove(group)).isEqualTo(group.live());
        branch(group);
      }
      live.removeIf(group -> group.live() == 0);
    }

    private void checkPlan() {
      int tokens = 0;
      Set<Sequence> seen = new HashSet<>();
      Set<SequenceGroup> groups = new HashSet<>();
      for (int i = 0; i < plan.size(); i++) {
        Sequence s = plan.sequence(i);
        assertThat(seen.add(s)).as("planned once").isTrue();
        assertThat(s.finished()).isFalse();
        assertThat(plan.tokens(i)).isPositive();
        assertThat(s.computed() + plan.tokens(i)).isLessThanOrEqualTo(s.length());
        assertThat(s.blocks().blockCount(0) * setup.blockSize)
            .isGreaterThanOrEqualTo(s.computed() + plan.tokens(i));
        tokens += plan.tokens(i);
        groups.add(s.group());
      }
      assertThat(tokens).isEqualTo(plan.numTokens()).isLessThanOrEqualTo(setup.budget);
      assertThat(scheduler.runningSequences()).isLessThanOrEqualTo(setup.maxSeqs);
      if (setup.order == Order.FCFS) {
        // No group begins while an earlier one has not begun.
        long latest = groups.stream().mapToLong(SequenceGroup::arrival).max().orElse(0);
        begun.addAll(groups);
        for (SequenceGroup group : live) {
          boolean fresh = begun.stream().noneMatch(g -> g.arrival() == group.arrival());
          assertThat(fresh && group.arrival() < latest && !running(group)).isFalse();
        }
      }
    }

    private static boolean running(SequenceGroup group) {
      return group.state == SequenceGroup.State.RUNNING;
    }

    private void extend(Sequence s) {
      SequenceGroup group = s.group();
      List<Sequence> sampled = new ArrayList<>();
      sampled.add(s);
      if (s.length() == s.promptLength()) {
        for (Sequence sibling : group.sequences()) {
          if (sibling != s && !sibling.finished() && sibling.length() == s.length()) {
            sampled.add(sibling);
          }
        }
      }
      for (Sequence one : sampled) {
        one.append(random.nextInt(3));
        if (one.length() >= group.maxLength() || random.nextInt(40) == 0) {
          scheduler.finish(one);
        }
      }
    }

    private void branch(SequenceGroup group) {
      if (group.leader().length() + 1 >= group.maxLength() || random.nextInt(40) == 0) {
        for (Sequence s : List.copyOf(group.sequences())) {
          scheduler.finish(s);
        }
        return;
      }
      List<Sequence> beams = List.copyOf(group.sequences());
      List<Sequence> parents = new ArrayList<>();
      int width = group.seats();
      for (int i = 0; i < width; i++) {
        parents.add(beams.get(random.nextInt(beams.size())));
      }
      int next = 0;
      for (Sequence s : scheduler.branch(group, parents)) {
        s.append(next++);
      }
    }
  }
}
