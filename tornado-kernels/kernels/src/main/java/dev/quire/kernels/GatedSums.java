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

  /** Pairs of gates that a thread has under way. */
  private static final int TURN = 4;

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
    float[] gate0 = new float[TURN];
    float[] gate1 = new float[TURN];
    float[] up0 = new float[TURN];
    float[] up1 = new float[TURN];
    for (int first = thread; first < count; first += TURN * threads) {
      // All sums of a turn are asked for before one is stored.
      for (int j = 0; j < TURN; j++) {
        int i = first + j * threads;
        int from = TornadoMath.max(place(i, count, own, firstOutput, tileOutputs, outputs), own);
        gate0[j] = sums.get(from);
        gate1[j] = sums.get(from + 1);
        up0[j] = sums.get(from + 8);
        up1[j] = sums.get(from + 9);
      }
      for (int j = 0; j < TURN; j++) {
        int at = place(first + j * threads, count, own, firstOutput, tileOutputs, outputs);
        store(gated, at, outputs, activation, gate0[j], gate1[j], up0[j], up1[j]);
      }
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
