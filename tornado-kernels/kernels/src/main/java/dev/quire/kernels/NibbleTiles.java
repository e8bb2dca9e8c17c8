package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * How a weight matrix [outputs, inputs] of four bits a weight lies in the device's memory, from
 * Q4_0 or Q4_K: {@code weight = scale · nibble − least}, scale and least shared by 32 inputs of an
 * output.
 *
 * <pre>
 *   block of 8 outputs   inputs 0 to 31    32 ints: int 4q+p has inputs 4q to 4q+3 of
 *                        inputs 32 to 63   outputs 2p (low half) and 2p+1 (high half),
 *                        …                 the first input in the lowest bits
 *                          up to a multiple of 128 inputs
 *   steps                inputs 0 to 31    │scale least│scale least│ … of 8 outputs, in halves
 * </pre>
 *
 * Q4_0 has 8 scales as its least; Q4_K's products of its own scales are rounded to halves.
 */
public final class NibbleTiles {
  private NibbleTiles() {}

  /** The first int of the nibbles, at 128 bytes as {@link WeightTiles#START} is. */
  public static final int START = 28;

  /** Inputs that share a scale. */
  public static final int GROUP_INPUTS = 32;

  /** Threads of a group of {@link #unpack}. */
  public static final int GROUP = 256;

  private static final int INPUTS = 128;

  /** Inputs of a block, zeros included. */
  public static int paddedInputs(int inputs) {
    return (inputs + INPUTS - 1) / INPUTS * INPUTS;
  }

  /** Ints of the nibbles; outputs up to a multiple of 128, so that partial groups read zeros. */
  public static long nibbles(int outputs, int inputs) {
    return START + count(outputs, inputs);
  }

  private static long count(int outputs, int inputs) {
    return (long) Math.ceilDiv(outputs, 128) * 16 * paddedInputs(inputs);
  }

  /** Halves of scales and leasts. */
  public static long steps(int outputs, int inputs) {
    return count(outputs, inputs) / 2;
  }

  /** The int in which a weight's nibble lies. */
  public static int intAt(int output, int input, int inputs) {
    int group = output / 8 * (paddedInputs(inputs) / 32) + input / 32;
    return START + group * 32 + input % 32 / 4 * 4 + output % 8 / 2;
  }

  /** The nibble's lowest bit in its int. */
  public static int shift(int output, int input) {
    return output % 2 * 16 + input % 4 * 4;
  }

  /** Where the scale of a weight lies; its least follows. */
  public static int stepAt(int output, int input, int inputs) {
    return (output / 8 * (paddedInputs(inputs) / 32) + input / 32) * 16 + output % 8 * 2;
  }

  /**
   * Turns a matrix into halves as {@link WeightTiles} has them: more than one row is worth it.
   *
   * @param nibbles as above
   * @param steps as above
   * @param count ints of the nibbles that matter
   */
  public static void unpack(
      KernelContext context,
      IntArray nibbles,
      HalfFloatArray steps,
      HalfFloatArray weights,
      int inputs,
      int count) {
    int i = context.globalIdx;
    if (i < count) {
      int groups = (inputs + 127) / 128 * 4;
      int padded = (inputs + 63) / 64 * 64;
      int group = i / 32;
      int pair = i % 4;
      int input = group % groups * 32 + i % 32 / 4 * 4;
      if (input < padded) {
        int eight = nibbles.get(START + i);
        Half2 even = steps.getHalf2(group * 16 + pair * 4);
        Half2 odd = steps.getHalf2(group * 16 + pair * 4 + 2);
        int to = WeightTiles.START + (group / groups * padded + input) * 8 + 2 * pair;
        for (int k = 0; k < 4; k++) {
          float low = Half2.lowFloat(even) * (eight >> 4 * k & 15) - Half2.highFloat(even);
          float high = Half2.lowFloat(odd) * (eight >> 4 * k + 16 & 15) - Half2.highFloat(odd);
          weights.setHalf2(to + 8 * k, Half2.fromFloats(low, high));
        }
      }
    }
  }

  /** Threads for {@link #unpack}: one an int. */
  public static WorkerGrid grid(int count) {
    WorkerGrid grid = new WorkerGrid1D(Math.ceilDiv(count, GROUP) * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** The weights of two outputs, whose nibbles are in the lowest bits of either half. */
  static int pair(int nibbles, Half2 even, Half2 odd) {
    HalfFloat low = new HalfFloat((nibbles & 15) * Half2.lowFloat(even) - Half2.highFloat(even));
    HalfFloat high =
        new HalfFloat((nibbles >> 16 & 15) * Half2.lowFloat(odd) - Half2.highFloat(odd));
    return (low.getHalfFloatValue() & 0xFFFF) | (high.getHalfFloatValue() & 0xFFFF) << 16;
  }
}
