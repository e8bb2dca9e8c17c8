package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * Brings rows of a matrix as a file has them into {@link WeightTiles}, some blocks of eight outputs
 * at a time: what one array takes of a matrix is staged, packed, and makes room for the next.
 *
 * <pre>
 *   staged   output 8b:     │i0 i1 i2 …            a thread has an input of a block: reads of
 *            output 8b + 1: │i0 i1 i2 …            neighbours lie beside each other in each of
 *            …                                     eight rows, and its eight halves in one piece
 *   tiles    block first + b, input i: │o0 o1│o2 o3│o4 o5│o6 o7│
 * </pre>
 */
public final class TilePacker {
  private TilePacker() {}

  /** Threads of a group. */
  public static final int GROUP = 256;

  private static final int BLOCK = WeightTiles.OUTPUTS;

  /**
   * Packs halves.
   *
   * @param part the first block of outputs that is staged, and how many are
   * @param staged [8 · blocks, inputs]
   * @param weights as {@link WeightTiles} has them; of these blocks all, zeros at their ends too
   */
  public static void halves(
      KernelContext context,
      IntArray part,
      HalfFloatArray staged,
      HalfFloatArray weights,
      int inputs) {
    int padded = (inputs + 63) / 64 * 64;
    int i = context.globalIdx;
    if (i < part.get(1) * padded) {
      int block = i / padded;
      int input = i % padded;
      int from = block * BLOCK * inputs + TornadoMath.min(input, inputs - 1);
      int to = WeightTiles.START + (part.get(0) + block) * BLOCK * padded + input * BLOCK;
      float live = TornadoMath.min(1, TornadoMath.max(0, inputs - input));
      for (int o = 0; o < BLOCK; o += 2) {
        float even = staged.get(from + o * inputs).getFloat32();
        float odd = staged.get(from + (o + 1) * inputs).getFloat32();
        weights.setHalf2(to + o, Half2.fromFloats(live * even, live * odd));
      }
    }
  }

  /**
   * Packs BF16 that halves hold.
   *
   * @param part as {@link #halves} has it
   * @param staged [8 · blocks, inputs], two an int
   * @param scales as {@link MatrixVectorBf16#scales()} has them
   * @param weights as {@link #halves} has them
   */
  public static void brains(
      KernelContext context,
      IntArray part,
      IntArray staged,
      FloatArray scales,
      HalfFloatArray weights,
      int inputs) {
    int padded = (inputs + 63) / 64 * 64;
    int i = context.globalIdx;
    if (i < part.get(1) * padded) {
      int block = i / padded;
      int input = i % padded;
      int from = block * BLOCK * inputs + TornadoMath.min(input, inputs - 1);
      int to = WeightTiles.START + (part.get(0) + block) * BLOCK * padded + input * BLOCK;
      float live = TornadoMath.min(1, TornadoMath.max(0, inputs - input));
      for (int o = 0; o < BLOCK; o += 2) {
        int first = from + o * inputs;
        int second = first + inputs;
        int low = staged.get(first / 2) << (16 - first % 2 * 16);
        int high = staged.get(second / 2) << (16 - second % 2 * 16);
        float even = MatrixVectorBf16.value(low, scales);
        float odd = MatrixVectorBf16.value(high, scales);
        weights.setHalf2(to + o, Half2.fromFloats(live * even, live * odd));
      }
    }
  }

  /** Threads for at most so many blocks of outputs. */
  public static WorkerGrid grid(int blocks, int inputs) {
    int threads = blocks * WeightTiles.paddedInputs(inputs);
    WorkerGrid grid = new WorkerGrid1D(Math.ceilDiv(threads, GROUP) * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }
}
