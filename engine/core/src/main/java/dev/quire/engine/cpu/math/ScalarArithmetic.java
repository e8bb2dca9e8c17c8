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
      WeightTiles w,
      int tile,
      int tiles,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset,
      Scratch s) {
    float[] panel = s.panel(WeightTiles.CHUNK * WeightTiles.ROWS);
    Arrays.fill(out, outOffset, outOffset + tiles * WeightTiles.ROWS, 0);
    for (int t = 0; t < tiles; t++) {
      int to = outOffset + t * WeightTiles.ROWS;
      for (int from = 0; from < w.inputs(); from += WeightTiles.CHUNK) {
        int n = Math.min(WeightTiles.CHUNK, w.inputs() - from);
        decode(w, tile + t, from, panel, s);
        multiply(panel, n, x, xOffset + from, 1, out, to, 0, s);
      }
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
  void quantizedProducts(
      WeightTiles w,
      int tile,
      QuantizedRows x,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    float[] panel = s.panel(WeightTiles.CHUNK * WeightTiles.ROWS);
    for (int r = 0; r < x.rows(); r++) {
      int to = outOffset + r * outStride;
      Arrays.fill(out, to, to + WeightTiles.ROWS, 0);
    }
    for (int from = 0; from < w.inputs(); from += WeightTiles.CHUNK) {
      int n = Math.min(WeightTiles.CHUNK, w.inputs() - from);
      ScalarTiles.levels(w, tile, from, n, panel, s);
      for (int r = 0; r < x.rows(); r++) {
        int to = outOffset + r * outStride;
        ScalarTiles.multiplyLevels(w.layout().hasMinima(), panel, n, x, r, from, out, to, s);
      }
    }
  }

  @Override
  void decodeCache(
      KvCache cache, long piece, int slot, int slots, MemorySegment tile, int position) {
    decodeKeys(cache, piece, slot, slots, tile, position);
    decodeValues(cache, piece, slot, slots, tile, position);
  }

  static void decodeKeys(
      KvCache cache, long piece, int slot, int slots, MemorySegment tile, int position) {
    int size = cache.headSize();
    for (int s = 0; s < slots; s++) {
      int lane = (position + s) % LANES;
      long to = (long) (position + s - lane) * size + lane;
      for (int d = 0; d < size; d++, to += LANES) {
        tile.setAtIndex(ValueLayout.JAVA_FLOAT, to, cache.keyAt(piece, slot + s, d));
      }
    }
  }

  static void decodeValues(
      KvCache cache, long piece, int slot, int slots, MemorySegment tile, int position) {
    int size = cache.headSize();
    long values = (long) POSITION_TILE * size;
    for (int s = 0; s < slots; s++) {
      for (int d = 0; d < size; d++) {
        int lane = d % LANES;
        long to = values + (long) (d - lane) * POSITION_TILE + (position + s) * LANES + lane;
        tile.setAtIndex(ValueLayout.JAVA_FLOAT, to, cache.valueAt(piece, slot + s, d));
      }
    }
  }

  @Override
  void addPanel(
      float[] a,
      int aOffset,
      int aStride,
      int rows,
      int n,
      MemorySegment panel,
      long from,
      float[] c,
      int cOffset,
      int cStride) {
    for (int r = 0; r < rows; r++) {
      int to = cOffset + r * cStride;
      long at = from;
      for (int i = 0; i < n; i++) {
        float x = a[aOffset + r * aStride + i];
        for (int j = 0; j < LANES; j++, at += Float.BYTES) {
          c[to + j] = Math.fma(x, panel.get(ValueLayout.JAVA_FLOAT, at), c[to + j]);
        }
      }
    }
  }

  @Override
  void soften(
      float[] p, int first, int rows, float[] maxima, float[] totals, float[] sums, int width) {
    for (int r = first; r < first + rows; r++) {
      int from = r * POSITION_TILE;
      float max = Float.NEGATIVE_INFINITY;
      for (int i = from; i < from + POSITION_TILE; i++) {
        max = Math.max(max, p[i]);
      }
      if (max > maxima[r]) {
        float factor = ScalarMath.exp(maxima[r] - max);
        scale(totals, r * LANES, LANES, factor);
        scale(sums, r * width, width, factor);
        maxima[r] = max;
      }
      for (int i = 0; i < POSITION_TILE; i++) {
        p[from + i] = ScalarMath.exp(p[from + i] - maxima[r]);
        totals[r * LANES + i % LANES] += p[from + i];
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
