package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.PARTS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Vectors of the width that {@link Lanes} chose. Fast only once C2 has compiled it. */
final class VectorArithmetic extends Arithmetic {
  private final ScalarArithmetic scalar = new ScalarArithmetic("for what vectors leave over");

  @Override
  public String describe() {
    return "vectors of " + Lanes.BITS + " bits";
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
    if (TileGroup.takes(w.layout()) && !w.layout().takesQuantized()) {
      TileGroup.products(w, tile, tiles, x, xOffset, out, outOffset, s);
      return;
    }
    for (int t = 0; t < tiles; t++) {
      int to = outOffset + t * WeightTiles.ROWS;
      VectorTiles.product(w, tile + t, x, xOffset, out, to, s);
    }
  }

  @Override
  void decode(WeightTiles w, int tile, int from, float[] panel, Scratch s) {
    VectorTiles.decode(w, tile, from, panel, s);
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
    VectorPanel.multiply(panel, n, x, xOffset, rows, out, outOffset, outStride, s);
  }

  @Override
  boolean multipliesWords(boolean nibbles, int rows) {
    return QuantizedTiles.multipliesWords(nibbles, rows);
  }

  @Override
  int mostOfGroup() {
    return QuantizedTiles.MOST_OF_GROUP;
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
    QuantizedTiles.products(w, tile, x, out, outOffset, outStride, s);
  }

  @Override
  void quantizedRow(
      WeightTiles w, int tile, int tiles, QuantizedRows x, float[] out, int outOffset, Scratch s) {
    if (TileGroup.takes(w.layout())) {
      TileGroup.products(w, tile, tiles, x, out, outOffset, s);
    } else {
      super.quantizedRow(w, tile, tiles, x, out, outOffset, s);
    }
  }

  @Override
  void decodeCache(
      KvCache cache, long piece, int slot, int slots, MemorySegment tile, int position) {
    int size = cache.headSize();
    if (cache.blockSize() % LANES == 0) {
      for (int s = 0; s < slots; s += LANES) {
        long to = (long) (position + s) * size * Float.BYTES;
        VectorCache.keyPanel(cache, piece, slot + s, tile, to);
      }
    } else {
      ScalarArithmetic.decodeKeys(cache, piece, slot, slots, tile, position);
    }
    if (size % LANES == 0) {
      for (int d = 0; d < size; d += LANES) {
        long to = ((long) POSITION_TILE * (size + d) + position * LANES) * Float.BYTES;
        VectorCache.valuePanel(cache, piece, d, slot, slots, tile, to);
      }
    } else {
      ScalarArithmetic.decodeValues(cache, piece, slot, slots, tile, position);
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
    VectorAttention.addPanel(a, aOffset, aStride, rows, n, panel, from, c, cOffset, cStride);
  }

  @Override
  void soften(
      float[] p, int first, int rows, float[] maxima, float[] totals, float[] sums, int width) {
    VectorAttention.soften(p, first, rows, maxima, totals, sums, width);
  }

  @Override
  float sum(float[] x, int offset, int n) {
    FloatVector first = sums(x, offset, n, 0);
    return switch (PARTS) {
      case 1 -> Lanes.total(first);
      case 2 -> Lanes.total(first.add(sums(x, offset, n, 1)));
      default ->
          Lanes.total(
              first
                  .add(sums(x, offset, n, 2))
                  .add(sums(x, offset, n, 1).add(sums(x, offset, n, 3))));
    };
  }

  private static FloatVector sums(float[] x, int offset, int n, int part) {
    FloatVector sums = FloatVector.zero(FLOATS);
    int i = part * WIDTH;
    for (; i + WIDTH <= n; i += LANES) {
      sums = sums.add(FloatVector.fromArray(FLOATS, x, offset + i));
    }
    // Masks only at the end: in the loop they would become objects.
    if (i < n) {
      sums = sums.add(FloatVector.fromArray(FLOATS, x, offset + i, FLOATS.indexInRange(i, n)));
    }
    return sums;
  }

  @Override
  float sumOfSquares(float[] x, int offset, int n, float centre) {
    FloatVector first = squares(x, offset, n, centre, 0);
    return switch (PARTS) {
      case 1 -> Lanes.total(first);
      case 2 -> Lanes.total(first.add(squares(x, offset, n, centre, 1)));
      default ->
          Lanes.total(
              first
                  .add(squares(x, offset, n, centre, 2))
                  .add(squares(x, offset, n, centre, 1).add(squares(x, offset, n, centre, 3))));
    };
  }

  private static FloatVector squares(float[] x, int offset, int n, float centre, int part) {
    FloatVector sums = FloatVector.zero(FLOATS);
    int i = part * WIDTH;
    for (; i + WIDTH <= n; i += LANES) {
      FloatVector d = FloatVector.fromArray(FLOATS, x, offset + i).sub(centre);
      sums = d.fma(d, sums);
    }
    if (i < n) {
      var in = FLOATS.indexInRange(i, n);
      FloatVector d =
          FloatVector.zero(FLOATS)
              .blend(FloatVector.fromArray(FLOATS, x, offset + i, in).sub(centre), in);
      sums = d.fma(d, sums);
    }
    return sums;
  }

  @Override
  public void activate(Activation f, float[] x, int offset, int n) {
    if (f != Activation.SILU && f != Activation.GELU_TANH) {
      scalar.activate(f, x, offset, n);
      return;
    }
    int i = offset;
    for (; i + WIDTH <= offset + n; i += WIDTH) {
      FloatVector v = FloatVector.fromArray(FLOATS, x, i);
      FloatVector u = v;
      if (f == Activation.GELU_TANH) {
        u = v.mul(ScalarMath.GELU_CUBE).mul(v).fma(v, v).mul(ScalarMath.GELU_SCALE);
      }
      v.mul(Lanes.sigmoid(u)).intoArray(x, i);
    }
    scalar.activate(f, x, i, offset + n - i);
  }

  @Override
  public void softCap(float[] x, int offset, int n, float cap) {
    int i = offset;
    for (; i + WIDTH <= offset + n; i += WIDTH) {
      FloatVector v = FloatVector.fromArray(FLOATS, x, i);
      Lanes.tanh(v.div(cap)).mul(cap).intoArray(x, i);
    }
    scalar.softCap(x, i, offset + n - i, cap);
  }
}
