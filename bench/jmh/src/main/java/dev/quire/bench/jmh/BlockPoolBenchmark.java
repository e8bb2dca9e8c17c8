package dev.quire.bench.jmh;

import dev.quire.paging.BlockPool;
import dev.quire.paging.KvCacheConfig;
import dev.quire.paging.PagedAllocator;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What one block costs in a pool of a million: taken and given back, in turn and in disorder, and
 * through whole sequences with their tables and the prefix cache.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class BlockPoolBenchmark {
  private static final int BLOCKS = 1_000_000;
  private static final int BATCH = 1_000;
  private static final int BLOCK_SIZE = 16;

  private BlockPool pool = new BlockPool(1);
  private int[] held = {};
  private PagedAllocator allocator = new PagedAllocator(KvCacheConfig.of(1, 1, false));
  private int[] tokens = {};
  private int turn;

  /** Leaves half the pool in use, its free list in no order of addresses. */
  @Setup(Level.Trial)
  public void fill() {
    var random = new SplittableRandom(1);
    pool = new BlockPool(BLOCKS);
    int[] all = new int[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
      all[i] = pool.allocate();
    }
    for (int i = BLOCKS - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      int block = all[i];
      all[i] = all[other];
      all[other] = block;
    }
    for (int i = 0; i < BLOCKS / 2; i++) {
      var _ = pool.release(all[i]);
    }
    held = new int[BLOCKS / 2];
    System.arraycopy(all, BLOCKS / 2, held, 0, held.length);
    allocator = new PagedAllocator(KvCacheConfig.of(BLOCK_SIZE, BLOCKS, true));
    tokens = random.ints(BATCH * BLOCK_SIZE, 0, 50_000).toArray();
  }

  /** One block taken and given back at once. */
  @Benchmark
  public boolean allocateAndFree() {
    return pool.release(pool.allocate());
  }

  /** One block taken, and one given back that was taken long ago. */
  @Benchmark
  public int allocateAndFreeAnother() {
    int block = pool.allocate();
    var _ = pool.release(held[turn]);
    held[turn] = block;
    turn = turn + 1 == held.length ? 0 : turn + 1;
    return block;
  }

  /**
   * A block of a sequence: reserved, hashed, made findable, freed, and evicted once its time comes.
   */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public int sequenceOfBlocks() {
    tokens[0] = ++turn;
    var s = allocator.newSequence(0);
    if (!allocator.reserve(s, 0, tokens.length)) {
      throw new IllegalStateException("the pool holds a million blocks");
    }
    allocator.commit(s, tokens, tokens.length);
    int last = s.block(0, BATCH - 1);
    allocator.free(s);
    return last;
  }
}
