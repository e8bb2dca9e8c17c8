package dev.quire.engine.cpu.math;

import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * The loops over floats that a transformer layer consists of. All implementations give the same
 * bits (see the package's description), so a caller can't tell them apart but by time.
 *
 * <p>The public methods work on one row, on the calling thread, without allocation. {@link MatMul}
 * and {@link PagedAttention} build on the others.
 */
public abstract sealed class Arithmetic
    permits ScalarArithmetic, VectorArithmetic, WarmingArithmetic {
  /** Partial sums of every sum. */
  static final int LANES = 16;

  /** Positions that attention's softmax takes at once; tiles start at multiples of it. */
  static final int POSITION_TILE = 32;

  /** Quantised rows that share their reading of words of nibbles. */
  static final int QUAD = 4;

  /** Most input rows of {@link #multiply}. */
  static final int TILE_ROWS = 8;

  /**
   * The arithmetic of a width.
   *
   * @throws UnsupportedOperationException if the width needs the module jdk.incubator.vector, and
   *     the JVM was started without it
   */
  public static Arithmetic of(VectorWidth width) {
    return VectorSupport.choose(width);
  }

  /**
   * Says before a model is loaded what types its weights have: the machine's own arithmetic then
   * warms up for them on a thread of its own, while the rest is read.
   */
  public static void warmUp(VectorWidth width, Collection<TensorType> types) {
    Arithmetic arithmetic = of(width);
    for (TensorType type : types) {
      TileLayout layout = TileLayout.of(type);
      if (layout != null) {
        arithmetic.expect(layout);
      }
    }
  }

  /** What this is, for people: the width of its vectors, and why it isn't wider. */
  public abstract String describe();

  /** Says early what will be computed, so that it is fast when it comes to it. */
  void expect(TileLayout layout) {}

  /** Waits until all that is expected is as fast as it gets, or the time is over. */
  void awaitExpected(long nanos) {}

  // Matrix products; WeightTiles says in which order a row is summed

  /** {@code out[outOffset + r] = Σ w[64 · tile + r, i] · x[xOffset + i]} for all 64 rows. */
  abstract void product(
      WeightTiles w, int tile, float[] x, int xOffset, float[] out, int outOffset, Scratch s);

  /**
   * Decodes a chunk of a tile.
   *
   * @param from the chunk's first input
   * @param panel gets {@code [inputs of the chunk][64]}
   */
  abstract void decode(WeightTiles w, int tile, int from, float[] panel, Scratch s);

  /**
   * Adds the sums of a chunk: {@code out[outOffset + t · outStride + r] += Σ panel[i][r] · x[i][t]}
   * for all 64 rows.
   *
   * @param panel a decoded chunk of {@code n} inputs
   * @param x the input rows interleaved, {@code [n][rows]} from {@code xOffset} on
   * @param rows 1, 2, 4 or {@value #TILE_ROWS}
   */
  abstract void multiply(
      float[] panel,
      int n,
      float[] x,
      int xOffset,
      int rows,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s);

  /**
   * As {@link #product}, of one or four quantised rows: {@code out[outOffset + t · outStride + r]}.
   *
   * @param x with {@linkplain QuantizedRows#factors factors} of the rows
   * @param row the first row
   * @param rows 1, or {@value #QUAD} where the factors are those of a quad
   */
  abstract void quantizedProduct(
      WeightTiles w,
      int tile,
      QuantizedRows x,
      int row,
      int rows,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s);

  /** Most quantised rows whose products with words of nibbles are faster than over levels. */
  int mostNibbleRows() {
    return 16;
  }

  /**
   * As {@link #decode}, but levels alone, of a part of a chunk; their scales and minima are left in
   * the scratch.
   *
   * @param from the first input, a multiple of 32
   * @param n inputs, a multiple of 32
   */
  abstract void levels(WeightTiles w, int tile, int from, int n, float[] panel, Scratch s);

  /**
   * As {@link #multiply}, of levels by quantised rows: each block's sum is exact, and added with
   * its scales, block by block.
   *
   * @param minima whether the levels have minima
   * @param panel levels, whose scales and minima are in the scratch
   * @param x the levels of the input rows interleaved
   * @param firstScale where the first row's scales start, from the chunk's first block on
   * @param scaleStride from there to the next row's
   */
  abstract void multiplyLevels(
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
      Scratch s);

  // Attention

  /**
   * Decodes vectors of a cache, {@code vectors} of {@code n} values that lie together, to floats
   * off the heap.
   *
   * @param type not {@link KvType#F32}
   */
  abstract void decodeCache(
      KvType type,
      MemorySegment data,
      long from,
      int vectors,
      int n,
      MemorySegment floats,
      long to);

  /**
   * Scores of some heads that share their keys: {@code scores[h · stride + p] = Σ q[h][d] ·
   * keys[p][d]}, for {@code positions} key vectors that lie together.
   */
  abstract void scores(
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
      Scratch s);

  /**
   * {@code p[i] = exp(p[i] − max)} for the {@link #POSITION_TILE} values from {@code offset} on.
   *
   * @return the sum of the new values
   */
  abstract float exponentials(float[] p, int offset, float max);

  /**
   * {@code sums[h][d] += p[h · stride + i] · values[i][d]}, positions in ascending order, for
   * {@code positions} value vectors that lie together.
   */
  abstract void accumulate(
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
      Scratch s);

  // Element-wise parts

  /**
   * Root-mean-square norm (Zhang and Sennrich, arXiv 1910.07467): {@code out = x / √(mean(x²) +
   * epsilon) · weight}. {@code out} may be {@code x}.
   */
  public final void rmsNorm(
      float[] x, int xOffset, float[] weight, float epsilon, int n, float[] out, int outOffset) {
    float mean = sumOfSquares(x, xOffset, n, 0) / n;
    float factor = (float) (1 / Math.sqrt(mean + epsilon));
    for (int i = 0; i < n; i++) {
      out[outOffset + i] = x[xOffset + i] * factor * weight[i];
    }
  }

  /**
   * Layer norm (Ba et al., arXiv 1607.06450): {@code out = (x − mean) / √(variance + epsilon) ·
   * weight + bias}. {@code out} may be {@code x}.
   *
   * @param bias null for none
   */
  public final void layerNorm(
      float[] x,
      int xOffset,
      float[] weight,
      float @Nullable [] bias,
      float epsilon,
      int n,
      float[] out,
      int outOffset) {
    float mean = sum(x, xOffset, n) / n;
    float variance = sumOfSquares(x, xOffset, n, mean) / n;
    float factor = (float) (1 / Math.sqrt(variance + epsilon));
    for (int i = 0; i < n; i++) {
      out[outOffset + i] = (x[xOffset + i] - mean) * factor * weight[i];
    }
    if (bias != null) {
      for (int i = 0; i < n; i++) {
        out[outOffset + i] += bias[i];
      }
    }
  }

  /** {@code Σ x[i]}. */
  abstract float sum(float[] x, int offset, int n);

  /** {@code Σ (x[i] − centre)²}. */
  abstract float sumOfSquares(float[] x, int offset, int n, float centre);

  /** {@code x[i] = f(x[i])}. */
  public abstract void activate(Activation f, float[] x, int offset, int n);

  /** A gated layer's middle: {@code gate[i] = f(gate[i]) · up[i]}. */
  public final void activateAndMultiply(
      Activation f, float[] gate, int gateOffset, float[] up, int upOffset, int n) {
    activate(f, gate, gateOffset, n);
    for (int i = 0; i < n; i++) {
      gate[gateOffset + i] *= up[upOffset + i];
    }
  }

  /** {@code x[i] = cap · tanh(x[i] / cap)} (Gemma 2, arXiv 2408.00118, section 2). */
  public abstract void softCap(float[] x, int offset, int n, float cap);

  /** {@code x[i] += y[i]}. */
  public final void add(float[] x, int xOffset, float[] y, int yOffset, int n) {
    for (int i = 0; i < n; i++) {
      x[xOffset + i] += y[yOffset + i];
    }
  }

  /** {@code x[i] *= factor}. */
  public final void scale(float[] x, int offset, int n, float factor) {
    for (int i = 0; i < n; i++) {
      x[offset + i] *= factor;
    }
  }
}
