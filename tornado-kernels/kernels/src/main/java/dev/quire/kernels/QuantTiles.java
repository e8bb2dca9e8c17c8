package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * How a weight matrix [outputs, inputs] in Q8_0 lies in the device's memory: its bytes as {@link
 * WeightTiles} has halves, its scales apart.
 *
 * <pre>
 *   block of 8 outputs   quants   input 0: │q0 q1 q2 q3│q4 q5 q6 q7│   two ints
 *                                 input 1: │q0 q1 q2 q3│q4 q5 q6 q7│
 *                                 …          up to a multiple of 64 inputs
 *                        scales   inputs 0 to 31:  │d0 d1│d2 d3│d4 d5│d6 d7│
 *                                 inputs 32 to 63: │d0 d1│ …
 * </pre>
 */
public final class QuantTiles {
  private QuantTiles() {}

  /** The first int of the quants, at 128 bytes as {@link WeightTiles#START} is. */
  public static final int START = 28;

  /** Inputs that share a scale. */
  public static final int GROUP_INPUTS = 32;

  /** Threads of a group of {@link #unpack}. */
  public static final int GROUP = 256;

  /** Ints of the quants. */
  public static long quants(int outputs, int inputs) {
    return START + WeightTiles.count(outputs, inputs) / 4;
  }

  /** Halves of the scales. */
  public static long scales(int outputs, int inputs) {
    return WeightTiles.count(outputs, inputs) / GROUP_INPUTS;
  }

  /** Where a quant lies, in bytes. */
  public static int quantAt(int output, int input, int inputs) {
    return 4 * START + WeightTiles.at(output, input, inputs) - WeightTiles.START;
  }

  /** Where the scale of a weight lies. */
  public static int scaleAt(int output, int input, int inputs) {
    int groups = WeightTiles.paddedInputs(inputs) / GROUP_INPUTS;
    return (output / 8 * groups + input / GROUP_INPUTS) * 8 + output % 8;
  }

  /**
   * Turns a matrix into halves as {@link WeightTiles} has them: many rows are worth it.
   *
   * @param count ints of the quants that matter
   */
  public static void unpack(
      KernelContext context,
      IntArray quants,
      HalfFloatArray scales,
      HalfFloatArray weights,
      int count) {
    int i = context.globalIdx;
    if (i < count) {
      int four = quants.get(START + i);
      int scale = i / 64 * 8 + i % 2 * 4;
      Half2 low = scales.getHalf2(scale);
      Half2 high = scales.getHalf2(scale + 2);
      weights.setHalf2(
          WeightTiles.START + 4 * i,
          Half2.fromFloats(
              (four << 24 >> 24) * Half2.lowFloat(low), (four << 16 >> 24) * Half2.highFloat(low)));
      weights.setHalf2(
          WeightTiles.START + 4 * i + 2,
          Half2.fromFloats(
              (four << 8 >> 24) * Half2.lowFloat(high), (four >> 24) * Half2.highFloat(high)));
    }
  }

  /** Threads for {@link #unpack}: one an int. */
  public static WorkerGrid grid(int count) {
    WorkerGrid grid = new WorkerGrid1D(Math.ceilDiv(count, GROUP) * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** Two quants times their scales, as halves. */
  static int pair(int first, int second, Half2 scale) {
    HalfFloat low = new HalfFloat(first * Half2.lowFloat(scale));
    HalfFloat high = new HalfFloat(second * Half2.highFloat(scale));
    return (low.getHalfFloatValue() & 0xFFFF) | (high.getHalfFloatValue() & 0xFFFF) << 16;
  }
}
