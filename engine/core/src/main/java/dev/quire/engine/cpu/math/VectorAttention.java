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
          levels(data, at, n, floats, target);
          for (int block = 0; block < n; block += KvType.BLOCK) {
            float d = Float.float16ToFloat(data.get(SHORT, at + n + block / KvType.BLOCK * 2L));
            scale(floats, target + 4L * block, Math.min(KvType.BLOCK, n - block), d);
          }
        }
      }
      case F32 -> throw new IllegalArgumentException("floats need no decoding");
    }
  }

  // One loop a method: what is nested C2 doesn't inline, and then every vector is an object.

  private static void levels(MemorySegment data, long at, int n, MemorySegment floats, long to) {
    for (int i = 0; i < n; i += WIDTH) {
      store(Lanes.signedBytes(data, at + i), floats, to + 4L * i);
    }
  }

  private static void scale(MemorySegment floats, long at, int n, float d) {
    for (int i = 0; i < n; i += WIDTH) {
      store(Lanes.floats(floats, at + 4L * i).mul(d), floats, at + 4L * i);
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
      if (PARTS <= 2 && headSize % LANES == 0) {
        for (int p = 0; p < positions; p++) {
          long key = keysOffset + p * keyBytes;
          if (PARTS == 2) {
            fourSums(q, from, headSize, keys, key, lanes, p * SHARED * WIDTH);
          } else {
            fourWideSums(q, from, headSize, keys, key, lanes, p * SHARED * WIDTH);
          }
        }
        totals(lanes, positions, scores, at, stride);
        continue;
      }
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

  /** Two parts at once, already added: {@code sums[4][WIDTH]} of a position. */
  private static void fourSums(
      float[] q, int q0, int headSize, MemorySegment keys, long key, float[] sums, int at) {
    int q1 = q0 + headSize;
    int q2 = q1 + headSize;
    int q3 = q2 + headSize;
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector b2 = a0;
    FloatVector b3 = a0;
    for (int d = 0; d < headSize; d += LANES) {
      FloatVector k = Lanes.floats(keys, key + (long) d * Float.BYTES);
      a0 = FloatVector.fromArray(FLOATS, q, q0 + d).fma(k, a0);
      a1 = FloatVector.fromArray(FLOATS, q, q1 + d).fma(k, a1);
      a2 = FloatVector.fromArray(FLOATS, q, q2 + d).fma(k, a2);
      a3 = FloatVector.fromArray(FLOATS, q, q3 + d).fma(k, a3);
      k = Lanes.floats(keys, key + (long) (d + WIDTH) * Float.BYTES);
      b0 = FloatVector.fromArray(FLOATS, q, q0 + d + WIDTH).fma(k, b0);
      b1 = FloatVector.fromArray(FLOATS, q, q1 + d + WIDTH).fma(k, b1);
      b2 = FloatVector.fromArray(FLOATS, q, q2 + d + WIDTH).fma(k, b2);
      b3 = FloatVector.fromArray(FLOATS, q, q3 + d + WIDTH).fma(k, b3);
    }
    a0.add(b0).intoArray(sums, at);
    a1.add(b1).intoArray(sums, at + WIDTH);
    a2.add(b2).intoArray(sums, at + 2 * WIDTH);
    a3.add(b3).intoArray(sums, at + 3 * WIDTH);
  }

  /** As {@link #fourSums}, of vectors that have all partial sums. */
  private static void fourWideSums(
      float[] q, int q0, int headSize, MemorySegment keys, long key, float[] sums, int at) {
    int q1 = q0 + headSize;
    int q2 = q1 + headSize;
    int q3 = q2 + headSize;
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    for (int d = 0; d < headSize; d += LANES) {
      FloatVector k = Lanes.floats(keys, key + (long) d * Float.BYTES);
      a0 = FloatVector.fromArray(FLOATS, q, q0 + d).fma(k, a0);
      a1 = FloatVector.fromArray(FLOATS, q, q1 + d).fma(k, a1);
      a2 = FloatVector.fromArray(FLOATS, q, q2 + d).fma(k, a2);
      a3 = FloatVector.fromArray(FLOATS, q, q3 + d).fma(k, a3);
    }
    a0.intoArray(sums, at);
    a1.intoArray(sums, at + WIDTH);
    a2.intoArray(sums, at + 2 * WIDTH);
    a3.intoArray(sums, at + 3 * WIDTH);
  }

  /** The totals of {@code sums[positions][4][WIDTH]}. */
  private static void totals(float[] sums, int positions, float[] scores, int at, int stride) {
    for (int r = 0; r < SHARED; r++) {
      int from = r * WIDTH;
      int to = at + r * stride;
      for (int p = 0; p < positions; p++, from += SHARED * WIDTH) {
        scores[to + p] = Lanes.total(FloatVector.fromArray(FLOATS, sums, from));
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
    int first =
        headSize % WIDTH == 0
            ? wholeColumns(
                p,
                pOffset,
                stride,
                heads,
                headSize,
                values,
                valuesOffset,
                positions,
                sums,
                sumsOffset)
            : 0;
    if (first == heads) {
      return;
    }
    for (int d = 0; d < headSize; d += WIDTH) {
      VectorMask<Float> in = FLOATS.indexInRange(d, headSize);
      long column = valuesOffset + (long) d * Float.BYTES;
      int h = first;
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

  /** Heads four by four, of columns that are whole; returns the first head that is left. */
  private static int wholeColumns(
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
    int h = 0;
    for (; h + SHARED <= heads; h += SHARED) {
      int weights = pOffset + h * stride;
      int at = sumsOffset + h * headSize;
      int d = 0;
      for (; d + 2 * WIDTH <= headSize; d += 2 * WIDTH) {
        long column = valuesOffset + (long) d * Float.BYTES;
        twoColumns(p, weights, stride, headSize, values, column, positions, sums, at + d);
      }
      if (d < headSize) {
        long column = valuesOffset + (long) d * Float.BYTES;
        oneColumn(p, weights, stride, headSize, values, column, positions, sums, at + d);
      }
    }
    return h;
  }

  private static void twoColumns(
      float[] p,
      int p0,
      int stride,
      int headSize,
      MemorySegment values,
      long column,
      int positions,
      float[] sums,
      int at0) {
    int at1 = at0 + headSize;
    int at2 = at1 + headSize;
    int at3 = at2 + headSize;
    FloatVector a0 = FloatVector.fromArray(FLOATS, sums, at0);
    FloatVector a1 = FloatVector.fromArray(FLOATS, sums, at1);
    FloatVector a2 = FloatVector.fromArray(FLOATS, sums, at2);
    FloatVector a3 = FloatVector.fromArray(FLOATS, sums, at3);
    FloatVector b0 = FloatVector.fromArray(FLOATS, sums, at0 + WIDTH);
    FloatVector b1 = FloatVector.fromArray(FLOATS, sums, at1 + WIDTH);
    FloatVector b2 = FloatVector.fromArray(FLOATS, sums, at2 + WIDTH);
    FloatVector b3 = FloatVector.fromArray(FLOATS, sums, at3 + WIDTH);
    for (int i = 0; i < positions; i++) {
      long from = column + (long) i * headSize * Float.BYTES;
      FloatVector v = Lanes.floats(values, from);
      FloatVector w = Lanes.floats(values, from + (long) WIDTH * Float.BYTES);
      FloatVector weight = Lanes.splat(p[p0 + i]);
      a0 = v.fma(weight, a0);
      b0 = w.fma(weight, b0);
      weight = Lanes.splat(p[p0 + stride + i]);
      a1 = v.fma(weight, a1);
      b1 = w.fma(weight, b1);
      weight = Lanes.splat(p[p0 + 2 * stride + i]);
      a2 = v.fma(weight, a2);
      b2 = w.fma(weight, b2);
      weight = Lanes.splat(p[p0 + 3 * stride + i]);
      a3 = v.fma(weight, a3);
      b3 = w.fma(weight, b3);
    }
    a0.intoArray(sums, at0);
    a1.intoArray(sums, at1);
    a2.intoArray(sums, at2);
    a3.intoArray(sums, at3);
    b0.intoArray(sums, at0 + WIDTH);
    b1.intoArray(sums, at1 + WIDTH);
    b2.intoArray(sums, at2 + WIDTH);
    b3.intoArray(sums, at3 + WIDTH);
  }

  private static void oneColumn(
      float[] p,
      int p0,
      int stride,
      int headSize,
      MemorySegment values,
      long column,
      int positions,
      float[] sums,
      int at) {
    FloatVector a0 = FloatVector.fromArray(FLOATS, sums, at);
    FloatVector a1 = FloatVector.fromArray(FLOATS, sums, at + headSize);
    FloatVector a2 = FloatVector.fromArray(FLOATS, sums, at + 2 * headSize);
    FloatVector a3 = FloatVector.fromArray(FLOATS, sums, at + 3 * headSize);
    for (int i = 0; i < positions; i++) {
      FloatVector v = Lanes.floats(values, column + (long) i * headSize * Float.BYTES);
      a0 = v.fma(Lanes.splat(p[p0 + i]), a0);
      a1 = v.fma(Lanes.splat(p[p0 + stride + i]), a1);
      a2 = v.fma(Lanes.splat(p[p0 + 2 * stride + i]), a2);
      a3 = v.fma(Lanes.splat(p[p0 + 3 * stride + i]), a3);
    }
    a0.intoArray(sums, at);
    a1.intoArray(sums, at + headSize);
    a2.intoArray(sums, at + 2 * headSize);
    a3.intoArray(sums, at + 3 * headSize);
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
