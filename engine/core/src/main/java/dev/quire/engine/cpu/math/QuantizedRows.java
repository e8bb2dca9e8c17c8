package dev.quire.engine.cpu.math;

/**
 * Rows of activations as whole numbers, with a scale for every 32. A sum of 32 products with whole
 * levels of weights is a whole number too, and exact whether ints or floats add it up: so all loops
 * give the same bits.
 *
 * <p>How far they go depends on what they are multiplied by, so that some products add up in a
 * short: those of two neighbours with bytes, or of sixteen with nibbles. The scale follows the
 * greatest sum of magnitudes of so many, not the greatest magnitude (127, in ggml): that leaves a
 * quarter less of an error with bytes, half as much with nibbles, and costs the same.
 */
final class QuantizedRows {
  static final int BLOCK = 32;

  /** Levels for products with bytes: {@code 128 · (254 + 1)} fits a short. */
  static QuantizedRows forBytes() {
    return new QuantizedRows(2, 254);
  }

  /** Levels for products with nibbles: {@code 15 · (2176 + 8)} fits a short. */
  static QuantizedRows forNibbles() {
    return new QuantizedRows(16, 2176);
  }

  private final int run;
  private final int most;

  private int[] twins = {};
  private float[] floats = {};
  private float[] scales = {};
  private float[] sums = {};
  private int[] levelSums = {};

  /**
   * @param run how many neighbours' magnitudes
   * @param most add up to this, but for rounding
   */
  private QuantizedRows(int run, int most) {
    this.run = run;
    this.most = most;
  }

  /** Makes room for rows. */
  void resize(int rows, int inputs) {
    int length = Math.multiplyExact(rows, inputs);
    if (floats.length < length) {
      floats = new float[length];
      scales = new float[length / BLOCK + 1];
      sums = new float[length / BLOCK + 1];
      levelSums = new int[length / BLOCK + 1];
    }
    if (rows == 1 && twins.length < inputs) {
      twins = new int[inputs];
    }
  }

  /** Quantises one of several rows. */
  void quantize(float[] x, int xOffset, int inputs, int row) {
    int to = row * inputs;
    for (int k = 0; k < inputs; k += BLOCK) {
      float greatest = greatestRun(x, xOffset + k);
      float scale = greatest / most;
      float factor = scale < Float.MIN_NORMAL ? 0 : most / greatest;
      for (int i = 0; i < BLOCK; i++) {
        float level = x[xOffset + k + i] * factor;
        floats[to + k + i] = level + ScalarMath.ROUNDER - ScalarMath.ROUNDER;
      }
      float sum = 0;
      for (int i = 0; i < BLOCK; i++) {
        sum += floats[to + k + i];
      }
      scales[(to + k) / BLOCK] = scale;
      levelSums[(to + k) / BLOCK] = (int) sum;
      sums[(to + k) / BLOCK] = scale * sum;
    }
  }

  private float greatestRun(float[] x, int offset) {
    float greatest = 0;
    for (int i = offset; i < offset + BLOCK; i += run) {
      float sum = 0;
      for (int j = i; j < i + run; j++) {
        sum += Math.abs(x[j]);
      }
      greatest = Math.max(greatest, sum);
    }
    return greatest;
  }

  /** Fills {@link #twins} from a single row. */
  void pair(int inputs) {
    for (int i = 0; i < inputs; i++) {
      int level = (int) floats[i];
      twins[i] = level << 16 | level & 0xFFFF;
    }
  }

  /**
   * The levels of a single row, each in both halves of an int: an int from memory is spread over a
   * vector as it is loaded, a short costs an operation more.
   */
  int[] twins() {
    return twins;
  }

  /** The levels, {@code [rows][inputs]}. */
  float[] floats() {
    return floats;
  }

  /** {@code [rows][inputs / 32]}. */
  float[] scales() {
    return scales;
  }

  /** The sum of each block's levels, times its scale: {@code [rows][inputs / 32]}. */
  float[] sums() {
    return sums;
  }

  /** The sum of each block's levels: {@code [rows][inputs / 32]}. */
  int[] levelSums() {
    return levelSums;
  }
}
