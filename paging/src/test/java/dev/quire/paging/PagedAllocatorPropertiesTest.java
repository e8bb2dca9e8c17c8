package dev.quire.paging;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;

/** Random lives of a paged cache, checked against a plain model of its memory. */
class PagedAllocatorPropertiesTest {
  enum Kind {
    START,
    RESERVE,
    RESERVE_ONE_EACH,
    STEP,
    FORK,
    FREE,
    ROLL_BACK,
    SWAP_OUT,
    SWAP_IN
  }

  record Operation(Kind kind, int a, int b, int c) {
    void run(CacheModel model) {
      switch (kind) {
        case START -> model.start(a, b);
        case RESERVE -> model.reserve(a, b, c);
        case RESERVE_ONE_EACH -> model.reserveOneEach(a);
        case STEP -> model.step();
        case FORK -> model.fork(a, b);
        case FREE -> model.free(a);
        case ROLL_BACK -> model.rollBack(a, b);
        case SWAP_OUT -> model.swapOut(a);
        case SWAP_IN -> model.swapIn(a);
      }
    }
  }

  record Setup(int blockSize, int[] windows, int blocks, int hostBlocks, boolean prefixCaching) {
    CacheModel model() {
      var groups = Arrays.stream(windows).mapToObj(w -> new CacheGroup("window " + w, w)).toList();
      int[] pools = IntStream.range(0, windows.length).map(g -> blocks + g).toArray();
      int[] hosts = IntStream.range(0, windows.length).map(_ -> hostBlocks).toArray();
      return new CacheModel(
          new KvCacheConfig(blockSize, pools, groups, prefixCaching, 0.05), hosts);
    }

    @Override
    public String toString() {
      return "block size %d, windows %s, %d blocks, %d on the host, prefix caching %s"
          .formatted(blockSize, Arrays.toString(windows), blocks, hostBlocks, prefixCaching);
    }
  }

  @Property(tries = 1500)
  void memoryReadsBackAsWritten(
      @ForAll("setups") Setup setup, @ForAll("operations") List<Operation> operations) {
    var model = setup.model();
    for (var operation : operations) {
      operation.run(model);
      model.checkReferences();
    }
    model.finish();
  }

  @Provide
  Arbitrary<Setup> setups() {
    var windows =
        Arbitraries.of(
            List.of(
                new int[] {0},
                new int[] {0},
                new int[] {5},
                new int[] {0, 6},
                new int[] {9, 1},
                new int[] {0, 3, 16}));
    return Combinators.combine(
            Arbitraries.of(1, 2, 3, 4, 8),
            windows,
            Arbitraries.integers().between(6, 50),
            Arbitraries.of(0, 8, 60),
            Arbitraries.of(true, true, true, false))
        .as(Setup::new);
  }

  @Provide
  Arbitrary<List<Operation>> operations() {
    var kinds =
        Arbitraries.frequency(
            Tuple.of(5, Kind.START),
            Tuple.of(8, Kind.RESERVE),
            Tuple.of(4, Kind.RESERVE_ONE_EACH),
            Tuple.of(8, Kind.STEP),
            Tuple.of(4, Kind.FORK),
            Tuple.of(3, Kind.FREE),
            Tuple.of(1, Kind.ROLL_BACK),
            Tuple.of(2, Kind.SWAP_OUT),
            Tuple.of(3, Kind.SWAP_IN));
    var number = Arbitraries.integers().between(0, 999).withoutEdgeCases();
    return Combinators.combine(kinds, number, number, number)
        .as(Operation::new)
        .list()
        .ofMinSize(20)
        .ofMaxSize(120);
  }
}
