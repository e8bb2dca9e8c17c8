package dev.quire.engine;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * The engine's steps counted by how many tokens each computed, since the engine started. The engine
 * thread writes; any thread may read, and sees the steps of the moment.
 */
public final class StepTokens {
  /** Upper bounds of the buckets, inclusive: those of vLLM's histogram. */
  public static final List<Integer> BOUNDS =
      List.of(1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384);

  private final AtomicLongArray steps = new AtomicLongArray(BOUNDS.size() + 1);
  private final AtomicLong tokens = new AtomicLong();

  StepTokens() {}

  /** A step computed so many; one thread only. */
  void add(int count) {
    int bucket = 0;
    while (bucket < BOUNDS.size() && count > BOUNDS.get(bucket)) {
      bucket++;
    }
    tokens.setRelease(tokens.getPlain() + count);
    steps.setRelease(bucket, steps.getPlain(bucket) + 1);
  }

  /**
   * Steps of one bucket alone.
   *
   * @param bucket an index into {@link #BOUNDS}; its size for the steps above the last bound
   * @throws IndexOutOfBoundsException for any other
   */
  public long steps(int bucket) {
    return steps.getAcquire(bucket);
  }

  /** Tokens of all steps. */
  public long tokens() {
    return tokens.getAcquire();
  }
}
