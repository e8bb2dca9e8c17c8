package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Arithmetic.LANES;
import static dev.quire.engine.cpu.math.Lanes512.BYTES;
import static dev.quire.engine.cpu.math.Lanes512.FLOATS;
import static dev.quire.engine.cpu.math.Lanes512.INTS;
import static dev.quire.engine.cpu.math.Lanes512.ORDER;
import static dev.quire.engine.cpu.math.Lanes512.SHORTS;

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
final class Weights512 {
  private static final int BLOCK = 32;
  private static final int Q8_0_BYTES = 34;
  private static final int Q4_0_BYTES = 18;
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ORDER);

  /** The sixteen values of a nibble; times a block's scale, they are its table of weights. */
  private static final FloatVector Q4_LEVELS =
      FloatVector.fromArray(
          FLOATS, new float[] {-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7}, 0);

  private Weights512() {}

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
      int to = pair * LANES;
      switch (w.type()) {
        case Q8_0 -> q8Product(data, row, stride, x, xOffset, n, lanes, to);
        case Q4_0 -> q4Product(data, row, stride, x, xOffset, n, lanes, to);
        case F16 -> f16Product(data, row, stride, x, xOffset, n, lanes, to);
        case BF16 -> bf16Product(data, row, stride, x, xOffset, n, lanes, to);
        case F32 -> f32Product(data, row, stride, x, xOffset, n, lanes, to);
        default -> throw new IllegalArgumentException("no loop for " + w.type());
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
      float[] lanes,
      int lanesOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    long at = row;
    for (int i = 0; i < length; i += BLOCK, at += Q8_0_BYTES) {
      FloatVector u0 = FloatVector.fromArray(FLOATS, x, xOffset + i);
      FloatVector u1 = FloatVector.fromArray(FLOATS, x, xOffset + i + LANES);
      float scale = scale(data, at);
      s0 = q8(data, at + 2).mul(scale).fma(u0, s0);
      s0 = q8(data, at + 2 + LANES).mul(scale).fma(u1, s0);
      long next = at + stride;
      scale = scale(data, next);
      s1 = q8(data, next + 2).mul(scale).fma(u0, s1);
      s1 = q8(data, next + 2 + LANES).mul(scale).fma(u1, s1);
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
      float[] lanes,
      int lanesOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    long at = row;
    for (int i = 0; i < length; i += LANES, at += Short.BYTES * LANES) {
      FloatVector u = FloatVector.fromArray(FLOATS, x, xOffset + i);
      s0 = Lanes512.brainFloats(shorts(data, at)).fma(u, s0);
      s1 = Lanes512.brainFloats(shorts(data, at + stride)).fma(u, s1);
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
      float[] lanes,
      int lanesOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    long at = row;
    for (int i = 0; i < length; i += LANES, at += Short.BYTES * LANES) {
      FloatVector u = FloatVector.fromArray(FLOATS, x, xOffset + i);
      s0 = Lanes512.halves(shorts(data, at)).fma(u, s0);
      s1 = Lanes512.halves(shorts(data, at + stride)).fma(u, s1);
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
      float[] lanes,
      int lanesOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    long at = row;
    for (int i = 0; i < length; i += LANES, at += Float.BYTES * LANES) {
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
      float[] lanes,
      int lanesOffset) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    long at = row;
    for (int i = 0; i < length; i += BLOCK, at += Q4_0_BYTES) {
      FloatVector u0 = FloatVector.fromArray(FLOATS, x, xOffset + i);
      FloatVector u1 = FloatVector.fromArray(FLOATS, x, xOffset + i + LANES);
      FloatVector levels = Q4_LEVELS.mul(scale(data, at));
      IntVector pairs = nibbles(data, at + 2);
      s0 = low(levels, pairs).fma(u0, s0);
      s0 = high(levels, pairs).fma(u1, s0);
      long next = at + stride;
      levels = Q4_LEVELS.mul(scale(data, next));
      pairs = nibbles(data, next + 2);
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
      q8(data, block + 2).mul(scale).intoArray(target, i);
      q8(data, block + 2 + LANES).mul(scale).intoArray(target, i + LANES);
    }
  }

  private static void decodeQ4(MemorySegment data, long from, float[] target, int offset, int end) {
    long block = from;
    for (int i = offset; i < end; i += BLOCK, block += Q4_0_BYTES) {
      FloatVector levels = Q4_LEVELS.mul(scale(data, block));
      IntVector pairs = nibbles(data, block + 2);
      low(levels, pairs).intoArray(target, i);
      high(levels, pairs).intoArray(target, i + LANES);
    }
  }

  private static void decodeShorts(
      TensorType type, MemorySegment data, long from, float[] target, int offset, int end) {
    long at = from;
    for (int i = offset; i < end; i += LANES, at += Short.BYTES * LANES) {
      ShortVector bits = shorts(data, at);
      FloatVector values =
          type == TensorType.F16 ? Lanes512.halves(bits) : Lanes512.brainFloats(bits);
      values.intoArray(target, i);
    }
  }

  private static float scale(MemorySegment data, long at) {
    return Float.float16ToFloat(data.get(SHORT, at));
  }

  private static FloatVector q8(MemorySegment data, long at) {
    return (FloatVector)
        ByteVector.fromMemorySegment(BYTES, data, at, ORDER)
            .convertShape(VectorOperators.B2F, FLOATS, 0);
  }

  private static IntVector nibbles(MemorySegment data, long at) {
    return (IntVector)
        ByteVector.fromMemorySegment(BYTES, data, at, ORDER)
            .convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, 0);
  }

  private static FloatVector low(FloatVector levels, IntVector pairs) {
    return levels.rearrange(pairs.and(15).toShuffle().cast(FLOATS));
  }

  private static FloatVector high(FloatVector levels, IntVector pairs) {
    return levels.rearrange(pairs.lanewise(VectorOperators.LSHR, 4).toShuffle().cast(FLOATS));
  }

  private static ShortVector shorts(MemorySegment data, long at) {
    return ShortVector.fromMemorySegment(SHORTS, data, at, ORDER);
  }

  private static FloatVector floats(MemorySegment data, long at) {
    return FloatVector.fromMemorySegment(FLOATS, data, at, ORDER);
  }
}
