package dev.quire.tornado.jvm;

import uk.ac.manchester.tornado.api.types.HalfFloat;

/** Every half there is, made once: fragments hold many and none need be allocated. */
final class Halves {
  private static final HalfFloat[] ALL = new HalfFloat[1 << 16];

  static {
    for (int bits = 0; bits < ALL.length; bits++) {
      ALL[bits] = new HalfFloat((short) bits);
    }
  }

  private Halves() {}

  /** The half whose bits are the lower 16. */
  static HalfFloat of(int bits) {
    return ALL[bits & 0xFFFF];
  }
}
