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
 *   quants        │q0…q3│q4…q7│ …                one int a thread: aligned loads of 4 bytes
 *   scales        │d│d│ …
 * </pre>
 */
public final class Pack {
  private Pack() {}

  /** Threads of a group. */
  public static final int GROUP = 256;

  private static final int BLOCK = 32;
  private static final int BLOCK_BYTES = 34;
  private static final int BLOCK_INTS = BLOCK / 4;

  /** Rounds floats to halves: {@code count} elements, one a thread. */
  public static void toHalf(
      KernelContext context, FloatArray source, HalfFloatArray target, int count) {
    int i = context.globalIdx;
    if (i < count) {
      target.set(i, new HalfFloat(source.get(i)));
    }
  }

  /**
   * Takes Q8_0 blocks apart, one int of four quants a thread.
   *
   * @param blocks [count, 34] bytes
   * @param quants [count, 8]
   * @param scales [count]
   */
  public static void splitQ8(
      KernelContext context, ByteArray blocks, IntArray quants, HalfFloatArray scales, int count) {
    int i = context.globalIdx;
    if (i < count * BLOCK_INTS) {
      int block = i / BLOCK_INTS;
      int within = i % BLOCK_INTS;
      int start = block * BLOCK_BYTES + 2 + 4 * within;
      int four =
          (blocks.get(start) & 0xFF)
              | (blocks.get(start + 1) & 0xFF) << 8
              | (blocks.get(start + 2) & 0xFF) << 16
              | (blocks.get(start + 3) & 0xFF) << 24;
      quants.set(i, four);
      if (within == 0) {
        scales.set(block, blocks.getHalfFloat(block * BLOCK_BYTES));
      }
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
