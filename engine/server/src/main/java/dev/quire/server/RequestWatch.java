package dev.quire.server;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Watches the requests under way: cancels those whose client went away, whose time is up, whose
 * client does not read its stream, or for which the server's own time to stop is over.
 */
final class RequestWatch implements AutoCloseable {
  private static final long INTERVAL_NANOS = 5_000_000;
  private static final long IDLE_NANOS = 1_000_000_000;

  /** Why a request was cancelled. */
  enum Reason {
    CLIENT_GONE,
    DEADLINE,
    SLOW_READER,
    STOPPING
  }

  /** A request under way. */
  static final class Entry {
    private final @Nullable ClientConnection client;
    private final Duration slowest;
    private long deadline;
    private volatile @Nullable Runnable canceller;
    private volatile long writingSince;
    private volatile @Nullable Reason reason;

    private Entry(@Nullable ClientConnection client, Duration slowest, long deadline) {
      this.client = client;
      this.slowest = slowest;
      this.deadline = deadline;
    }

    /** Says how the request is cancelled; done at once if it was to be already. */
    void onCancel(Runnable newCanceller) {
      canceller = newCanceller;
      if (reason != null) {
        newCanceller.run();
      }
    }

    /** Brings the deadline forward. */
    void endWithin(Duration time) {
      deadline = Math.min(deadline, System.nanoTime() + time.toNanos());
    }

    /** A write to the client begins; 0 marks its end. */
    void writing(long nanos) {
      writingSince = nanos;
    }

    /** Why it was cancelled; null where it was not. */
    @Nullable Reason reason() {
      return reason;
    }

    private void look(long now) {
      long since = writingSince;
      if (client != null && !client.isConnected()) {
        cancel(Reason.CLIENT_GONE);
      } else if (since != 0 && now - since > slowest.toNanos()) {
        cancel(Reason.SLOW_READER);
        if (client != null) {
          client.close();
        }
      } else if (now - deadline > 0) {
        cancel(Reason.DEADLINE);
      }
    }

    private void cancel(Reason why) {
      if (reason == null) {
        reason = why;
        Runnable action = canceller;
        if (action != null) {
          action.run();
        }
      }
    }
  }

  private final Set<Entry> entries = ConcurrentHashMap.newKeySet();
  private final Duration requestTimeout;
  private final Duration slowReaderTimeout;
  private final Thread thread;
  private volatile boolean closed;
  private volatile boolean draining;

  RequestWatch(Duration requestTimeout, Duration slowReaderTimeout) {
    this.requestTimeout = requestTimeout;
    this.slowReaderTimeout = slowReaderTimeout;
    this.thread = Thread.ofPlatform().name("quire-request-watch").daemon(true).start(this::run);
  }

  /** Begins to watch the calling thread's request. */
  Entry enter() {
    ClientConnection client = ClientConnection.current();
    if (client != null) {
      client.watch();
    }
    long deadline = System.nanoTime() + requestTimeout.toNanos();
    Entry entry = new Entry(client, slowReaderTimeout, deadline);
    entries.add(entry);
    LockSupport.unpark(thread);
    return entry;
  }

  void leave(Entry entry) {
    entries.remove(entry);
  }

  /** Requests under way. */
  int size() {
    return entries.size();
  }

  /** Whether new requests are turned away. */
  boolean draining() {
    return draining;
  }

  /** Waits for the requests under way; after the grace it cancels what is left. */
  void drain(Duration grace) {
    draining = true;
    long until = System.nanoTime() + grace.toNanos();
    while (!entries.isEmpty() && System.nanoTime() - until < 0) {
      LockSupport.parkNanos(INTERVAL_NANOS);
    }
    entries.forEach(entry -> entry.cancel(Reason.STOPPING));
    long last = System.nanoTime() + Duration.ofSeconds(2).toNanos();
    while (!entries.isEmpty() && System.nanoTime() - last < 0) {
      LockSupport.parkNanos(INTERVAL_NANOS);
    }
  }

  private void run() {
    while (!closed) {
      long now = System.nanoTime();
      for (Entry entry : entries) {
        entry.look(now);
      }
      LockSupport.parkNanos(this, entries.isEmpty() ? IDLE_NANOS : INTERVAL_NANOS);
    }
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(thread);
  }
}
