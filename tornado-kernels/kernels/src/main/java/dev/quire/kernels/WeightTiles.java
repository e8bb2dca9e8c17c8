package dev.quire.kernels;

import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;

/**
 * How a weight matrix [outputs, inputs] of halves lies in the device's memory, so that one array
 * serves the sums of a single row and the tensor cores: eight outputs beside each other, input by
 * input.
 *
 * <pre>
 *   block of 8 outputs    input 0: │o0 o1│o2 o3│o4 o5│o6 o7│   16 bytes
 *                         input 1: │o0 o1│o2 o3│o4 o5│o6 o7│
 *                         …          16 inputs: operand B of a tensor-core product
 *                         up to a multiple of 64 inputs, zeros at the end
 *   next block of 8 outputs
 *   …                     up to a multiple of 128 outputs: reads of a partial tile stay inside
 * </pre>
 *
 * A copy to local memory is linear, rows of 16 bytes meet no bank twice when {@code ldmatrix} reads
 * them, and a warp that sums for a single row reads 128 bytes at a time.
 */
public final class WeightTiles {
  private WeightTiles() {}

  /**
   * The first weight's element: with the 16 bytes of an array's header it lies at 128 bytes, so
   * that a warp's 128 bytes are one line of the cache.
   */
  public static final int START = 56;

  /** Outputs that lie beside each other. */
  public static final int OUTPUTS = 8;

  private static final int INPUTS = 64;
  private static final int TILE_OUTPUTS = 128;

  /** Inputs of a block, zeros included. */
  public static int paddedInputs(int inputs) {
    return (inputs + INPUTS - 1) / INPUTS * INPUTS;
  }

  /** Elements of the array. */
  public static long elements(int outputs, int inputs) {
    return START + count(outputs, inputs);
  }

  /** Weights, zeros included. */
  static long count(int outputs, int inputs) {
    return (long) Math.ceilDiv(outputs, TILE_OUTPUTS) * TILE_OUTPUTS * paddedInputs(inputs);
  }

  /** Where a weight lies. */
  public static int at(int output, int input, int inputs) {
    return START + (output / OUTPUTS * paddedInputs(inputs) + input) * OUTPUTS + output % OUTPUTS;
  }

  /**
   * Where a group begins with its inputs, and comes round to: groups that all began with the first
   * would want the same rows of activations at once. Of the outputs and not of the kernel, so that
   * kernels for few and many rows add the same products in the same order.
   *
   * @param tile of 128 outputs
   * @param inputs that the group has
   * @return a multiple of 64, below {@code inputs}
   */
  static int beginning(int tile, int inputs) {
    return inputs < INPUTS ? 0 : tile % (inputs / INPUTS) * INPUTS;
  }

  /** The array of a matrix given row by row. */
  public static HalfFloatArray pack(float[] weights, int outputs, int inputs) {
    HalfFloatArray tiles = new HalfFloatArray(Math.toIntExact(elements(outputs, inputs)));
    for (int o = 0; o < outputs; o++) {
      for (int i = 0; i < inputs; i++) {
        tiles.set(at(o, i, inputs), new HalfFloat(weights[o * inputs + i]));
      }
    }
    return tiles;
  }

  /**
   * The output whose weights come {@code row}-th where gate and up lie interleaved: eight of the
   * gate, the same eight of up, so that one group has both.
   *
   * @return below {@code inner}: a row of the gate; else {@code inner} plus a row of up
   */
  public static int interleaved(int row, int inner) {
    int pair = row / (2 * OUTPUTS) * OUTPUTS + row % OUTPUTS;
    return row / OUTPUTS % 2 == 0 ? pair : inner + pair;
  }
}
