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
      Matrix w, int from, int to, float[] x, int xOffset, float[] out, int outOffset, Scratch s) {
    int o = from;
    if (VectorWeights.hasProduct(w)) {
      float[] lanes = s.sums(TILE_OUTPUTS * LANES);
      int apart = (to - from) / TILE_OUTPUTS;
      for (; o < from + apart; o++) {
        VectorWeights.product(w, o, apart, x, xOffset, lanes);
        for (int r = 0; r < TILE_OUTPUTS; r++) {
          out[outOffset + o + r * apart] = Lanes.total(lanes, r * LANES);
        }
      }
      o = from + apart * TILE_OUTPUTS;
    }
    if (o == to) {
      return;
    }
    int n = w.inputs();
    int padded = Math.ceilDiv(n, LANES) * LANES;
    float[] weights = s.weights((TILE_OUTPUTS + 1) * padded);
    int input = TILE_OUTPUTS * padded;
    System.arraycopy(x, xOffset, weights, input, n);
    for (int r = 0; r <= TILE_OUTPUTS; r++) {
      for (int i = n; i < padded; i++) {
        weights[r * padded + i] = 0;
      }
    }
    for (; o < to; o += TILE_OUTPUTS) {
      int outputs = Math.min(TILE_OUTPUTS, to - o);
      for (int r = 0; r < outputs; r++) {
        decode(w, o + r, weights, r * padded, s);
      }
      VectorTile.tile(
          weights, 0, padded, outputs, weights, input, padded, 1, n, out, outOffset + o, 0, s);
    }
  }

  @Override
  void decode(Matrix w, int row, float[] target, int offset, Scratch s) {
    if (!VectorWeights.decode(w, row, target, offset)) {
      RowDecoder.decode(w, row, target, offset, s);
    }
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
    VectorTile.tile(
        w, wOffset, wStride, outputs, x, xOffset, xStride, rows, length, out, outOffset, outStride,
        s);
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
    VectorAttention.scores(
        q,
        qOffset,
        heads,
        headSize,
        keys,
        keysOffset,
        positions,
        scores,
        scoresOffset,
        stride,
        s.lanes());
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
    VectorAttention.accumulate(
        p, pOffset, stride, heads, headSize, values, valuesOffset, positions, sums, sumsOffset);
  }

  @Override
  float exponentials(float[] p, int offset, float max) {
    for (int i = offset; i < offset + POSITION_TILE; i += WIDTH) {
      Lanes.exp(FloatVector.fromArray(FLOATS, p, i).sub(max)).intoArray(p, i);
    }
    return sum(p, offset, POSITION_TILE);
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
    for (int i = part * WIDTH; i < n; i += LANES) {
      var in = FLOATS.indexInRange(i, n);
      sums = sums.add(FloatVector.fromArray(FLOATS, x, offset + i, in));
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
    for (int i = part * WIDTH; i < n; i += LANES) {
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
