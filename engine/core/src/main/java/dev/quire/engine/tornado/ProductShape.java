package dev.quire.engine.tornado;

import dev.quire.kernels.LeanDeepQ8;
import dev.quire.kernels.LeanQuads;
import dev.quire.kernels.MediumDeepQ8;
import dev.quire.kernels.MediumQuads;
import dev.quire.kernels.SkinnyDeepQ8;
import dev.quire.kernels.SkinnyQuads;
import dev.quire.kernels.TiledQuads;
import dev.quire.kernels.WeightTiles;
import dev.quire.kernels.WideQuads;

/**
 * The kernel that computes a product, and how many parts it cuts the inputs into, so that a small
 * matrix still keeps the whole device busy.
 *
 * @param splits parts of the sums, added by the reader
 * @param partRows rows of a part
 */
record ProductShape(Kernel kernel, int splits, int partRows) {
  enum Kernel {
    VECTOR,
    SKINNY,
    /** As skinny, of quantised weights, whose inputs split into whole turns. */
    DEEP,
    /** As lean and medium, of Q8_0, whose inputs split into whole turns. */
    LEAN_DEEP,
    MEDIUM_DEEP,
    LEAN,
    MEDIUM,
    TILED,
    WIDE,
    BROAD
  }

  /** Sums that are whole where their reader expects them. */
  static final ProductShape WHOLE = new ProductShape(Kernel.VECTOR, 1, 0);

  // Groups that keep 132 multiprocessors busy: by registers and local memory 2 or 4 each.
  private static final int SKINNY_GROUPS = 264;
  private static final int LEAN_GROUPS = 264;
  private static final int MEDIUM_GROUPS = 264;
  private static final int TILED_GROUPS = 528;
  private static final int WIDE_GROUPS = 264;

  private static final int MOST_SPLITS = 16;

  // To compare.
  private static final boolean DEEP =
      Boolean.parseBoolean(System.getProperty("quire.products.deep", "true"));

  // Fewer inputs in a part, and filling the pipeline costs more than the part gains.
  private static final int LEAST_INPUTS = 256;

  /** The most floats that parts take. */
  static final int MOST_PART_SUMS = WIDE_GROUPS * WideQuads.TILE_OUTPUTS * WideQuads.TILE_ROWS;

  /** Whether the kernel is one for exactly one row. */
  boolean oneRow() {
    return kernel == Kernel.VECTOR;
  }

  /** The kernel for a product of at most {@code rows} rows; 1 means exactly one. */
  static ProductShape of(DeviceMatrix matrix, int rows) {
    int partRows = Math.ceilDiv(rows, 16) * 16;
    int outputs = matrix.outputs();
    if (rows == 1) {
      return new ProductShape(Kernel.VECTOR, 1, partRows);
    }
    int most = Math.clamp(WeightTiles.paddedInputs(matrix.inputs()) / LEAST_INPUTS, 1, MOST_SPLITS);
    if (rows <= MediumQuads.TILE_ROWS) {
      int tiles = Math.ceilDiv(outputs, SkinnyQuads.TILE_OUTPUTS);
      // The nearest number: 96 tiles in 3 parts, and not in 2 of which 60 groups stand alone.
      int splits = splits(SKINNY_GROUPS + tiles / 2, tiles, Math.max(1, most / 2));
      int deep = deepSplits(matrix, rows, splits);
      if (deep > 0) {
        return new ProductShape(deepKernel(rows), deep, partRows);
      }
      if (rows <= SkinnyQuads.TILE_ROWS) {
        return new ProductShape(Kernel.SKINNY, splits, partRows);
      }
    }
    int columns = Math.ceilDiv(outputs, WideQuads.TILE_OUTPUTS);
    if (rows <= LeanQuads.TILE_ROWS) {
      return new ProductShape(Kernel.LEAN, splits(LEAN_GROUPS, columns, most), partRows);
    }
    if (rows <= MediumQuads.TILE_ROWS) {
      return new ProductShape(Kernel.MEDIUM, splits(MEDIUM_GROUPS, columns, most), partRows);
    }
    if (BroadShape.takes(matrix, rows, most)) {
      return BroadShape.of(matrix, rows, most);
    }
    int wide = columns * Math.ceilDiv(rows, WideQuads.TILE_ROWS);
    int splits = wideSplits(wide, most);
    if (wideEnough(wide * splits)) {
      return new ProductShape(Kernel.WIDE, splits, partRows);
    }
    int tiles =
        Math.ceilDiv(outputs, TiledQuads.TILE_OUTPUTS) * Math.ceilDiv(rows, TiledQuads.TILE_ROWS);
    return new ProductShape(Kernel.TILED, splits(TILED_GROUPS, tiles, most), partRows);
  }

  /** The kernel for gate and up, whose sums must be whole. */
  static ProductShape gated(DeviceMatrix matrix, int rows) {
    int partRows = Math.ceilDiv(rows, 16) * 16;
    if (rows == 1) {
      return new ProductShape(Kernel.VECTOR, 1, partRows);
    }
    if (deepSplits(matrix, rows, 1) > 0) {
      return new ProductShape(deepKernel(rows), 1, partRows);
    }
    if (rows <= SkinnyQuads.TILE_ROWS) {
      return new ProductShape(Kernel.SKINNY, 1, partRows);
    }
    int wide =
        Math.ceilDiv(matrix.outputs(), WideQuads.TILE_OUTPUTS)
            * Math.ceilDiv(rows, WideQuads.TILE_ROWS);
    if (rows <= LeanQuads.TILE_ROWS) {
      return new ProductShape(Kernel.LEAN, 1, partRows);
    }
    if (rows <= MediumQuads.TILE_ROWS) {
      return new ProductShape(Kernel.MEDIUM, 1, partRows);
    }
    if (BroadShape.takes(matrix, rows, 1)) {
      return BroadShape.of(matrix, rows, 1);
    }
    return new ProductShape(wideEnough(wide) ? Kernel.WIDE : Kernel.TILED, 1, partRows);
  }

  private static Kernel deepKernel(int rows) {
    if (rows <= SkinnyQuads.TILE_ROWS) {
      return Kernel.DEEP;
    }
    return rows <= LeanDeepQ8.TILE_ROWS ? Kernel.LEAN_DEEP : Kernel.MEDIUM_DEEP;
  }

  /** The most splits that the kernel of quantised weights takes; 0 if there is none for them. */
  private static int deepSplits(DeviceMatrix matrix, int rows, int most) {
    int mostRows =
        switch (matrix) {
          case DeviceMatrix.Quants quants -> MediumDeepQ8.TILE_ROWS;
          case DeviceMatrix.Nibbles nibbles -> SkinnyQuads.TILE_ROWS;
          default -> 0;
        };
    if (!DEEP || rows > mostRows) {
      return 0;
    }
    int splits = most;
    while (splits > 0 && !SkinnyDeepQ8.takes(matrix.inputs(), splits)) {
      splits--;
    }
    return splits;
  }

  /** Into how many parts WideQuads cuts inputs of which there are so many tiles. */
  static int wideSplits(int tiles, int most) {
    return splits(WIDE_GROUPS, tiles, most);
  }

  private static int splits(int groups, int tiles, int most) {
    return Math.clamp(groups / tiles, 1, most);
  }

  /** Whether groups of wide tiles, one on each, keep nearly all 132 multiprocessors busy. */
  private static boolean wideEnough(int groups) {
    return groups >= 128;
  }
}
