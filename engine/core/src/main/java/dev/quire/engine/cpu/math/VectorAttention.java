package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Arithmetic.LANES;
import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.ORDER;
import static dev.quire.engine.cpu.math.Lanes.PARTS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Attention's loops, in the parts that {@link Lanes} explains; four heads share what is loaded of
 * keys and values.
 */
final class VectorAttention {
  /** Heads at a time. */
  static final int SHARED = 4;

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ORDER);

  private VectorAttention() {}

  /** {@link Arithmetic#decodeCache}, of vectors that are whole {@link Lanes#WIDTH}s. */
  static void decode(
      KvType type,
      MemorySegment data,
      long from,
      int vectors,
      int n,
      MemorySegment floats,
      long to) {
    switch (type) {
      case F16 -> {
        for (int i = 0; i < vectors * n; i += WIDTH) {
          store(Lanes.finiteHalves(data, from + 2L * i), floats, to + 4L * i);
        }
      }
      case BF16 -> {
        for (int i = 0; i < vectors * n; i += WIDTH) {
          store(Lanes.brainFloats(data, from + 2L * i), floats, to + 4L * i);
        }
      }
      case Q8_0 -> {
        long at = from;
        long target = to;
        for (int v = 0; v < vectors; v++, at += type.bytes(n), target += 4L * n) {
          for (int block = 0; block < n; block += KvType.BLOCK) {
            long scale = at + n + block / KvType.BLOCK * 2L;
            float d = Float.float16ToFloat(data.get(SHORT, scale));
            int end = Math.min(n, block + KvType.BLOCK);
            for (int i = block; i < end; i += WIDTH) {
              store(Lanes.signedBytes(data, at + i).mul(d), floats, target + 4L * i);
            }
          }
        }
      }
      case F32 -> throw new IllegalArgumentException("floats need no decoding");
    }
  }

  private static void store(FloatVector v, MemorySegment floats, long at) {
    v.intoMemorySegment(floats, at, ORDER);
  }

  static void scores(
      float[] q,
      int qOffset,
      int heads,
      int headSize,
      MemorySegment keys,
      long keysOffset,
      int positions,
      float[] scores,
      int scoresOffset,
      int stride,
      float[] lanes) {
    long keyBytes = (long) headSize * Float.BYTES;
    int h = 0;
    for (; h + SHARED <= heads; h += SHARED) {
      int from = qOffset + h * headSize;
      int at = scoresOffset + h * stride;
      for (int p = 0; p < positions; p++) {
        for (int part = 0; part < PARTS; part++) {
          fourScores(q, from, headSize, keys, keysOffset + p * keyBytes, part, lanes);
        }
        for (int r = 0; r < SHARED; r++) {
          scores[at + r * stride + p] = Lanes.total(lanes, r * LANES);
        }
      }
    }
    for (; h < heads; h++) {
      int from = qOffset + h * headSize;
      for (int p = 0; p < positions; p++) {
        for (int part = 0; part < PARTS; part++) {
          score(q, from, headSize, keys, keysOffset + p * keyBytes, part, lanes);
        }
        scores[scoresOffset + h * stride + p] = Lanes.total(lanes, 0);
      }
    }
  }

  private static void fourScores(
      float[] q, int qOffset, int headSize, MemorySegment keys, long key, int part, float[] lanes) {
    int q1 = qOffset + headSize;
    int q2 = q1 + headSize;
    int q3 = q2 + headSize;
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int d = part * WIDTH;
    for (; d + WIDTH <= headSize; d += LANES) {
      FloatVector k =
          FloatVector.fromMemorySegment(FLOATS, keys, key + (long) d * Float.BYTES, ORDER);
      s0 = FloatVector.fromArray(FLOATS, q, qOffset + d).fma(k, s0);
      s1 = FloatVector.fromArray(FLOATS, q, q1 + d).fma(k, s1);
      s2 = FloatVector.fromArray(FLOATS, q, q2 + d).fma(k, s2);
      s3 = FloatVector.fromArray(FLOATS, q, q3 + d).fma(k, s3);
    }
    if (d < headSize) {
      VectorMask<Float> rest = FLOATS.indexInRange(d, headSize);
      FloatVector k =
          FloatVector.fromMemorySegment(FLOATS, keys, key + (long) d * Float.BYTES, ORDER, rest);
      s0 = FloatVector.fromArray(FLOATS, q, qOffset + d, rest).fma(k, s0);
      s1 = FloatVector.fromArray(FLOATS, q, q1 + d, rest).fma(k, s1);
      s2 = FloatVector.fromArray(FLOATS, q, q2 + d, rest).fma(k, s2);
      s3 = FloatVector.fromArray(FLOATS, q, q3 + d, rest).fma(k, s3);
    }
    int at = part * WIDTH;
    s0.intoArray(lanes, at);
    s1.intoArray(lanes, at + LANES);
    s2.intoArray(lanes, at + 2 * LANES);
    s3.intoArray(lanes, at + 3 * LANES);
  }

  private static void score(
      float[] q, int qOffset, int headSize, MemorySegment keys, long key, int part, float[] lanes) {
    FloatVector s = FloatVector.zero(FLOATS);
    int d = part * WIDTH;
    for (; d + WIDTH <= headSize; d += LANES) {
      FloatVector k =
          FloatVector.fromMemorySegment(FLOATS, keys, key + (long) d * Float.BYTES, ORDER);
      s = FloatVector.fromArray(FLOATS, q, qOffset + d).fma(k, s);
    }
    if (d < headSize) {
      VectorMask<Float> rest = FLOATS.indexInRange(d, headSize);
      FloatVector k =
          FloatVector.fromMemorySegment(FLOATS, keys, key + (long) d * Float.BYTES, ORDER, rest);
      s = FloatVector.fromArray(FLOATS, q, qOffset + d, rest).fma(k, s);
    }
    s.intoArray(lanes, part * WIDTH);
  }

  static void accumulate(
      float[] p,
      int pOffset,
      int stride,
      int heads,
      int headSize,
      MemorySegment values,
      long valuesOffset,
      int positions,
      float[] sums,
      int sumsOffset) {
    for (int d = 0; d < headSize; d += WIDTH) {
      VectorMask<Float> in = FLOATS.indexInRange(d, headSize);
      long column = valuesOffset + (long) d * Float.BYTES;
      int h = 0;
      for (; h + SHARED <= heads; h += SHARED) {
        fourColumns(
            p,
            pOffset + h * stride,
            stride,
            headSize,
            values,
            column,
            positions,
            sums,
            sumsOffset + h * headSize + d,
            in);
      }
      for (; h < heads; h++) {
        int at = sumsOffset + h * headSize + d;
        FloatVector s = FloatVector.fromArray(FLOATS, sums, at, in);
        for (int i = 0; i < positions; i++) {
          FloatVector v =
              FloatVector.fromMemorySegment(
                  FLOATS, values, column + (long) i * headSize * Float.BYTES, ORDER, in);
          s = v.fma(Lanes.splat(p[pOffset + h * stride + i]), s);
        }
        s.intoArray(sums, at, in);
      }
    }
  }

  private static void fourColumns(
      float[] p,
      int pOffset,
      int stride,
      int headSize,
      MemorySegment values,
      long column,
      int positions,
      float[] sums,
      int at,
      VectorMask<Float> in) {
    FloatVector s0 = FloatVector.fromArray(FLOATS, sums, at, in);
    FloatVector s1 = FloatVector.fromArray(FLOATS, sums, at + headSize, in);
    FloatVector s2 = FloatVector.fromArray(FLOATS, sums, at + 2 * headSize, in);
    FloatVector s3 = FloatVector.fromArray(FLOATS, sums, at + 3 * headSize, in);
    for (int i = 0; i < positions; i++) {
      FloatVector v =
          FloatVector.fromMemorySegment(
              FLOATS, values, column + (long) i * headSize * Float.BYTES, ORDER, in);
      s0 = v.fma(Lanes.splat(p[pOffset + i]), s0);
      s1 = v.fma(Lanes.splat(p[pOffset + stride + i]), s1);
      s2 = v.fma(Lanes.splat(p[pOffset + 2 * stride + i]), s2);
      s3 = v.fma(Lanes.splat(p[pOffset + 3 * stride + i]), s3);
    }
    s0.intoArray(sums, at, in);
    s1.intoArray(sums, at + headSize, in);
    s2.intoArray(sums, at + 2 * headSize, in);
    s3.intoArray(sums, at + 3 * headSize, in);
  }
}
