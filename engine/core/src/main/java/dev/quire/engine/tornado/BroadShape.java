package dev.quire.engine.tornado;

import dev.quire.kernels.BroadQuads;
import dev.quire.kernels.WeightTiles;

/** Into how many parts {@link BroadQuads} cuts the inputs of a product of more than 64 rows. */
final class BroadShape {
  // To compare.
  private static final boolean WANTED =
      Boolean.parseBoolean(System.getProperty("quire.products.broad", "true"));

  // More rows give WideQuads whole rounds of groups, three of which share a multiprocessor.
  private static final int MOST_ROWS = 256;

  private static final int MULTIPROCESSORS = 132;
  private static final int PANEL_INPUTS = 32;

  // In cycles of a multiprocessor, as tensor cores give them without wgmma: 64 rows of a panel;
  // what a group needs to fill its panels and to write its sums; and bytes a cycle of the parts.
  private static final int PANEL = 220;
  private static final int GROUP = 3500;
  private static final int PART_BYTES = 2500;

  private BroadShape() {}

  /** Whether the kernel takes so many rows of the matrix, quantised ones as halves. */
  static boolean takes(DeviceMatrix matrix, int rows) {
    return WANTED && rows <= MOST_ROWS && !(matrix instanceof DeviceMatrix.Brains);
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
}
