package dev.quire.engine.cpu.math;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

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

  /**
   * Levels for products with bytes: {@code 128 · (254 + 1)} fits a short.
   *
   * @param mostOfGroup most rows that are interleaved, a power of two
   */
  static QuantizedRows forBytes(int mostOfGroup) {
    return new QuantizedRows(PAIR, 254, mostOfGroup);
  }

  /**
   * As {@link #forBytes}, with nibbles: {@code 15 · (2032 + 8)} fits a short, and of nibbles from
   * −8 to 7 those of a block, {@code 8 · 2 · (2032 + 8)}.
   */
  static QuantizedRows forNibbles(int mostOfGroup) {
    return new QuantizedRows(16, 2032, mostOfGroup);
  }

  /** Added to the sum of two products, it leaves a short without sign. */
  static final int SHORT_BIAS = 1 << 15;

  private static final int PAIR = 2;

  private final int run;
  private final int most;
  private final int mostOfGroup;
  private int rows;
  private int inputs;
  private int factorsOfRow;
  private int quadRows;

  private float[] factors = {};
  private float[] floats = {};
  private float[] interleaved = {};
  private MemorySegment interleavedOutside = MemorySegment.NULL;
  private float[] scales = {};
  private float[] sums = {};
  private int[] levelSums = {};
  private float[] centres = {};

  /**
   * @param run how many neighbours' magnitudes
   * @param most add up to this, but for rounding
   */
  private QuantizedRows(int run, int most, int mostOfGroup) {
    this.run = run;
    this.most = most;
    this.mostOfGroup = mostOfGroup;
  }

  /**
   * Makes room for rows.
   *
   * @param wantsFactors whether {@link #factors} are needed, and not {@link #interleaved}
   */
  void resize(int newRows, int newInputs, boolean wantsFactors) {
    rows = newRows;
    inputs = newInputs;
    int length = Math.multiplyExact(rows, inputs);
    if (floats.length < length) {
      floats = new float[length];
      scales = new float[length / BLOCK + 1];
      sums = new float[length / BLOCK + 1];
      levelSums = new int[length / BLOCK + 1];
      centres = new float[length / BLOCK + 1];
    }
    factorsOfRow = !wantsFactors ? 0 : run == PAIR ? inputs / 2 * 3 : inputs;
    quadRows = run == PAIR ? 0 : rows - rows % Arithmetic.QUAD;
    if (!wantsFactors) {
      if (mostOfGroup == BytePanel.MOST_ROWS) {
        long bytes = (long) length * Float.BYTES;
        if (interleavedOutside.byteSize() < bytes) {
          interleavedOutside = Arena.ofAuto().allocate(bytes, WeightTiles.LINE);
        }
      } else if (interleaved.length < length) {
        interleaved = new float[length];
      }
    }
    int allFactors = Math.multiplyExact(rows, factorsOfRow);
    if (factors.length < allFactors) {
      factors = new float[allFactors];
    }
  }

  /** Quantises one of the rows. */
  void quantize(float[] x, int xOffset, int row) {
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
      centres[(to + k) / BLOCK] = twins(-8 * (int) sum, -8 * (int) sum);
      sums[(to + k) / BLOCK] = scale * sum;
    }
    if (factorsOfRow > 0) {
      fillFactors(row);
    } else {
      interleave(row);
    }
  }

  private void interleave(int row) {
    int first = row - row % mostOfGroup;
    int group = group(first);
    while (row >= first + group) {
      first += group;
      group = group(first);
    }
    int to = first * inputs + row - first;
    int from = row * inputs;
    if (mostOfGroup == BytePanel.MOST_ROWS) {
      long at = interleavedOutside.address() + (long) to * Float.BYTES;
      for (int i = 0; i < inputs; i++) {
        long place = (at + i * (long) group * Float.BYTES) & RawMemory.MASK;
        RawMemory.ALL.set(ValueLayout.JAVA_FLOAT_UNALIGNED, place, floats[from + i]);
      }
    } else {
      for (int i = from; i < from + inputs; i++, to += group) {
        interleaved[to] = floats[i];
      }
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

  private void fillFactors(int row) {
    if (run == PAIR) {
      byteFactors(row * inputs, row * factorsOfRow);
    } else if (row < quadRows) {
      int inQuad = row % Arithmetic.QUAD;
      nibbleFactors(row * inputs, (row - inQuad) * inputs + inQuad, Arithmetic.QUAD);
    } else {
      nibbleFactors(row * inputs, row * inputs, 1);
    }
  }

  private void byteFactors(int from, int to) {
    for (int i = 0, f = to; i < inputs; i += 2, f += 3) {
      int x0 = (int) floats[from + i];
      int x1 = (int) floats[from + i + 1];
      factors[f] = twins(x0, x0);
      factors[f + 1] = twins(x1 - 256 * x0, x1 - 256 * x0);
      factors[f + 2] = twins(SHORT_BIAS - 128 * x0, -128 * x0);
    }
  }

  private void nibbleFactors(int from, int to, int step) {
    for (int i = 0, f = to; i < inputs; i += 4, f += 4 * step) {
      int x0 = (int) floats[from + i];
      int x1 = (int) floats[from + i + 1];
      int x2 = (int) floats[from + i + 2];
      int x3 = (int) floats[from + i + 3];
      factors[f] = twins(x0, x0);
      factors[f + step] = twins(x1 - 16 * x0, x1 - 16 * x0);
      factors[f + 2 * step] = twins(x2 - 16 * x1, x2 - 16 * x1);
      factors[f + 3 * step] = twins(x3 - 16 * x2, x3 - 16 * x2);
    }
  }

  private static float twins(int low, int high) {
    return Float.intBitsToFloat((high << 16) | (low & 0xFFFF));
  }

  /**
   * What words of weights are multiplied by, as {@link Q8Tiles#sums} and {@link Q4Row#sums} say:
   * with bytes three for two inputs, with nibbles one for each. Two shorts each, for the two halves
   * of a word; as the bits of floats, because C2 spreads floats over a vector as they are loaded,
   * where ints mostly go through a register.
   */
  float[] factors() {
    return factors;
  }

  /** Rows from the first on whose factors are those of {@linkplain Arithmetic#QUAD quads}. */
  int quadRows() {
    return quadRows;
  }

  /**
   * Where the factors of a row's input start; of an even one, or with nibbles every fourth. In
   * quads, whose first row must be given, four rows' factors lie side by side.
   */
  int factor(int row, int input) {
    if (run == PAIR) {
      return row * factorsOfRow + input / 2 * 3;
    }
    return row * factorsOfRow + input * (row < quadRows ? Arithmetic.QUAD : 1);
  }

  int rows() {
    return rows;
  }

  int inputs() {
    return inputs;
  }

  boolean hasFactors() {
    return factorsOfRow > 0;
  }

  /** How many rows from this one on, the first of a group, are interleaved. */
  int group(int first) {
    return Math.min(mostOfGroup, Integer.highestOneBit(rows - first));
  }

  /**
   * The levels, group by group: {@code [inputs][rows of the group]}, from the first row's number
   * times inputs on.
   */
  float[] interleaved() {
    return interleaved;
  }

  /** As {@link #interleaved}, the address, where groups are those of {@link BytePanel}. */
  long interleavedAddress() {
    return interleavedOutside.address();
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

  /**
   * With nibbles, what makes products with {@code 0 … 15} those with {@code −8 … 7}: −8 times a
   * block's sum of levels, two shorts each: {@code [rows][inputs / 32]}.
   */
  float[] centres() {
    return centres;
  }
}
