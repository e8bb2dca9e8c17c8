package dev.quire.engine.cpu.math;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The sixteen partial sums of a sum, in one vector of 512 bits, two of 256 or four of 128. Loops
 * over sums go through their data once a part: part {@code p} takes the lanes {@code p · WIDTH} to
 * {@code (p + 1) · WIDTH} of every sixteen. So a loop's variables are few enough for the sixteen
 * registers that narrower vectors come with, and the code is one for all widths.
 *
 * <p>The width is fixed when this class is loaded, because C2 makes fast code for constants only:
 * the machine's, or what the system property {@value #BITS_PROPERTY} says.
 */
final class Lanes {
  /** 128, 256 or 512; at most what the machine has. For tests and experiments. */
  static final String BITS_PROPERTY = "dev.quire.vectorBits";

  /** Bits of a vector. */
  static final int BITS = bits();

  /** Floats of a vector. */
  static final int WIDTH = BITS / Float.SIZE;

  /** Vectors of sixteen floats. */
  static final int PARTS = Arithmetic.LANES / WIDTH;

  static final VectorSpecies<Float> FLOATS = VectorSpecies.of(float.class, shape(BITS));
  static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, shape(BITS));
  static final VectorSpecies<Short> SHORTS = VectorSpecies.of(short.class, shape(BITS / 2));

  static final VectorSpecies<Short> WIDE_SHORTS = VectorSpecies.of(short.class, shape(BITS));

  /** There is no vector of four bytes: at 128 bits half of the eight are used. */
  static final VectorSpecies<Byte> BYTES =
      VectorSpecies.of(byte.class, shape(Math.max(64, BITS / 4)));

  /** Of a half's bits with their sign extended, moved up by 13: those of a float. */
  static final int HALF_BITS = 0x8FFFE000;

  /** Of an int's bits the upper sixteen. */
  static final int HIGH_HALF = 0xFFFF0000;

  /** What then corrects the exponent's bias. */
  static final float HALF_SCALE = 0x1p112f;

  static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  private static final VectorShuffle<Float> BY_8 = turn(8);
  private static final VectorShuffle<Float> BY_4 = turn(4);
  private static final VectorShuffle<Float> BY_2 = turn(2);
  private static final VectorShuffle<Float> BY_1 = turn(1);

  private Lanes() {}

  private static int bits() {
    int machine = Math.min(512, VectorShape.preferredShape().vectorBitSize());
    String asked = System.getProperty(BITS_PROPERTY);
    if (asked == null) {
      return machine;
    }
    return switch (asked) {
      case "128", "256", "512" -> Math.min(machine, Integer.parseInt(asked));
      default ->
          throw new UnsupportedOperationException(
              "-D" + BITS_PROPERTY + " is 128, 256 or 512, not " + asked);
    };
  }

  private static VectorShape shape(int bits) {
    return VectorShape.forBitSize(bits);
  }

  private static VectorShuffle<Float> turn(int by) {
    return VectorShuffle.fromOp(FLOATS, i -> (i + by) % WIDTH);
  }

  /** As {@link ScalarMath#total}, of the sixteen partial sums that lie from {@code at} on. */
  static float total(float[] sums, int at) {
    FloatVector first = part(sums, at, 0);
    return switch (PARTS) {
      case 1 -> total(first);
      case 2 -> total(first.add(part(sums, at, 1)));
      default -> total(first.add(part(sums, at, 2)).add(part(sums, at, 1).add(part(sums, at, 3))));
    };
  }

  private static FloatVector part(float[] sums, int at, int part) {
    return FloatVector.fromArray(FLOATS, sums, at + part * WIDTH);
  }

  /** The rest of the tree, once the parts are one. */
  static float total(FloatVector v) {
    FloatVector t = v;
    if (WIDTH > 8) {
      t = t.add(t.rearrange(BY_8));
    }
    if (WIDTH > 4) {
      t = t.add(t.rearrange(BY_4));
    }
    t = t.add(t.rearrange(BY_2));
    return t.add(t.rearrange(BY_1)).lane(0);
  }

  /** As {@link ScalarMath#exp}. */
  static FloatVector exp(FloatVector x) {
    FloatVector clamped = x.min(ScalarMath.EXP_MAX).max(ScalarMath.EXP_MIN);
    FloatVector rounder = FloatVector.broadcast(FLOATS, ScalarMath.ROUNDER);
    FloatVector n = clamped.fma(splat(ScalarMath.LOG2_E), rounder).sub(rounder);
    FloatVector r = n.fma(splat(-ScalarMath.LN2_HIGH), clamped);
    r = n.fma(splat(-ScalarMath.LN2_LOW), r);
    FloatVector p = r.fma(splat(ScalarMath.C7), splat(ScalarMath.C6));
    p = p.fma(r, splat(ScalarMath.C5));
    p = p.fma(r, splat(ScalarMath.C4));
    p = p.fma(r, splat(ScalarMath.C3));
    p = p.fma(r, splat(ScalarMath.C2));
    p = p.fma(r, splat(1));
    p = p.fma(r, splat(1));
    IntVector exponent = (IntVector) n.convertShape(VectorOperators.F2I, INTS, 0);
    FloatVector power = exponent.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
    VectorMask<Float> tooSmall = x.compare(VectorOperators.LT, ScalarMath.EXP_MIN);
    return p.mul(power).blend(0, tooSmall);
  }

  /** As {@link ScalarMath#sigmoid}. */
  static FloatVector sigmoid(FloatVector x) {
    return splat(1).div(exp(x.neg()).add(1));
  }

  /** As {@link ScalarMath#tanh}. */
  static FloatVector tanh(FloatVector x) {
    FloatVector e = exp(x.abs().mul(-2));
    FloatVector magnitude = splat(1).sub(e).div(splat(1).add(e));
    IntVector sign = x.reinterpretAsInts().and(0x80000000);
    return magnitude.reinterpretAsInts().or(sign).reinterpretAsFloats();
  }

  /**
   * Reads one vector of each line of 64 bytes, which brings them all into the first-level cache: a
   * loop of nothing but loads has many more of them under way than one that computes, and so runs
   * at the memory's rate, where a computing loop waits for its latency.
   *
   * @return what must be used, lest the loop be thought useless
   */
  static int touch(MemorySegment data, long from, long bytes) {
    IntVector a = IntVector.zero(IntVector.SPECIES_128);
    IntVector b = a;
    int lines = (int) (bytes / 64);
    long at = from;
    for (int i = 0; i + 1 < lines; i += 2, at += 128) {
      a = a.or(IntVector.fromMemorySegment(IntVector.SPECIES_128, data, at, ORDER));
      b = b.or(IntVector.fromMemorySegment(IntVector.SPECIES_128, data, at + 64, ORDER));
    }
    return a.or(b).lane(0);
  }

  /** Adds a vector to floats of an array. */
  static void add(FloatVector v, float[] array, int at) {
    FloatVector.fromArray(FLOATS, array, at).add(v).intoArray(array, at);
  }

  static FloatVector splat(float value) {
    return FloatVector.broadcast(FLOATS, value);
  }

  /** Halves that are finite, exactly: moved into a float's place, and the bias corrected. */
  static FloatVector finiteHalves(MemorySegment data, long at) {
    ShortVector bits = ShortVector.fromMemorySegment(SHORTS, data, at, ORDER);
    IntVector h = (IntVector) bits.convertShape(VectorOperators.S2I, INTS, 0);
    // The sign was extended over the exponent's upper bits, which the mask clears again.
    IntVector moved = h.lanewise(VectorOperators.LSHL, 13).and(HALF_BITS);
    return moved.reinterpretAsFloats().mul(HALF_SCALE);
  }

  static FloatVector brainFloats(MemorySegment data, long at) {
    ShortVector bits = ShortVector.fromMemorySegment(SHORTS, data, at, ORDER);
    IntVector h = (IntVector) bits.convertShape(VectorOperators.S2I, INTS, 0);
    return h.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  static FloatVector floats(MemorySegment data, long at) {
    return FloatVector.fromMemorySegment(FLOATS, data, at, ORDER);
  }

  static IntVector ints(MemorySegment data, long at) {
    return IntVector.fromMemorySegment(INTS, data, at, ORDER);
  }

  static FloatVector floats(IntVector v) {
    return (FloatVector) v.convertShape(VectorOperators.I2F, FLOATS, 0);
  }

  static ShortVector wideShorts(MemorySegment data, long at) {
    return ShortVector.fromMemorySegment(WIDE_SHORTS, data, at, ORDER);
  }

  /** A short that both halves of an int have, in all lanes. */
  static ShortVector wideSplat(int twins) {
    return IntVector.broadcast(INTS, twins).reinterpretAsShorts();
  }

  /** The shorts in the low halves of ints. */
  static IntVector lowHalves(ShortVector v) {
    return highHalves(v.reinterpretAsInts().lanewise(VectorOperators.LSHL, 16));
  }

  /** The shorts in the high halves of ints. */
  static IntVector highHalves(ShortVector v) {
    return highHalves(v.reinterpretAsInts());
  }

  private static IntVector highHalves(IntVector v) {
    return v.lanewise(VectorOperators.ASHR, 16);
  }

  static FloatVector signedBytes(MemorySegment data, long at) {
    ByteVector bytes = ByteVector.fromMemorySegment(BYTES, data, at, ORDER);
    return (FloatVector) bytes.convertShape(VectorOperators.B2F, FLOATS, 0);
  }

  static IntVector unsignedBytes(MemorySegment data, long at) {
    ByteVector bytes = ByteVector.fromMemorySegment(BYTES, data, at, ORDER);
    return (IntVector) bytes.convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, 0);
  }
}
