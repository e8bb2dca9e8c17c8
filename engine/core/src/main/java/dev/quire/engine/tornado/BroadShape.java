package dev.quire.engine.tornado;

import dev.quire.kernels.BroadQuads;
import dev.quire.kernels.WeightTiles;
import dev.quire.kernels.WideQuads;

/**
 * Whether {@link BroadQuads} or {@link WideQuads} takes a product of more than 64 rows, and into
 * how many parts it cuts the inputs: by the rounds of groups that the multiprocessors need.
 */
final class BroadShape {
  // To compare.
  private static final boolean WANTED =
      Boolean.parseBoolean(System.getProperty("quire.products.broad", "true"));

  // With more rows there are whole rounds of WideQuads' groups, whatever the matrix.
  private static final int MOST_ROWS = 512;

  private static final int MULTIPROCESSORS = 132;
  private static final int PANEL_INPUTS = 32;

  // In cycles of a multiprocessor, as tensor cores give them without wgmma: 64 rows of a panel;
  // what a group needs to fill its panels and to write its sums; and bytes a cycle of the parts.
  private static final int PANEL = 220;
  private static final int GROUP = 3500;
  private static final int PART_BYTES = 2500;

  // Groups of WideQuads that share a multiprocessor and take its time in turn, and, in tenths of
  // that, what one or two of them take that have it for themselves.
  private static final int SHARED = 3;
  private static final int[] LAST_TENTHS = {0, 18, 22};

  private BroadShape() {}

  /** Whether BroadQuads takes so many rows of the matrix, quantised ones as halves. */
  static boolean takes(DeviceMatrix matrix, int rows, int most) {
    if (!WANTED || rows > MOST_ROWS || matrix instanceof DeviceMatrix.Brains) {
      return false;
    }
    if (rows <= BroadQuads.MOST_ROWS) {
      return true;
    }
    ProductShape broad = of(matrix, rows, most);
    return cycles(matrix, broad.partRows(), broad.splits()) < wideCycles(matrix, rows, most);
  }

  /**
   * The shape that is expected to take the least time.
   *
   * @param most parts
   */
  static ProductShape of(DeviceMatrix matrix, int rows, int most) {
    int partRows = Math.ceilDiv(rows, 16) * 16;
    int best = 1;
    for (int splits = 2; splits <= most; splits++) {
      boolean fits = (long) splits * partRows * matrix.outputs() <= ProductShape.MOST_PART_SUMS;
      if (fits && cycles(matrix, partRows, splits) < cycles(matrix, partRows, best)) {
        best = splits;
      }
    }
    return new ProductShape(ProductShape.Kernel.BROAD, best, partRows);
  }

  private static long cycles(DeviceMatrix matrix, int rows, int splits) {
    int tileRows = BroadQuads.tileRows(rows);
    int tiles =
        Math.ceilDiv(rows, tileRows) * Math.ceilDiv(matrix.outputs(), BroadQuads.TILE_OUTPUTS);
    long rounds = Math.ceilDiv(tiles * splits, MULTIPROCESSORS);
    int panels = Math.ceilDiv(WeightTiles.paddedInputs(matrix.inputs()) / PANEL_INPUTS, splits);
    long parts = 8L * splits * rows * matrix.outputs() / PART_BYTES;
    return rounds * ((long) panels * PANEL * tileRows / 64 + GROUP) + parts;
  }

  /** What WideQuads takes with the best number of parts. */
  private static long wideCycles(DeviceMatrix matrix, int rows, int most) {
    int tiles =
        Math.ceilDiv(rows, WideQuads.TILE_ROWS)
            * Math.ceilDiv(matrix.outputs(), WideQuads.TILE_OUTPUTS);
    int splits = ProductShape.wideSplits(tiles, most);
    int groups = Math.ceilDiv(tiles * splits, MULTIPROCESSORS);
    int tenths = groups / SHARED * SHARED * 10 + LAST_TENTHS[groups % SHARED];
    long panels = Math.ceilDiv(WeightTiles.paddedInputs(matrix.inputs()) / PANEL_INPUTS, splits);
    long parts = 8L * splits * rows * matrix.outputs() / PART_BYTES;
    return panels * PANEL * WideQuads.TILE_ROWS / 64 * tenths / 10
        + (long) Math.min(groups, SHARED) * GROUP
        + parts;
  }
}
