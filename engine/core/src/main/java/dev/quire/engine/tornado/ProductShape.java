package dev.quire.engine.tornado;

import dev.quire.kernels.MatrixVector;
import dev.quire.kernels.SkinnyProduct;
import dev.quire.kernels.TiledProduct;
import dev.quire.kernels.WeightTiles;
import dev.quire.kernels.WideProduct;

/**
 * The kernel that computes a product, and how many parts it cuts the inputs into, so that a small
 * matrix still keeps the whole device busy.
 *
 * @param splits parts of the sums, added by the reader
 * @param partRows rows of a part
 * @param warps that share a block of outputs of a single row's product; else 0
 */
record ProductShape(Kernel kernel, int splits, int partRows, int warps) {
  enum Kernel {
    VECTOR,
    SKINNY,
    TILED,
    WIDE
  }

  /** Sums that are whole where their reader expects them. */
  static final ProductShape WHOLE = new ProductShape(Kernel.VECTOR, 1, 0, 0);

  // Groups that 132 multiprocessors hold at a time: by local memory 5, 4, and by registers 2 each.
  private static final int SKINNY_GROUPS = 660;
  private static final int TILED_GROUPS = 528;
  private static final int WIDE_GROUPS = 264;

  private static final int MOST_SPLITS = 16;

  // From here on, eight warps a block are enough to have all multiprocessors wait for memory.
  private static final int MANY_OUTPUTS = 8192;

  // Fewer inputs in a part, and filling the pipeline costs more than the part gains.
  private static final int LEAST_INPUTS = 256;

  /** The most floats that parts take. */
  static final int MOST_PART_SUMS = WIDE_GROUPS * WideProduct.TILE_OUTPUTS * WideProduct.TILE_ROWS;

  /** The kernel for a product of at most {@code rows} rows; 1 means exactly one. */
  static ProductShape of(DeviceMatrix matrix, int rows) {
    int partRows = Math.ceilDiv(rows, 16) * 16;
    int outputs = matrix.outputs();
    if (rows == 1) {
      int warps = outputs < MANY_OUTPUTS ? MatrixVector.WARPS : MatrixVector.WARPS / 2;
      return new ProductShape(Kernel.VECTOR, 1, partRows, warps);
    }
    int most = Math.clamp(WeightTiles.paddedInputs(matrix.inputs()) / LEAST_INPUTS, 1, MOST_SPLITS);
    if (rows <= SkinnyProduct.TILE_ROWS) {
      int tiles = Math.ceilDiv(outputs, SkinnyProduct.TILE_OUTPUTS);
      return new ProductShape(Kernel.SKINNY, splits(SKINNY_GROUPS, tiles, most), partRows, 0);
    }
    int wide =
        Math.ceilDiv(outputs, WideProduct.TILE_OUTPUTS) * Math.ceilDiv(rows, WideProduct.TILE_ROWS);
    int splits = splits(WIDE_GROUPS, wide, most);
    if (rows > TiledProduct.TILE_ROWS && wide * splits > WIDE_GROUPS / 2) {
      return new ProductShape(Kernel.WIDE, splits, partRows, 0);
    }
    int tiles =
        Math.ceilDiv(outputs, TiledProduct.TILE_OUTPUTS)
            * Math.ceilDiv(rows, TiledProduct.TILE_ROWS);
    return new ProductShape(Kernel.TILED, splits(TILED_GROUPS, tiles, most), partRows, 0);
  }

  /** The kernel for gate and up, whose sums must be whole. */
  static ProductShape gated(DeviceMatrix matrix, int rows) {
    int partRows = Math.ceilDiv(rows, 16) * 16;
    if (rows == 1) {
      return new ProductShape(Kernel.VECTOR, 1, partRows, MatrixVector.WARPS / 2);
    }
    if (rows <= SkinnyProduct.TILE_ROWS) {
      return new ProductShape(Kernel.SKINNY, 1, partRows, 0);
    }
    int wide =
        Math.ceilDiv(matrix.outputs(), WideProduct.TILE_OUTPUTS)
            * Math.ceilDiv(rows, WideProduct.TILE_ROWS);
    boolean large = rows > TiledProduct.TILE_ROWS && wide > WIDE_GROUPS / 2;
    return new ProductShape(large ? Kernel.WIDE : Kernel.TILED, 1, partRows, 0);
  }

  private static int splits(int groups, int tiles, int most) {
    return Math.clamp(groups / tiles, 1, most);
  }
}
