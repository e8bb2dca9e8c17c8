package dev.quire.weights.synth;

/**
 * Random numbers by counter: the value of (seed, index) needs no values before it, so that any
 * thread can make any part.
 *
 * <p>Source: the finaliser of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
 * generators, 2014).
 */
final class Counter {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private Counter() {}

  static long bits(long seed, long index) {
    long z = seed * 0xD1342543DE82EF95L + index * GOLDEN + GOLDEN;
    z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
    return z ^ z >>> 31;
  }

  /** A whole number from 0 to {@code bound} − 1. */
  static int below(int bound, long seed, long index) {
    return (int) ((bits(seed, index) >>> 32) * bound >>> 32);
  }

  /**
   * Bell-shaped, of mean 0 and standard deviation 1, within ±4.9: the sum of eight uniform numbers
   * of 16 bits, which is the same on every machine.
   */
  static float normal(long seed, long index) {
    long a = bits(seed, 2 * index);
    long b = bits(seed, 2 * index + 1);
    int sum = 0;
    for (int shift = 0; shift < 64; shift += 16) {
      sum += (int) (a >>> shift & 0xFFFF) + (int) (b >>> shift & 0xFFFF);
    }
    double mean = 8 * 65535 / 2.0;
    double deviation = 65536 * Math.sqrt(8 / 12.0);
    return (float) ((sum - mean) / deviation);
  }
}
