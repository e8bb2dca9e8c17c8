package dev.quire.kernels;

import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * The activation at the end of a product of gate and up, by the group that has stored their sums:
 * eight gates and their eight ups lie side by side, as {@link WeightTiles} has them interleaved.
 *
 * <pre>
 *   sums   │g0 … g7│u0 … u7│g8 … g15│u8 … u15│      gated   │a0 … a7│a8 … a15│
 * </pre>
 */
final class GatedSums {
  private GatedSums() {}

  /**
   * Activates a tile; after a barrier.
   *
   * @param sums [rows, outputs]
   * @param gated [rows, outputs / 2]
   * @param activation one of {@link Activations}
   * @param firstRow of the tile
   * @param rows that are there, of all tiles
   * @param tileRows rows of the tile
   * @param firstOutput of the tile
   * @param tileOutputs of the tile
   * @param threads of the group
   */
  static void activate(
      FloatArray sums,
      HalfFloatArray gated,
      int activation,
      int firstRow,
      int rows,
      int tileRows,
      int firstOutput,
      int tileOutputs,
      int outputs,
      int thread,
      int threads) {
    for (int i = thread; i < tileRows * tileOutputs / 4; i += threads) {
      int r = firstRow + i / (tileOutputs / 4);
      int j = i % (tileOutputs / 4) * 2;
      int gate = firstOutput + j / 8 * 16 + j % 8;
      if (r < rows && gate < outputs) {
        int at = r * outputs + gate;
        float left = Activations.apply(activation, sums.get(at), sums.get(at + 8));
        float right = Activations.apply(activation, sums.get(at + 1), sums.get(at + 9));
        gated.setHalf2(r * (outputs / 2) + firstOutput / 2 + j, Half2.fromFloats(left, right));
      }
    }
  }
}
