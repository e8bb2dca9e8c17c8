package dev.quire.engine.tornado;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.LongStream;

/** Whether halves hold what BF16 does: all of its precision, but not its range. */
final class Bf16Range {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final long CHUNK = 1 << 20;

  // 2^16, the first number of BF16 that a half doesn't hold.
  private static final int BEYOND = 0x4780;

  // Adding what lacks to 2^15 carries a magnitude of BEYOND or more into its sign's place.
  private static final long LACKING = 0x0001_0001_0001_0001L * (0x8000 - BEYOND);
  private static final long MAGNITUDES = 0x7FFF_7FFF_7FFF_7FFFL;

  private Bf16Range() {}

  /** Whether any number is 2^16 or more, infinite or not a number. */
  static boolean exceedsHalves(MemorySegment data) {
    return LongStream.range(0, Math.ceilDiv(data.byteSize(), CHUNK))
        .parallel()
        .anyMatch(
            chunk ->
                exceedsHalves(data, chunk * CHUNK, Math.min(data.byteSize(), (chunk + 1) * CHUNK)));
  }

  private static boolean exceedsHalves(MemorySegment data, long from, long to) {
    long carried = 0;
    long at = from;
    for (; at + 8 <= to; at += 8) {
      carried |= (data.get(LONG, at) & MAGNITUDES) + LACKING;
    }
    for (; at + 2 <= to; at += 2) {
      carried |= (data.get(SHORT, at) & 0x7FFF) + (0x8000 - BEYOND);
    }
    return (carried & ~MAGNITUDES) != 0;
  }
}
