package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Arithmetic.LANES;
import static dev.quire.engine.cpu.math.Lanes512.FLOATS;
import static dev.quire.engine.cpu.math.Lanes512.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** Attention's loops; four heads share what is loaded of keys and values. */
final class Attention512 {
  private static final int SHARED = 4;

  private Attention512() {}

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
      int stride) {
    int h = 0;
    for (; h + SHARED <= heads; h += SHARED) {
      for (int p = 0; p < positions; p++) {
        fourScores(
            q,
            qOffset + h * headSize,
            headSize,
            keys,
            keysOffset + (long) p * headSize * Float.BYTES,
            scores,
            scoresOffset + h * stride + p,
            stride);
      }
    }
    for (; h < heads; h++) {
      for (int p = 0; p < positions; p++) {
        scores[scoresOffset + h * stride + p] =
            score(
                q,
                qOffset + h * headSize,
                headSize,
                keys,
                keysOffset + (long) p * headSize * Float.BYTES);
      }
    }
  }

  private static void fourScores(
      float[] q,
      int qOffset,
      int headSize,
      MemorySegment keys,
      long key,
      float[] scores,
      int at,
      int stride) {
    int q1 = qOffset + headSize;
    int q2 = q1 + headSize;
    int q3 = q2 + headSize;
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int d = 0;
    for (; d + LANES <= headSize; d += LANES) {
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
    scores[at] = Lanes512.total(s0);
    scores[at + stride] = Lanes512.total(s1);
    scores[at + 2 * stride] = Lanes512.total(s2);
    scores[at + 3 * stride] = Lanes512.total(s3);
  }

  private static float score(float[] q, int qOffset, int headSize, MemorySegment keys, long key) {
    FloatVector s = FloatVector.zero(FLOATS);
    int d = 0;
    for (; d + LANES <= headSize; d += LANES) {
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
    return Lanes512.total(s);
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
    for (int d = 0; d < headSize; d += LANES) {
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
          s = v.fma(Lanes512.splat(p[pOffset + h * stride + i]), s);
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
      s0 = v.fma(Lanes512.splat(p[pOffset + i]), s0);
      s1 = v.fma(Lanes512.splat(p[pOffset + stride + i]), s1);
      s2 = v.fma(Lanes512.splat(p[pOffset + 2 * stride + i]), s2);
      s3 = v.fma(Lanes512.splat(p[pOffset + 3 * stride + i]), s3);
    }
    s0.intoArray(sums, at, in);
    s1.intoArray(sums, at + headSize, in);
    s2.intoArray(sums, at + 2 * headSize, in);
    s3.intoArray(sums, at + 3 * headSize, in);
  }
}
