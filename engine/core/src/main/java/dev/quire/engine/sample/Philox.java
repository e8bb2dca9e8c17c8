package dev.quire.engine.sample;

/**
 * Philox4x32-10, a counter-based random number generator (Salmon et al., "Parallel random numbers:
 * as easy as 1, 2, 3", SC 2011): a function of key and counter without any state, so that the
 * number for a (seed, sample, position) is the same whenever and wherever it is asked for.
 */
public final class Philox {
  private static final int ROUNDS = 10;
  private static final long MULTIPLIER_0 = 0xD2511F53L;
  private static final long MULTIPLIER_1 = 0xCD9E8D57L;
  private static final int WEYL_0 = 0x9E3779B9;
  private static final int WEYL_1 = 0xBB67AE85;
  private static final double UNIT = 0x1.0p-53;

  private Philox() {}

  /** A uniform double in [0, 1), of 53 random bits. */
  public static double uniform(long seed, int sample, int position) {
    return (bits(seed, sample, position) >>> 11) * UNIT;
  }

  private static long bits(long seed, int sample, int position) {
    return block((int) seed, (int) (seed >>> 32), position, sample, 0, 0);
  }

  /** The first two of the four words of a block, the first one low. */
  static long block(int key0, int key1, int counter0, int counter1, int counter2, int counter3) {
    int c0 = counter0;
    int c1 = counter1;
    int c2 = counter2;
    int c3 = counter3;
    int k0 = key0;
    int k1 = key1;
    for (int round = 0; round < ROUNDS; round++) {
      long product0 = MULTIPLIER_0 * (c0 & 0xFFFFFFFFL);
      long product1 = MULTIPLIER_1 * (c2 & 0xFFFFFFFFL);
      c0 = (int) (product1 >>> 32) ^ c1 ^ k0;
      c1 = (int) product1;
      c2 = (int) (product0 >>> 32) ^ c3 ^ k1;
      c3 = (int) product0;
      k0 += WEYL_0;
      k1 += WEYL_1;
    }
    return (c0 & 0xFFFFFFFFL) | (c1 & 0xFFFFFFFFL) << 32;
  }
}
