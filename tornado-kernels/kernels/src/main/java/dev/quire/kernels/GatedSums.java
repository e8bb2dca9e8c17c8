package dev.quire.kernels;

import uk.ac.manchester.tornado.api.math.TornadoMath;
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
    int count = TornadoMath.min(tileRows, rows - firstRow) * (tileOutputs / 4);
    int own = firstRow * outputs + firstOutput;
    for (int i = thread; i < count; i += 2 * threads) {
      // Two pairs a turn, all of whose sums are asked for before one is stored.
      int at0 = place(i, count, own, firstOutput, tileOutputs, outputs);
      int at1 = place(i + threads, count, own, firstOutput, tileOutputs, outputs);
      int from0 = TornadoMath.max(at0, own);
      int from1 = TornadoMath.max(at1, own);
      float gate0 = sums.get(from0);
      float gate1 = sums.get(from0 + 1);
      float gate2 = sums.get(from1);
      float gate3 = sums.get(from1 + 1);
      float up0 = sums.get(from0 + 8);
      float up1 = sums.get(from0 + 9);
      float up2 = sums.get(from1 + 8);
      float up3 = sums.get(from1 + 9);
      store(gated, at0, outputs, activation, gate0, gate1, up0, up1);
      store(gated, at1, outputs, activation, gate2, gate3, up2, up3);
    }
  }

  /** Where a pair's gates lie; -1 if there is none. */
  private static int place(
      int i, int count, int own, int firstOutput, int tileOutputs, int outputs) {
    int j = i % (tileOutputs / 4) * 2;
    int gate = j / 8 * 16 + j % 8;
    int at = own + i / (tileOutputs / 4) * outputs + gate;
    return i < count && firstOutput + gate < outputs ? at : -1;
  }

  private static void store(
      HalfFloatArray gated,
      int at,
      int outputs,
      int activation,
      float gate0,
      float gate1,
      float up0,
      float up1) {
    float left = Activations.apply(activation, gate0, up0);
    float right = Activations.apply(activation, gate1, up1);
    if (at >= 0) {
      int gate = at % outputs;
      int to = at / outputs * (outputs / 2) + gate / 16 * 8 + gate % 8;
      gated.setHalf2(to, Half2.fromFloats(left, right));
    }
  }
}
