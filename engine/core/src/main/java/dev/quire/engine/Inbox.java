package dev.quire.engine;

import dev.quire.engine.ActiveRequest.Sample;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/** What other threads ask of the engine thread, to be done between two steps. */
final class Inbox {
  /** One thing asked. */
  sealed interface Command {
    record Submit(ActiveRequest request) implements Command {}

    record Cancel(ActiveRequest request) implements Command {}

    /** The sample's text ended at a stop string. */
    record Stop(Sample sample) implements Command {}

    /** Something to look at while no step runs. */
    record Look(Runnable task) implements Command {}

    /** The blocks of a pinned prefix may go. */
    record Unpin(ActiveRequest request) implements Command {}
  }

  private final int maxQueued;
  private final Queue<Command> commands = new ArrayDeque<>();
  private boolean accepting = true;
  private int queued;
  private @Nullable Throwable death;

  /**
   * @param maxQueued requests that may wait for their first step
   */
  Inbox(int maxQueued) {
    this.maxQueued = maxQueued;
  }

  /**
   * Puts a request in.
   *
   * @throws QuireException if the engine is full, closed or has failed
   */
  synchronized void submit(ActiveRequest request) {
    if (!accepting) {
      Throwable cause = death;
      throw cause == null
          ? new QuireException(QuireException.Kind.CLOSED, "the engine is closed")
          : new QuireException(
              QuireException.Kind.FAILED, "the engine has failed: " + cause, cause);
    }
    if (queued >= maxQueued) {
      throw new QuireException(
          QuireException.Kind.OVERLOADED,
          "the engine is full: %d requests wait, the most it takes (maxQueuedRequests)"
              .formatted(queued));
    }
    queued++;
    commands.add(new Command.Submit(request));
  }

  /** Puts a command in; nothing happens, and false is returned, once {@link #refuse} was called. */
  synchronized boolean send(Command command) {
    if (accepting) {
      commands.add(command);
    }
    return accepting;
  }

  /** The next command, or null. */
  synchronized @Nullable Command poll() {
    return commands.poll();
  }

  synchronized boolean isEmpty() {
    return commands.isEmpty();
  }

  /** A request got its first step, or ended before it. */
  synchronized void leaveQueue() {
    queued--;
  }

  /**
   * Refuses all that comes from now on.
   *
   * @param cause what the engine died of; null if it was closed
   */
  synchronized void refuse(@Nullable Throwable cause) {
    accepting = false;
    death = cause;
  }
}
