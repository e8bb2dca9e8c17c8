package dev.quire.engine.cpu.math;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A fixed team of threads that runs one task at a time, of which the calling thread is worker 0.
 * Nothing is allocated per task. Waiting workers spin for some microseconds, because within a step
 * the next task follows at once, and then park, because between steps it may not.
 *
 * <p>One thread at a time may call {@link #run}, {@link #forEach} or {@link #close}.
 */
public final class WorkerTeam implements AutoCloseable {
  private static final long SPIN_NANOS = 40_000;
  private static final int SPINS_BETWEEN_LOOKS = 64;

  /** What every worker of a team does once. */
  @FunctionalInterface
  public interface Task {
    /**
     * @param worker from 0
     * @param workers the size of the team
     */
    void run(int worker, int workers);
  }

  /** Work that falls into numbered items which may be done in any order, by any worker. */
  @FunctionalInterface
  public interface ItemTask {
    void run(int item, int worker);
  }

  private final Thread[] helpers;
  private final AtomicInteger pending = new AtomicInteger();
  private final AtomicInteger nextItem = new AtomicInteger();
  private final ItemLoop itemLoop = new ItemLoop();

  private @Nullable Task task;
  private @Nullable Thread caller;
  private volatile @Nullable Throwable failure;
  private volatile int round;
  private volatile boolean closed;

  /**
   * Starts a team of daemon threads.
   *
   * @param threads the size of the team, the calling thread included
   */
  public WorkerTeam(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("a team needs at least one thread, not " + threads);
    }
    helpers = new Thread[threads - 1];
    for (int i = 0; i < helpers.length; i++) {
      int worker = i + 1;
      helpers[i] =
          Thread.ofPlatform().daemon().name("quire-worker-" + worker).start(() -> help(worker));
    }
  }

  /** A team as large as the machine lets this process run at once. */
  public static WorkerTeam ofAvailableCores() {
    return new WorkerTeam(Runtime.getRuntime().availableProcessors());
  }

  public int size() {
    return helpers.length + 1;
  }

  /**
   * Lets every worker run the task once and returns when all are done. What a worker throws, the
   * first of several, is thrown here.
   */
  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread at a time calls this and writes round
  public void run(Task newTask) {
    if (closed) {
      throw new IllegalStateException("this team is closed");
    }
    task = newTask;
    if (helpers.length == 0) {
      newTask.run(0, 1);
      return;
    }
    caller = Thread.currentThread();
    pending.set(helpers.length);
    round++; // publishes the task
    for (Thread helper : helpers) {
      LockSupport.unpark(helper);
    }
    runOwnPart(newTask, 0);
    awaitHelpers();
    Throwable thrown = failure;
    if (thrown != null) {
      failure = null;
      throw WorkerTeam.<RuntimeException>asIs(thrown);
    }
  }

  /**
   * Runs items {@code 0 .. items - 1}, each by the worker that is free first.
   *
   * @see #run
   */
  public void forEach(int items, ItemTask newTask) {
    if (items == 1 || helpers.length == 0) {
      for (int i = 0; i < items; i++) {
        newTask.run(i, 0);
      }
      return;
    }
    nextItem.set(0);
    itemLoop.items = items;
    itemLoop.task = newTask;
    run(itemLoop);
  }

  private final class ItemLoop implements Task {
    private int items;
    private @Nullable ItemTask task;

    @Override
    public void run(int worker, int workers) {
      ItemTask current = task;
      if (current == null) {
        throw new IllegalStateException("no items");
      }
      for (int i = nextItem.getAndIncrement(); i < items; i = nextItem.getAndIncrement()) {
        current.run(i, worker);
      }
    }
  }

  private void help(int worker) {
    int seen = 0;
    while (true) {
      int current = awaitRound(seen);
      if (closed) {
        return;
      }
      seen = current;
      Task current0 = task;
      if (current0 != null) {
        runOwnPart(current0, worker);
      }
      Thread waiting = caller;
      if (pending.decrementAndGet() == 0) {
        LockSupport.unpark(waiting);
      }
    }
  }

  private void runOwnPart(Task current, int worker) {
    try {
      current.run(worker, size());
    } catch (Throwable t) {
      synchronized (pending) {
        if (failure == null) {
          failure = t;
        }
      }
    }
  }

  private int awaitRound(int seen) {
    long start = System.nanoTime();
    while (round == seen && !closed) {
      if (System.nanoTime() - start < SPIN_NANOS) {
        spin();
      } else {
        LockSupport.park(this);
      }
    }
    return round;
  }

  private void awaitHelpers() {
    long start = System.nanoTime();
    while (pending.get() != 0) {
      if (System.nanoTime() - start < SPIN_NANOS) {
        spin();
      } else {
        LockSupport.park(this);
      }
    }
  }

  private static void spin() {
    for (int i = 0; i < SPINS_BETWEEN_LOOKS; i++) {
      Thread.onSpinWait();
    }
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <T extends Throwable> T asIs(Throwable t) throws T {
    throw (T) t;
  }

  /** Ends the helpers; waits until they have gone. */
  @Override
  public void close() {
    closed = true;
    boolean interrupted = false;
    for (Thread helper : helpers) {
      LockSupport.unpark(helper);
      while (helper.isAlive()) {
        try {
          helper.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
