package dev.quire.engine.cpu.math;

import java.lang.foreign.MemorySegment;
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

  /** Most weight rows of {@link #tile}. */
  static final int TILE_OUTPUTS = 4;

  /** Most input rows of {@link #tile}. */
  static final int TILE_ROWS = 6;

  /**
   * The arithmetic of a width.
   *
   * @throws UnsupportedOperationException if the width needs the module jdk.incubator.vector, and
   *     the JVM was started without it
   */
  public static Arithmetic of(VectorWidth width) {
    return VectorSupport.choose(width);
  }

  /** What this is, for people: the width of its vectors, and why it isn't wider. */
  public abstract String describe();

  // Matrix products

  /** {@code out[outOffset + o] = Σ w[o, i] · x[xOffset + i]} for {@code from ≤ o < to}. */
  abstract void product(
      Matrix w, int from, int to, float[] x, int xOffset, float[] out, int outOffset, Scratch s);

  /** Decodes a row as {@link Matrix#decodeRow} does. */
  abstract void decode(Matrix w, int row, float[] target, int offset, Scratch s);

  /**
   * The products of at most {@link #TILE_OUTPUTS} decoded weight rows and at most {@link
   * #TILE_ROWS} inputs: {@code out[outOffset + r · outStride + o] = Σ w[o][i] · x[r][i]}. Rows of
   * {@code w} and {@code x} are {@code wStride} and {@code xStride} apart, and zero from {@code
   * length} up to the next multiple of {@link #LANES}.
   */
  abstract void tile(
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
      Scratch s);

  // Attention

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
