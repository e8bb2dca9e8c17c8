package dev.quire.engine;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Wakes the readers of a step's tokens while the next step runs: with hundreds of streams that
 * takes as long as a good part of a step. It does its work only between {@link #begin} and {@link
 * #finish}, when the engine thread is in the executor and touches nothing that it reads.
 */
final class Publisher implements AutoCloseable {
  private final Thread thread =
      Thread.ofPlatform().name("quire-publisher").daemon(true).unstarted(this::run);
  private volatile @Nullable Runnable work;
  private volatile @Nullable Thread waiting;
  private volatile boolean closed;
  private volatile @Nullable RuntimeException failure;
  private boolean started;

  /** Has {@code publish} run on the publisher's thread. */
  void begin(Runnable publish) {
    if (!started) {
      started = true;
      thread.start();
    }
    work = publish;
    LockSupport.unpark(thread);
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
      Runnable next = work;
      if (next == null) {
        LockSupport.park(this);
        continue;
      }
      try {
        next.run();
      } catch (RuntimeException e) {
        failure = e;
      }
      work = null;
      LockSupport.unpark(waiting);
    }
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(thread);
  }
}
