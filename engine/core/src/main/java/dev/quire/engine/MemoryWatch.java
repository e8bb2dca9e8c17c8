package dev.quire.engine;

import dev.quire.paging.KvAllocator;
import dev.quire.paging.KvUsage;
import jdk.jfr.FlightRecorder;

/**
 * Takes down what the KV cache holds, a few times a second: counting what is shared and what is
 * wasted costs a look at every block of every running sequence. Each count is a {@link
 * KvCacheEvent} of the JDK's Flight Recorder, too, where that is in use: to make the event's class
 * known to it takes a tenth of a second, and a start would wait for that.
 */
final class MemoryWatch {
  private static final long INTERVAL_NANOS = 50_000_000;

  private final KvAllocator allocator;
  private KvUsage latest;
  private long takenNanos;

  MemoryWatch(KvAllocator allocator) {
    this.allocator = allocator;
    this.latest = allocator.usage();
    this.takenNanos = System.nanoTime();
  }

  /**
   * The latest count.
   *
   * @param fresh whether to count now; else only if the last one is old
   */
  KvUsage usage(boolean fresh) {
    long now = System.nanoTime();
    if (fresh || now - takenNanos >= INTERVAL_NANOS) {
      takenNanos = now;
      latest = allocator.usage();
      if (FlightRecorder.isInitialized()) {
        KvCacheEvent.record(latest);
      }
    }
    return latest;
  }
}
