package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Arithmetic.LANES;
import static dev.quire.engine.cpu.math.Lanes.BYTES;
import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.INTS;
import static dev.quire.engine.cpu.math.Lanes.ORDER;
import static dev.quire.engine.cpu.math.Lanes.PARTS;
import static dev.quire.engine.cpu.math.Lanes.SHORTS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;

import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Weights straight from the model file: four rows against one input, and rows decoded. A weight is
 * decoded to the float that its codec gives (scale times level is exact in a float), in a register.
 * Types whose decoding takes more operations get no product of their own: four copies of them in
 * one loop are more than C2 inlines, and a decoded row that stays in the first-level cache is
 * faster.
 */
final class VectorWeights {
  private static final int BLOCK = 32;
  private static final int Q8_0_BYTES = 34;
  private static final int Q4_0_BYTES = 18;
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ORDER);

  /** The values of a nibble; times a block's scale, they are its table of weights. */
  private static final FloatVector Q4_LEVELS =
      FloatVector.fromArray(
          FLOATS, new float[] {-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7}, 0);

  /** Vectors of floats that a vector of bytes fills. */
  private static final int PARTS_OF_BYTES = BYTES.length() / WIDTH;

  private VectorWeights() {}

  /** Whether {@link #product} has a loop for rows of this type and length. */
  static boolean hasProduct(Matrix w) {
    return w.inputs() % LANES == 0
        && switch (w.type()) {
          case Q8_0, Q4_0, F16, BF16, F32 -> true;
          default -> false;
        };
  }

  /**
   * Four rows against one input: their partial sums, a vector a row.
   *
   * @param output the first row
   * @param apart rows from one to the next. Neighbours would be read in turns, a few lines of each,
   *     which hardware prefetching follows badly; rows far apart are four long streams
   */
  static void product(Matrix w, int output, int apart, float[] x, int xOffset, float[] lanes) {
    MemorySegment data = w.data();
    long bytes = w.rowBytes();
    long stride = apart * bytes;
    int n = w.inputs();
    for (int pair = 0; pair < Arithmetic.TILE_OUTPUTS; pair += 2) {
      long row = output * bytes + pair * stride;
      for (int part = 0; part < PARTS; part++) {
        int to = pair * LANES + part * WIDTH;
        switch (w.type()) {
          case Q8_0 -> q8Product(data, row, stride, x, xOffset, n, part, lanes, to);
          case Q4_0 -> q4Product(data, row, stride, x, xOffset, n, part, lanes, to);
          case F16 -> f16Product(data, row, stride, x, xOffset, n, part, lanes, to);
          case BF16 -> bf16Product(data, row, stride, x, xOffset, n, part, lanes, to);
          case F32 -> f32Product(data, row, stride, x, xOffset, n, part, lanes, to);
          default -> throw new IllegalArgumentException("no loop for " + w.type());
        }
      }
    }
  }

  /** Two rows, not four: more loads from a segment in one loop than C2 inlines. */
  private static void q8Product(
      MemorySegment data,
      long row,
      long stride,
      float[] x,
      int xOffset,
      int length,
      int part,
      float[] lanes,
      int lanesOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    int first = part * WIDTH;
    long at = row;
    for (int i = 0; i < length; i += BLOCK, at += Q8_0_BYTES) {
      FloatVector u0 = FloatVector.fromArray(FLOATS, x, xOffset + i + first);
      FloatVector u1 = FloatVector.fromArray(FLOATS, x, xOffset + i + first + LANES);
      float scale = scale(data, at);
      s0 = q8(data, at + 2, part).mul(scale).fma(u0, s0);
      s0 = q8(data, at + 2 + LANES, part).mul(scale).fma(u1, s0);
      long next = at + stride;
      scale = scale(data, next);
      s1 = q8(data, next + 2, part).mul(scale).fma(u0, s1);
      s1 = q8(data, next + 2 + LANES, part).mul(scale).fma(u1, s1);
    }
    s0.intoArray(lanes, lanesOffset);
    s1.intoArray(lanes, lanesOffset + LANES);
  }

  private static void bf16Product(
      MemorySegment data,
      long row,
      long stride,
      float[] x,
      int xOffset,
      int length,
      int part,
      float[] lanes,
      int lanesOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    int first = part * WIDTH;
    long at = row + (long) first * Short.BYTES;
    for (int i = first; i < length; i += LANES, at += Short.BYTES * LANES) {
      FloatVector u = FloatVector.fromArray(FLOATS, x, xOffset + i);
      s0 = Lanes.brainFloats(shorts(data, at)).fma(u, s0);
      s1 = Lanes.brainFloats(shorts(data, at + stride)).fma(u, s1);
    }
    s0.intoArray(lanes, lanesOffset);
    s1.intoArray(lanes, lanesOffset + LANES);
  }

  private static void f16Product(
      MemorySegment data,
      long row,
      long stride,
      float[] x,
      int xOffset,
      int length,
      int part,
      float[] lanes,
      int lanesOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    int first = part * WIDTH;
    long at = row + (long) first * Short.BYTES;
    for (int i = first; i < length; i += LANES, at += Short.BYTES * LANES) {
      FloatVector u = FloatVector.fromArray(FLOATS, x, xOffset + i);
      s0 = Lanes.halves(shorts(data, at)).fma(u, s0);
      s1 = Lanes.halves(shorts(data, at + stride)).fma(u, s1);
    }
    s0.intoArray(lanes, lanesOffset);
    s1.intoArray(lanes, lanesOffset + LANES);
  }

  private static void f32Product(
      MemorySegment data,
      long row,
      long stride,
      float[] x,
      int xOffset,
      int length,
      int part,
      float[] lanes,
      int lanesOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    int first = part * WIDTH;
    long at = row + (long) first * Float.BYTES;
    for (int i = first; i < length; i += LANES, at += Float.BYTES * LANES) {
      FloatVector u = FloatVector.fromArray(FLOATS, x, xOffset + i);
      s0 = floats(data, at).fma(u, s0);
      s1 = floats(data, at + stride).fma(u, s1);
    }
    s0.intoArray(lanes, lanesOffset);
    s1.intoArray(lanes, lanesOffset + LANES);
  }

  private static void q4Product(
      MemorySegment data,
      long row,
      long stride,
      float[] x,
      int xOffset,
      int length,
      int part,
      float[] lanes,
      int lanesOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    int first = part * WIDTH;
    long at = row;
    for (int i = 0; i < length; i += BLOCK, at += Q4_0_BYTES) {
      FloatVector u0 = FloatVector.fromArray(FLOATS, x, xOffset + i + first);
      FloatVector u1 = FloatVector.fromArray(FLOATS, x, xOffset + i + first + LANES);
      FloatVector levels = levels(scale(data, at));
      IntVector pairs = nibbles(data, at + 2, part);
      s0 = low(levels, pairs).fma(u0, s0);
      s0 = high(levels, pairs).fma(u1, s0);
      long next = at + stride;
      levels = levels(scale(data, next));
      pairs = nibbles(data, next + 2, part);
      s1 = low(levels, pairs).fma(u0, s1);
      s1 = high(levels, pairs).fma(u1, s1);
    }
    s0.intoArray(lanes, lanesOffset);
    s1.intoArray(lanes, lanesOffset + LANES);
  }

  /** Decodes a row; false if there is no loop for its type. */
  static boolean decode(Matrix w, int row, float[] target, int offset) {
    if (w.inputs() % LANES != 0) {
      return false;
    }
    MemorySegment data = w.data();
    long at = row * w.rowBytes();
    int end = offset + w.inputs();
    switch (w.type()) {
      case Q8_0 -> decodeQ8(data, at, target, offset, end);
      case Q4_0 -> decodeQ4(data, at, target, offset, end);
      case F16, BF16 -> decodeShorts(w.type(), data, at, target, offset, end);
      default -> {
        return false;
      }
    }
    return true;
  }

  private static void decodeQ8(MemorySegment data, long from, float[] target, int offset, int end) {
    long block = from;
    for (int i = offset; i < end; i += BLOCK, block += Q8_0_BYTES) {
      float scale = scale(data, block);
      for (int part = 0; part < PARTS; part++) {
        int to = i + part * WIDTH;
        q8(data, block + 2, part).mul(scale).intoArray(target, to);
        q8(data, block + 2 + LANES, part).mul(scale).intoArray(target, to + LANES);
      }
    }
  }

  private static void decodeQ4(MemorySegment data, long from, float[] target, int offset, int end) {
    long block = from;
    for (int i = offset; i < end; i += BLOCK, block += Q4_0_BYTES) {
      FloatVector levels = levels(scale(data, block));
      for (int part = 0; part < PARTS; part++) {
        int to = i + part * WIDTH;
        IntVector pairs = nibbles(data, block + 2, part);
        low(levels, pairs).intoArray(target, to);
        high(levels, pairs).intoArray(target, to + LANES);
      }
    }
  }

  private static void decodeShorts(
      TensorType type, MemorySegment data, long from, float[] target, int offset, int end) {
    long at = from;
    for (int i = offset; i < end; i += WIDTH, at += Short.BYTES * WIDTH) {
      ShortVector bits = shorts(data, at);
      FloatVector values = type == TensorType.F16 ? Lanes.halves(bits) : Lanes.brainFloats(bits);
      values.intoArray(target, i);
    }
  }

  private static float scale(MemorySegment data, long at) {
    return Float.float16ToFloat(data.get(SHORT, at));
  }

  /** One part of sixteen levels of Q8_0 as floats. */
  private static FloatVector q8(MemorySegment data, long at, int part) {
    return (FloatVector)
        bytes(data, at, part).convertShape(VectorOperators.B2F, FLOATS, part % PARTS_OF_BYTES);
  }

  /** One part of the sixteen bytes of a Q4_0 block, each of two levels. */
  private static IntVector nibbles(MemorySegment data, long at, int part) {
    return (IntVector)
        bytes(data, at, part)
            .convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, part % PARTS_OF_BYTES);
  }

  private static ByteVector bytes(MemorySegment data, long at, int part) {
    int first = part / PARTS_OF_BYTES * BYTES.length();
    return ByteVector.fromMemorySegment(BYTES, data, at + first, ORDER);
  }

  /** What turns nibbles into weights: all sixteen weights, or the scale where they are too many. */
  private static FloatVector levels(float scale) {
    return PARTS == 1 ? Q4_LEVELS.mul(scale) : Lanes.splat(scale);
  }

  private static FloatVector low(FloatVector levels, IntVector pairs) {
    return weights(levels, pairs.and(15));
  }

  private static FloatVector high(FloatVector levels, IntVector pairs) {
    return weights(levels, pairs.lanewise(VectorOperators.LSHR, 4));
  }

  private static FloatVector weights(FloatVector levels, IntVector nibbles) {
    if (PARTS == 1) {
      return levels.rearrange(nibbles.toShuffle().cast(FLOATS));
    }
    IntVector level = nibbles.sub(8);
    return ((FloatVector) level.convertShape(VectorOperators.I2F, FLOATS, 0)).mul(levels);
  }

  private static ShortVector shorts(MemorySegment data, long at) {
    return ShortVector.fromMemorySegment(SHORTS, data, at, ORDER);
  }

  private static FloatVector floats(MemorySegment data, long at) {
    return FloatVector.fromMemorySegment(FLOATS, data, at, ORDER);
  }
}
