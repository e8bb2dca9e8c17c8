package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Lanes.FLOATS;
import static dev.quire.engine.cpu.math.Lanes.WIDTH;
import static dev.quire.engine.cpu.math.WeightTiles.ROWS;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Loops over tiles of {@link TileLayout#Q8_0}: weight = scale · level. */
final class Q8Tiles {
  private static final int BLOCK = 32;
  private static final int LEVELS = BLOCK * ROWS;
  private static final int BYTES = TileLayout.Q8_0.blockBytes();

  private Q8Tiles() {}

  /** The scales of a chunk of {@code n} inputs, {@code [block][64]}. */
  static void scales(MemorySegment data, long chunk, int n, float[] scales) {
    long block = chunk + LEVELS;
    for (int to = 0; to < n / BLOCK * ROWS; to += ROWS, block += BYTES) {
      for (int row = 0; row < ROWS; row += WIDTH) {
        Lanes.finiteHalves(data, block + 2 * row).intoArray(scales, to + row);
      }
    }
  }

  /**
   * Adds one vector of words, that is two of rows, times a chunk of quantised inputs. The products
   * of two neighbours fit a short.
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
    float[] inputScales = x.scales();
    FloatVector low = FloatVector.fromArray(FLOATS, out, outOffset + row);
    FloatVector high = FloatVector.fromArray(FLOATS, out, outOffset + row + 16);
    long block = chunk + WeightTiles.place(row);
    int scale = row;
    for (int k = from; k < from + n; k += BLOCK, block += BYTES, scale += ROWS) {
      IntVector lowSum = IntVector.zero(Lanes.INTS);
      IntVector highSum = lowSum;
      long at = block;
      for (int i = 0; i < BLOCK; i += 2, at += 2 * ROWS) {
        ShortVector v = Lanes.wideShorts(data, at);
        ShortVector first = v.lanewise(VectorOperators.LSHL, 8).lanewise(VectorOperators.ASHR, 8);
        ShortVector sums =
            first
                .mul(Lanes.wideSplat(levels[k + i]))
                .add(v.lanewise(VectorOperators.ASHR, 8).mul(Lanes.wideSplat(levels[k + i + 1])));
        lowSum = lowSum.add(Lanes.lowHalves(sums));
        highSum = highSum.add(Lanes.highHalves(sums));
      }
      FloatVector d = Lanes.splat(inputScales[k / BLOCK]);
      low = Lanes.floats(lowSum).fma(FloatVector.fromArray(FLOATS, scales, scale).mul(d), low);
      high =
          Lanes.floats(highSum).fma(FloatVector.fromArray(FLOATS, scales, scale + 16).mul(d), high);
    }
    low.intoArray(out, outOffset + row);
    high.intoArray(out, outOffset + row + 16);
  }

  /** The levels of one vector of words as floats; see {@link VectorTiles#decode}. */
  static void levels(MemorySegment data, long chunk, int row, int n, float[] panel) {
    long block = chunk + WeightTiles.place(row);
    int to = row;
    for (int k = 0; k < n; k += BLOCK, block += BYTES) {
      long at = block;
      for (int i = 0; i < BLOCK; i += 2, at += 2 * ROWS, to += 2 * ROWS) {
        IntVector v = Lanes.ints(data, at);
        level(v.lanewise(VectorOperators.LSHL, 24)).intoArray(panel, to);
        level(v.lanewise(VectorOperators.LSHL, 16)).intoArray(panel, to + ROWS);
        level(v.lanewise(VectorOperators.LSHL, 8)).intoArray(panel, to + 16);
        level(v).intoArray(panel, to + ROWS + 16);
      }
    }
  }

  private static FloatVector level(IntVector top) {
    return Lanes.floats(top.lanewise(VectorOperators.ASHR, 24));
  }
}
