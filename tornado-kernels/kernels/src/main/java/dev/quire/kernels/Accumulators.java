package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * The end of products with large tiles, whose warps have accumulators of 16 rows × 8 outputs, eight
 * of them side by side.
 *
 * <pre>
 *                 64 outputs
 *            ┌──┬──┬──┬──┬──┬──┬──┬──┐
 *   16 rows  │c0│c1│c2│c3│c4│c5│c6│c7│
 *            └──┴──┴──┴──┴──┴──┴──┴──┘
 * </pre>
 */
final class Accumulators {
  private Accumulators() {}

  /**
   * Stores eight, of which those past the last output are left out.
   *
   * @param out [rows, outputs], outputs a multiple of 8
   * @param row the first of 16
   * @param column the first of 64
   */
  static void store(
      KernelContext context,
      float[] c0,
      float[] c1,
      float[] c2,
      float[] c3,
      float[] c4,
      float[] c5,
      float[] c6,
      float[] c7,
      FloatArray out,
      int row,
      int column,
      int outputs) {
    if (column < outputs) {
      context.mmaStore(c0, out, row, column, outputs);
    }
    if (column + 8 < outputs) {
      context.mmaStore(c1, out, row, column + 8, outputs);
    }
    if (column + 16 < outputs) {
      context.mmaStore(c2, out, row, column + 16, outputs);
    }
    if (column + 24 < outputs) {
      context.mmaStore(c3, out, row, column + 24, outputs);
    }
    if (column + 32 < outputs) {
      context.mmaStore(c4, out, row, column + 32, outputs);
    }
    if (column + 40 < outputs) {
      context.mmaStore(c5, out, row, column + 40, outputs);
    }
    if (column + 48 < outputs) {
      context.mmaStore(c6, out, row, column + 48, outputs);
    }
    if (column + 56 < outputs) {
      context.mmaStore(c7, out, row, column + 56, outputs);
    }
  }
}
