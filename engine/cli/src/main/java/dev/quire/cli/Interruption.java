package dev.quire.cli;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jline.utils.Signals;

/**
 * Ends work in an orderly way on Ctrl-C, SIGTERM or SIGHUP: tells the work to stop and lets it say
 * its last line. A signal that finds nothing to stop, one that follows later, and work that does
 * not stop in time end the process at once.
 */
final class Interruption implements AutoCloseable {
  private static final Map<String, Integer> SIGNALS = Map.of("HUP", 1, "INT", 2, "TERM", 15);

  /** What shells add to a signal's number for a process that it ended. */
  private static final int SIGNALLED = 128;

  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** A launcher passes on what the terminal may have sent to both: these two are one. */
  private static final Duration SAME_SIGNAL = Duration.ofSeconds(1);

  private final BooleanSupplier stop;
  private final AtomicInteger exitCode = new AtomicInteger();
  private final Map<String, Object> replaced = new HashMap<>();
  private volatile long since;

  /**
   * @param stop makes the work return soon; false if there is none under way
   */
  Interruption(BooleanSupplier stop) {
    this.stop = stop;
    SIGNALS.forEach(
        (name, number) -> {
          Object previous = Signals.register(name, () -> take(SIGNALLED + number));
          if (previous != null) { // null on a platform without this signal
            replaced.put(name, previous);
          }
        });
  }

  /** Runs on a thread of its own for each signal. */
  private void take(int code) {
    if (exitCode.compareAndSet(0, code)) {
      since = System.nanoTime();
      if (!stop.getAsBoolean()) {
        halt(code);
      }
      waitFor(PATIENCE);
      halt(code);
    } else if (System.nanoTime() - since > SAME_SIGNAL.toNanos()) {
      // Whoever asks again does not wait, for the writing of a flight recording neither.
      System.out.flush();
      Runtime.getRuntime().halt(code);
    }
  }

  private static void halt(int code) {
    System.out.flush();
    ProcessEnd.with(code);
  }

  private static void waitFor(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether the process was told to end. */
  boolean happened() {
    return exitCode.get() != 0;
  }

  /** 128 + the signal's number, as shells report it; 0 before any. */
  int exitCode() {
    return exitCode.get();
  }

  /** The work has ended; once a signal came, the process is about to. */
  @Override
  public void close() {
    if (!happened()) {
      replaced.forEach(Signals::unregister);
    }
  }
}
