package dev.quire.engine.cpu.math;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The reference: plain loops that spell out the order of every sum. */
final class ScalarArithmetic extends Arithmetic {
  private final String why;

  /**
   * @param why for people: the reason that no vectors are used
   */
  ScalarArithmetic(String why) {
    this.why = why;
  }

  @Override
  public String describe() {
    return "scalar (" + why + ")";
  }

  @Override
  void product(
      Matrix w, int from, int to, float[] x, int xOffset, float[] out, int outOffset, Scratch s) {
    int n = w.inputs();
    float[] row = s.weights(n);
    for (int o = from; o < to; o++) {
      decode(w, o, row, 0, s);
      out[outOffset + o] = dot(row, 0, x, xOffset, n);
    }
  }

  @Override
  void decode(Matrix w, int row, float[] target, int offset, Scratch s) {
    RowDecoder.decode(w, row, target, offset, s);
  }

  @Override
  void tile(
      float[] w,
      int wOffset,
      int wStride,
      int outputs,
      float[] x,
      int xOffset,
      int xStride,
      int rows,
      int length,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    for (int r = 0; r < rows; r++) {
      for (int o = 0; o < outputs; o++) {
        out[outOffset + r * outStride + o] =
            dot(w, wOffset + o * wStride, x, xOffset + r * xStride, length);
      }
    }
  }

  /** The order of all sums of products. */
  static float dot(float[] a, int aOffset, float[] b, int bOffset, int n) {
    float[] lanes = new float[LANES];
    int whole = n - n % LANES;
    for (int i = 0; i < whole; i += LANES) {
      for (int l = 0; l < LANES; l++) {
        lanes[l] = Math.fma(a[aOffset + i + l], b[bOffset + i + l], lanes[l]);
      }
    }
    for (int i = whole; i < n; i++) {
      lanes[i - whole] = Math.fma(a[aOffset + i], b[bOffset + i], lanes[i - whole]);
    }
    return ScalarMath.total(lanes, 0);
  }

  @Override
  void scores(
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
      Scratch s) {
    float[] k = s.weights(positions * headSize);
    MemorySegment.copy(keys, ValueLayout.JAVA_FLOAT, keysOffset, k, 0, positions * headSize);
    for (int h = 0; h < heads; h++) {
      for (int p = 0; p < positions; p++) {
        scores[scoresOffset + h * stride + p] =
            dot(q, qOffset + h * headSize, k, p * headSize, headSize);
      }
    }
  }

  @Override
  float exponentials(float[] p, int offset, float max) {
    for (int i = offset; i < offset + POSITION_TILE; i++) {
      p[i] = ScalarMath.exp(p[i] - max);
    }
    return sum(p, offset, POSITION_TILE);
  }

  @Override
  void accumulate(
      float[] p,
      int pOffset,
      int stride,
      int heads,
      int headSize,
      MemorySegment values,
      long valuesOffset,
      int positions,
      float[] sums,
      int sumsOffset,
      Scratch s) {
    float[] v = s.weights(positions * headSize);
    MemorySegment.copy(values, ValueLayout.JAVA_FLOAT, valuesOffset, v, 0, positions * headSize);
    for (int h = 0; h < heads; h++) {
      int to = sumsOffset + h * headSize;
      for (int i = 0; i < positions; i++) {
        float weight = p[pOffset + h * stride + i];
        int from = i * headSize;
        for (int d = 0; d < headSize; d++) {
          sums[to + d] = Math.fma(weight, v[from + d], sums[to + d]);
        }
      }
    }
  }

  @Override
  float sum(float[] x, int offset, int n) {
    float[] lanes = new float[LANES];
    for (int i = 0; i < n; i++) {
      lanes[i % LANES] += x[offset + i];
    }
    return ScalarMath.total(lanes, 0);
  }

  @Override
  float sumOfSquares(float[] x, int offset, int n, float centre) {
    float[] lanes = new float[LANES];
    for (int i = 0; i < n; i++) {
      float d = x[offset + i] - centre;
      lanes[i % LANES] = Math.fma(d, d, lanes[i % LANES]);
    }
    return ScalarMath.total(lanes, 0);
  }

  @Override
  public void activate(Activation f, float[] x, int offset, int n) {
    for (int i = offset; i < offset + n; i++) {
      x[i] = ScalarMath.activate(f, x[i]);
    }
  }

  @Override
  public void softCap(float[] x, int offset, int n, float cap) {
    for (int i = offset; i < offset + n; i++) {
      x[i] = cap * ScalarMath.tanh(x[i] / cap);
    }
  }
}
