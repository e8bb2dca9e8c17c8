package dev.quire.engine.cpu.math;

import java.lang.foreign.MemorySegment;

/**
 * All memory of the process as one segment, for loops that are entered often: C2 proves bounds of
 * other segments by some hundred instructions before each loop, as many as a short loop has. Here
 * it sees from {@link #MASK} that there is nothing to prove. So whoever loads from it checks first,
 * against the segment that the address comes from, and keeps that one reachable.
 */
final class RawMemory {
  /** What an address is masked with; no process has memory above. */
  static final long MASK = Long.MAX_VALUE >> 1;

  /** Of no length where native access isn't enabled. */
  static final MemorySegment ALL = all();

  private RawMemory() {}

  /** Whether there is native access. */
  static boolean isAvailable() {
    return ALL.byteSize() > 0;
  }

  private static MemorySegment all() {
    if (!RawMemory.class.getModule().isNativeAccessEnabled()) {
      return MemorySegment.NULL;
    }
    @SuppressWarnings("restricted")
    MemorySegment all = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    return all;
  }
}
