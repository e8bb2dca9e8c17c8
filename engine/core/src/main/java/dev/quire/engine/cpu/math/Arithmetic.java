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

  /** Most tiles that are multiplied by a single row together. */
  static final int TILES_TOGETHER = 4;

  /** Positions that attention's softmax takes at once; tiles start at multiples of it. */
  static final int POSITION_TILE = 32;

  /** Quantised rows that share their reading of words of nibbles. */
  static final int QUAD = 4;

  /** Most quantised rows that words of bytes are multiplied by one after the other. */
  static final int FEW_ROWS = 4;

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

  /** Waits until all that is expected is fast enough for a first step, or the time is over. */
  void awaitExpected(long nanos) {}

  /**
   * Says that a step starts.
   *
   * @param work multiply-adds of a thread in products with weights
   */
  public void stepStarts(long work) {}

  /** Says that a step is done: the time to become faster, if there is more to be had. */
  public void stepDone() {}

  // Matrix products; WeightTiles says in which order a row is summed

  /**
   * {@code out[outOffset + r] = Σ w[64 · tile + r, i] · x[xOffset + i]} for all rows of some tiles.
   *
   * @param tiles up to {@value #TILES_TOGETHER}
   */
  abstract void product(
      WeightTiles w,
      int tile,
      int tiles,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset,
      Scratch s);

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
   * Whether so many quantised rows are multiplied by words of weights as they are, and so have
   * {@linkplain QuantizedRows#factors factors}; else they are {@linkplain QuantizedRows#interleaved
   * interleaved}.
   *
   * @param nibbles whether words are of nibbles, and not of bytes
   */
  boolean multipliesWords(boolean nibbles, int rows) {
    return false;
  }

  /** Most quantised rows that are interleaved. */
  int mostOfGroup() {
    return TILE_ROWS;
  }

  /**
   * As {@link #product}, of all the quantised rows: {@code out[outOffset + t · outStride + r]}.
   * Each block's sum is exact, and added with its scales, block by block.
   */
  abstract void quantizedProducts(
      WeightTiles w,
      int tile,
      QuantizedRows x,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s);

  /**
   * As {@link #quantizedProducts}, of one row and some neighbouring tiles: {@code out[outOffset +
   * r]} for all their rows.
   *
   * @param tiles up to {@value #TILES_TOGETHER}
   */
  void quantizedRow(
      WeightTiles w, int tile, int tiles, QuantizedRows x, float[] out, int outOffset, Scratch s) {
    for (int t = 0; t < tiles; t++) {
      int to = outOffset + t * WeightTiles.ROWS;
      quantizedProducts(w, tile + t, x, out, to, WeightTiles.ROWS, s);
    }
  }

  /** Most tiles that several rows are best multiplied by together. */
  int tilesOfSeveral() {
    return 1;
  }

  /**
   * As {@link #quantizedProducts}, of some neighbouring tiles: {@code out[outOffset + t · outStride
   * + r]} for all their rows.
   *
   * @param tiles up to {@link #tilesOfSeveral}
   */
  void quantizedTiles(
      WeightTiles w,
      int tile,
      int tiles,
      QuantizedRows x,
      float[] out,
      int outOffset,
      int outStride,
      Scratch s) {
    for (int t = 0; t < tiles; t++) {
      quantizedProducts(w, tile + t, x, out, outOffset + t * WeightTiles.ROWS, outStride, s);
    }
  }

  // Attention

  /**
   * Decodes slots of a piece of a cache to a tile of floats: keys {@code [positions / 16][headSize]
   * [16]}, and behind the keys of all {@link #POSITION_TILE} positions the values, {@code [headSize
   * / 16][POSITION_TILE][16]}, whose last panel may have columns of any content.
   *
   * @param slot the first slot; a multiple of 16 where blocks have whole panels, as {@code slots}
   * @param position where in the tile the first slot goes
   */
  abstract void decodeCache(
      KvCache cache, long piece, int slot, int slots, MemorySegment tile, int position);

  /** {@code c[r][j] += Σ a[r][i] · panel[i][j]} for sixteen columns, {@code i} ascending. */
  abstract void addPanel(
      float[] a,
      int aOffset,
      int aStride,
      int rows,
      int n,
      MemorySegment panel,
      long from,
      float[] c,
      int cOffset,
      int cStride);

  /**
   * Turns rows of scores into weights: {@code p[r][i] = exp(p[r][i] − maxima[r])}. Where a score is
   * greater than the row's maximum so far, that is raised first, and what was summed up with the
   * lower one is scaled down.
   *
   * @param p {@code [rows][POSITION_TILE]}
   * @param first the first row
   * @param totals the sums of all weights, {@code [rows][16]}: partial sum {@code l} takes the
   *     positions {@code l, l + 16, …} of all tiles
   * @param sums the weighted sums of values, {@code [rows][width]}
   * @param width a multiple of 16
   */
  abstract void soften(
      float[] p, int first, int rows, float[] maxima, float[] totals, float[] sums, int width);

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
