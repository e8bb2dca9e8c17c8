package dev.quire.engine;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Wakes the readers of a step's tokens while the next step runs: with hundreds of streams that
 * takes as long as a good part of a step. It does its work only between {@link #begin} and {@link
 * #finish}, when the engine thread is in the executor and touches nothing that it reads.
 */
final class Publisher implements AutoCloseable {
  // Longer than a step of few sequences.
  private static final long LOOKING_NANOS = 4_000_000;

  private final boolean looks;
  private final Thread thread =
      Thread.ofPlatform().name("quire-publisher").daemon(true).unstarted(this::run);
  private volatile @Nullable Runnable work;
  private volatile @Nullable Thread waiting;
  private volatile boolean closed;
  private volatile boolean parked;
  private volatile @Nullable RuntimeException failure;
  private boolean started;

  /**
   * @param looks whether it looks for work for a while before it has to be woken
   */
  Publisher(boolean looks) {
    this.looks = looks;
  }

  /** Whether it needs not be woken to begin. */
  boolean looks() {
    return looks;
  }

  /** Has {@code publish} run on the publisher's thread. */
  void begin(Runnable publish) {
    if (!started) {
      started = true;
      thread.start();
    }
    work = publish;
    if (parked) {
      LockSupport.unpark(thread);
    }
  }

  /** Waits until it has, if there was anything. */
  void finish() {
    if (work != null) {
      waiting = Thread.currentThread();
      while (work != null) {
        LockSupport.park(this);
      }
      waiting = null;
    }
    RuntimeException thrown = failure;
    if (thrown != null) {
      failure = null;
      throw thrown;
    }
  }

  private void run() {
    while (!closed) {
      Runnable next = looks ? look() : work;
      if (next == null) {
        parked = true;
        if (work == null && !closed) {
          LockSupport.park(this);
        }
        parked = false;
        continue;
      }
      try {
        next.run();
      } catch (RuntimeException e) {
        failure = e;
      }
      work = null;
      Thread engine = waiting;
      if (engine != null) {
        LockSupport.unpark(engine);
      }
    }
  }

  private @Nullable Runnable look() {
    long begin = System.nanoTime();
    Runnable next = work;
    while (next == null && !closed && System.nanoTime() - begin < LOOKING_NANOS) {
      Thread.onSpinWait();
      next = work;
    }
    return next;
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(thread);
  }
}
