package dev.quire.cli;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Ends work in an orderly way on Ctrl-C, SIGTERM or SIGHUP: tells the work to stop, and keeps the
 * JVM alive until it has said its last line.
 */
final class Interruption implements AutoCloseable {
  /** What shells report for a process that SIGINT ended. */
  static final int EXIT_CODE = 130;

  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final AtomicBoolean happened = new AtomicBoolean();
  private final Thread hook;

  /** Runs {@code stop} when the process is told to end; it must make the work return soon. */
  Interruption(Runnable stop) {
    this.hook =
        Thread.ofPlatform()
            .name("quire-interruption")
            .unstarted(
                () -> {
                  happened.set(true);
                  stop.run();
                  waitForTheEnd();
                });
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** Whether the process was told to end. */
  boolean happened() {
    return happened.get();
  }

  /** The work has ended. After an interruption this thread goes on to halt the JVM. */
  @Override
  public void close() {
    if (!happened.get()) {
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        // Told to end just now.
      }
    }
  }

  private void waitForTheEnd() {
    try {
      // Main halts the JVM when its command returns; this only bounds the wait for it.
      Thread.sleep(PATIENCE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
