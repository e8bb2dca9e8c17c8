package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Loops over tiles of {@link TileLayout#Q4_0}: weight = scale · (nibble − 8), and of {@link
 * TileLayout#Q4_K}: weight = scale · nibble − minimum.
 */
final class Q4Tiles {
  private static final int BLOCK = 32;

  /** Inputs whose products with nibbles add up in a short: {@link QuantizedRows#forNibbles}. */
  private static final int SHORT_RUN = 16;

  /** Bytes of the nibbles of 32 inputs; in Q4_K these lie together. */
  static final int NIBBLES = BLOCK / 2 * ROWS;

  /** Bytes of a block of Q4_0. */
  static final int BYTES = TileLayout.Q4_0.blockBytes();

  private static final int SUPER = 256;
  private static final int SCALES = SUPER / 2 * ROWS;
  private static final int HALVES = SCALES + 2 * SUPER / BLOCK * ROWS;

  private Q4Tiles() {}

  /** The scales of a chunk of {@code n} inputs, {@code [block][64]}. */
  static void scales(MemorySegment data, long chunk, int n, float[] scales) {
    long block = chunk + NIBBLES;
    for (int to = 0; to < n / BLOCK * ROWS; to += ROWS, block += BYTES) {
      for (int row = 0; row < ROWS; row += WIDTH) {
        Lanes.finiteHalves(data, block + 2 * row).intoArray(scales, to + row);
      }
    }
  }

  /**
   * Scales and minima of Q4_K.
   *
   * @param minima what is added: less than nothing
   */
  static void scalesK(MemorySegment data, long chunk, float[] scales, float[] minima) {
    for (int row = 0; row < ROWS; row += WIDTH) {
      long halves = chunk + HALVES + 2 * row;
      FloatVector d = Lanes.finiteHalves(data, halves);
      FloatVector m = Lanes.finiteHalves(data, halves + 2 * ROWS).neg();
      long at = chunk + SCALES + row;
      for (int to = row; to < SUPER / BLOCK * ROWS; to += ROWS, at += ROWS) {
        Lanes.signedBytes(data, at).mul(d).intoArray(scales, to);
        Lanes.signedBytes(data, at + SUPER / BLOCK * ROWS).mul(m).intoArray(minima, to);
      }
    }
  }

  /**
   * Adds one vector of words, that is two of rows, times a chunk of quantised inputs.
   *
   * @param row the first row; the others are those 16 further
   */
  static void product(
      MemorySegment data,
      long chunk,
      int row,
      int n,
      float[] scales,
      QuantizedRows x,
      int from,
      float[] out,
      int outOffset) {
    int[] levels = x.twins();
    FloatVector low = FloatVector.fromArray(FLOATS, out, outOffset + row);
    FloatVector high = FloatVector.fromArray(FLOATS, out, outOffset + row + 16);
    long block = chunk + WeightTiles.place(row);
    int scale = row;
    for (int k = from; k < from + n; k += BLOCK, block += BYTES, scale += ROWS) {
      IntVector lowSum = IntVector.broadcast(Lanes.INTS, -8 * x.levelSums()[k / BLOCK]);
      IntVector highSum = lowSum;
      long at = block;
      for (int run = k; run < k + BLOCK; run += SHORT_RUN) {
        ShortVector sums = ShortVector.zero(Lanes.WIDE_SHORTS);
        for (int i = 0; i < SHORT_RUN; i += 4, at += 2 * ROWS) {
          ShortVector v = Lanes.wideShorts(data, at);
          sums = sums.add(v.and((short) 15).mul(Lanes.wideSplat(levels[run + i])));
          v = v.lanewise(VectorOperators.LSHR, 4);
          sums = sums.add(v.and((short) 15).mul(Lanes.wideSplat(levels[run + i + 1])));
          v = v.lanewise(VectorOperators.LSHR, 4);
          sums = sums.add(v.and((short) 15).mul(Lanes.wideSplat(levels[run + i + 2])));
          v = v.lanewise(VectorOperators.LSHR, 4);
          sums = sums.add(v.mul(Lanes.wideSplat(levels[run + i + 3])));
        }
        lowSum = lowSum.add(Lanes.lowHalves(sums));
        highSum = highSum.add(Lanes.highHalves(sums));
      }
      FloatVector d = Lanes.splat(x.scales()[k / BLOCK]);
      low = Lanes.floats(lowSum).fma(FloatVector.fromArray(FLOATS, scales, scale).mul(d), low);
      high =
          Lanes.floats(highSum).fma(FloatVector.fromArray(FLOATS, scales, scale + 16).mul(d), high);
    }
    low.intoArray(out, outOffset + row);
    high.intoArray(out, outOffset + row + 16);
  }

  /** As {@link #product}, of Q4_K. */
  static void productK(
      MemorySegment data,
      long chunk,
      int row,
      int n,
      float[] scales,
      float[] minima,
      QuantizedRows x,
      int from,
      float[] out,
      int outOffset) {
    int[] levels = x.twins();
    FloatVector low = FloatVector.fromArray(FLOATS, out, outOffset + row);
    FloatVector high = FloatVector.fromArray(FLOATS, out, outOffset + row + 16);
    long block = chunk + WeightTiles.place(row);
    int scale = row;
    for (int k = from; k < from + n; k += BLOCK, block += NIBBLES, scale += ROWS) {
      IntVector lowSum = IntVector.zero(Lanes.INTS);
      IntVector highSum = lowSum;
      long at = block;
      for (int run = k; run < k + BLOCK; run += SHORT_RUN) {
        ShortVector sums = ShortVector.zero(Lanes.WIDE_SHORTS);
        for (int i = 0; i < SHORT_RUN; i += 4, at += 2 * ROWS) {
          ShortVector v = Lanes.wideShorts(data, at);
          sums = sums.add(v.and((short) 15).mul(Lanes.wideSplat(levels[run + i])));
          v = v.lanewise(VectorOperators.LSHR, 4);
          sums = sums.add(v.and((short) 15).mul(Lanes.wideSplat(levels[run + i + 1])));
          v = v.lanewise(VectorOperators.LSHR, 4);
          sums = sums.add(v.and((short) 15).mul(Lanes.wideSplat(levels[run + i + 2])));
          v = v.lanewise(VectorOperators.LSHR, 4);
          sums = sums.add(v.mul(Lanes.wideSplat(levels[run + i + 3])));
        }
        lowSum = lowSum.add(Lanes.lowHalves(sums));
        highSum = highSum.add(Lanes.highHalves(sums));
      }
      FloatVector d = Lanes.splat(x.scales()[k / BLOCK]);
      FloatVector t = Lanes.splat(x.sums()[k / BLOCK]);
      low = Lanes.floats(lowSum).fma(FloatVector.fromArray(FLOATS, scales, scale).mul(d), low);
      low = FloatVector.fromArray(FLOATS, minima, scale).fma(t, low);
      high =
          Lanes.floats(highSum).fma(FloatVector.fromArray(FLOATS, scales, scale + 16).mul(d), high);
      high = FloatVector.fromArray(FLOATS, minima, scale + 16).fma(t, high);
    }
    low.intoArray(out, outOffset + row);
    high.intoArray(out, outOffset + row + 16);
  }

  /**
   * The levels of one vector of words as floats; see {@link VectorTiles#levels}.
   *
   * @param blockBytes from one block of nibbles to the next
   * @param least what a nibble of zero means
   */
  static void levels(
      MemorySegment data, long chunk, int blockBytes, int row, int n, int least, float[] panel) {
    long block = chunk + WeightTiles.place(row);
    int to = row;
    for (int k = 0; k < n; k += BLOCK, block += blockBytes) {
      long at = block;
      for (int i = 0; i < BLOCK; i += 4, at += 2 * ROWS, to += 4 * ROWS) {
        IntVector v = Lanes.ints(data, at);
        for (int half = 0; half < 32; half += 16) {
          for (int j = 0; j < 4; j++) {
            Lanes.floats(v.and(15).add(least)).intoArray(panel, to + half + j * ROWS);
            v = v.lanewise(VectorOperators.LSHR, 4);
          }
        }
      }
    }
  }
}
