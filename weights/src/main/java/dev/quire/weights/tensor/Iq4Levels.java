package dev.quire.weights.tensor;

/** The 16 unevenly spaced levels of the IQ4 types, denser around zero. */
final class Iq4Levels {
  private static final byte[] LEVELS = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };

  private Iq4Levels() {}

  static int level(int index) {
    return LEVELS[index];
  }
}
