package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Brings weights and activations into the form that the kernels read.
 *
 * <pre>
 *   GGUF Q8_0     │d│q0…q31│d│q0…q31│ …          34 bytes a block of 32
 *   quants        four outputs' quants of an input, one int a thread
 *   scales        eight outputs' beside each other
 * </pre>
 */
public final class Pack {
  private Pack() {}

  /** Threads of a group. */
  public static final int GROUP = 256;

  private static final int BLOCK = 32;
  private static final int BLOCK_BYTES = 34;

  /** Rounds floats to halves: {@code count} elements, one a thread. */
  public static void toHalf(
      KernelContext context, FloatArray source, HalfFloatArray target, int count) {
    int i = context.globalIdx;
    if (i < count) {
      target.set(i, new HalfFloat(source.get(i)));
    }
  }

  /**
   * Takes Q8_0 blocks apart: one int, of four outputs and an input, a thread.
   *
   * @param blocks [outputs, inputs / 32, 34] bytes; outputs a multiple of 8
   * @param quants as {@link QuantTiles} has them
   * @param scales likewise
   */
  public static void tileQ8(
      KernelContext context,
      ByteArray blocks,
      IntArray quants,
      HalfFloatArray scales,
      int outputs,
      int inputs) {
    int i = context.globalIdx;
    int padded = (inputs + 63) / 64 * 64;
    int input = i / 2 % padded;
    int output = i / 2 / padded * 8 + i % 2 * 4;
    if (output < outputs) {
      int four = 0;
      for (int n = 0; n < 4; n++) {
        int start = ((output + n) * (inputs / BLOCK) + input / BLOCK) * BLOCK_BYTES;
        if (input < inputs) {
          four = four | (blocks.get(start + 2 + input % BLOCK) & 0xFF) << 8 * n;
        }
        if (input % BLOCK == 0) {
          int to = (output / 8 * (padded / BLOCK) + input / BLOCK) * 8 + output % 8 + n;
          scales.set(to, input < inputs ? blocks.getHalfFloat(start) : new HalfFloat(0.0f));
        }
      }
      quants.set(QuantTiles.START + i, four);
    }
  }

  /** Enough groups for one thread an item. */
  public static WorkerGrid grid(int items) {
    WorkerGrid grid = new WorkerGrid1D((items + GROUP - 1) / GROUP * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** Decodes Q8_0 blocks in plain Java. */
  public static float[] reference(byte[] blocks) {
    int count = blocks.length / BLOCK_BYTES;
    float[] values = new float[count * BLOCK];
    for (int b = 0; b < count; b++) {
      int start = b * BLOCK_BYTES;
      short bits = (short) ((blocks[start] & 0xFF) | blocks[start + 1] << 8);
      for (int i = 0; i < BLOCK; i++) {
        values[b * BLOCK + i] = Float.float16ToFloat(bits) * blocks[start + 2 + i];
      }
    }
    return values;
  }
}
