package dev.quire.engine.cpu.math;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

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
      WeightTiles w, int tile, float[] x, int xOffset, float[] out, int outOffset, Scratch s) {
    float[] panel = s.panel(WeightTiles.CHUNK * WeightTiles.ROWS);
    Arrays.fill(out, outOffset, outOffset + WeightTiles.ROWS, 0);
    for (int from = 0; from < w.inputs(); from += WeightTiles.CHUNK) {
      int n = Math.min(WeightTiles.CHUNK, w.inputs() - from);
      decode(w, tile, from, panel, s);
      multiply(panel, n, x, xOffset + from, 1, out, outOffset, 0, s);
    }
  }

  @Override
  void decode(WeightTiles w, int tile, int from, float[] panel, Scratch s) {
    ScalarTiles.decode(w, tile, from, panel, s);
  }

  @Override
  void multiply(
      float[] panel,
      int n,
      float[] x,
      int xOffset,
      int rows,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    ScalarTiles.multiply(panel, n, x, xOffset, rows, out, outOffset, outStride, s);
  }

  @Override
  void quantizedProduct(
      WeightTiles w,
      int tile,
      QuantizedRows x,
      int row,
      int rows,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    float[] panel = s.panel(WeightTiles.CHUNK * WeightTiles.ROWS);
    boolean minima = w.layout().hasMinima();
    for (int r = 0; r < rows; r++) {
      int to = outOffset + r * outStride;
      Arrays.fill(out, to, to + WeightTiles.ROWS, 0);
    }
    for (int from = 0; from < w.inputs(); from += WeightTiles.CHUNK) {
      int n = Math.min(WeightTiles.CHUNK, w.inputs() - from);
      levels(w, tile, from, n, panel, s);
      for (int r = 0; r < rows; r++) {
        int input = (row + r) * w.inputs() + from;
        int scale = input / QuantizedRows.BLOCK;
        int to = outOffset + r * outStride;
        multiplyLevels(minima, panel, n, x.floats(), input, 1, x, scale, 0, out, to, 0, s);
      }
    }
  }

  @Override
  void levels(WeightTiles w, int tile, int from, int n, float[] panel, Scratch s) {
    ScalarTiles.levels(w, tile, from, n, panel, s);
  }

  @Override
  void multiplyLevels(
      boolean minima,
      float[] panel,
      int n,
      float[] x,
      int xOffset,
      int rows,
      QuantizedRows quantized,
      int firstScale,
      int scaleStride,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    ScalarTiles.multiplyLevels(
        minima,
        panel,
        n,
        x,
        xOffset,
        rows,
        quantized,
        firstScale,
        scaleStride,
        out,
        outOffset,
        outStride,
        s);
  }

  @Override
  void decodeCache(
      KvType type,
      MemorySegment data,
      long from,
      int vectors,
      int n,
      MemorySegment floats,
      long to) {
    type.decode(data, from, vectors, n, floats, to);
  }

  /** The order of an attention score's sum. */
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
