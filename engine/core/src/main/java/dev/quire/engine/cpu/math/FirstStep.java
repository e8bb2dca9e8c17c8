package dev.quire.engine.cpu.math;

import java.util.concurrent.locks.LockSupport;

/**
 * When loops that take long to compile may have a processor. A process's first step is computed
 * with others and would be held up, so they wait while it runs; unless it is long, and better
 * computed with them.
 */
final class FirstStep {
  /** Multiply-adds of a thread, some 1.5 s of {@link PlainWords}: as long as to compile. */
  private static final long LONG_WORK = 12_000_000_000L;

  /** Too few to wait for anything. */
  private static final long SHORT_WORK = 200_000_000L;

  private static final long LONG_NANOS = 1_000_000_000L;
  private static final long LOOK_NANOS = 2_000_000;

  /** How long a process may take to load a model before its first step, and that step after it. */
  private static final long PATIENCE_NANOS = 2_000_000_000L;

  private volatile long start;
  private volatile boolean over;
  private volatile boolean manyTokens;

  /**
   * Says that a step starts, the first or another.
   *
   * @param work multiply-adds of a thread
   * @return whether it is better computed with what takes long to compile
   */
  boolean begin(long work) {
    boolean many = work > LONG_WORK;
    if (many) {
      manyTokens = true;
    }
    if (start == 0 && !many) {
      start = System.nanoTime();
      return false;
    }
    over = true;
    return work > SHORT_WORK;
  }

  /** Says that the step is done, or needs what is compiled. */
  void end() {
    over = true;
  }

  boolean hasBegun() {
    return start != 0 || over;
  }

  /** Whether a step of many tokens has come: their loops are wanted first. */
  boolean hasManyTokens() {
    return manyTokens;
  }

  /**
   * Returns when the step is over, or better computed with what takes long to compile, or doesn't
   * come or end for long: whoever reads a model needs the processors.
   */
  void awaitEnd() {
    long called = System.nanoTime();
    while (!over && System.nanoTime() - (start == 0 ? called : start) < PATIENCE_NANOS) {
      LockSupport.parkNanos(LOOK_NANOS);
    }
  }

  /** Returns when the step isn't under way, or is for long. */
  void yieldTo() {
    while (start != 0 && !over && System.nanoTime() - start < LONG_NANOS) {
      LockSupport.parkNanos(LOOK_NANOS);
    }
  }
}
