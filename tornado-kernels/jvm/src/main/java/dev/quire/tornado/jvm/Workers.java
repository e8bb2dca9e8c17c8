package dev.quire.tornado.jvm;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The threads that stand for a device's multiprocessors: one a processor, daemons. */
final class Workers {
  /** The device's own. */
  static final Workers SHARED = new Workers(Runtime.getRuntime().availableProcessors());

  private final int threads;
  private final ExecutorService pool;

  private Workers(int threads) {
    this.threads = threads;
    pool =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().daemon().name("work groups ", 0).factory());
  }

  /** Runs the same code on up to {@code wanted} threads and waits for all. */
  void run(int wanted, Runnable code) {
    List<Future<?>> running = new ArrayList<>();
    for (int i = 0; i < Math.min(wanted, threads); i++) {
      running.add(pool.submit(code));
    }
    boolean interrupted = false;
    for (Future<?> one : running) {
      while (true) {
        try {
          one.get();
          break;
        } catch (InterruptedException later) {
          interrupted = true;
        } catch (ExecutionException failure) {
          throw new IllegalStateException(failure.getCause());
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
