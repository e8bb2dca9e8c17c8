package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Moves blocks of the KV cache between a layer's arrays and a staging array that goes to the host,
 * or comes from it, as one transfer.
 *
 * <pre>
 *   list      │n│b0│b1│..           n blocks, group i moves block b_i
 *   staging   │ record 0 │ record 1 │..    one record a block
 *   record    │k, layer 0│v│k, layer 1│v│..     place: where the layer's part begins
 * </pre>
 *
 * <p>A layer's place is an array of one element because a scalar would make each layer a kernel of
 * its own.
 */
public final class BlockSwap {
  private BlockSwap() {}

  /** Threads of a group, which moves one block of one layer. */
  public static final int GROUP = 256;

  /**
   * Gathers a layer's blocks into the staging array.
   *
   * @param list [1 + most blocks]: how many there are, and which
   * @param place [1]: elements of a record before this layer's
   * @param keys [blocks, blockElements]
   * @param values [blocks, blockElements]
   * @param staging [most blocks, recordElements]
   * @param blockElements elements of a block's keys in this layer; even
   * @param recordElements elements of a block's keys and values over all layers
   */
  public static void gather(
      KernelContext context,
      IntArray list,
      IntArray place,
      HalfFloatArray keys,
      HalfFloatArray values,
      HalfFloatArray staging,
      int blockElements,
      int recordElements) {
    int number = context.groupIdx;
    if (number >= list.get(0)) {
      return;
    }
    int block = list.get(1 + number) * blockElements;
    int record = number * recordElements + place.get(0);
    for (int i = 2 * context.localIdx; i < blockElements; i += 2 * GROUP) {
      staging.setHalf2(record + i, keys.getHalf2(block + i));
      staging.setHalf2(record + blockElements + i, values.getHalf2(block + i));
    }
  }

  /** The way back: what {@link #gather} wrote is put into blocks of the layer. */
  public static void scatter(
      KernelContext context,
      IntArray list,
      IntArray place,
      HalfFloatArray staging,
      HalfFloatArray keys,
      HalfFloatArray values,
      int blockElements,
      int recordElements) {
    int number = context.groupIdx;
    if (number >= list.get(0)) {
      return;
    }
    int block = list.get(1 + number) * blockElements;
    int record = number * recordElements + place.get(0);
    for (int i = 2 * context.localIdx; i < blockElements; i += 2 * GROUP) {
      keys.setHalf2(block + i, staging.getHalf2(record + i));
      values.setHalf2(block + i, staging.getHalf2(record + blockElements + i));
    }
  }

  /** A group for each of at most {@code blocks} blocks. */
  public static WorkerGrid grid(int blocks) {
    WorkerGrid grid = new WorkerGrid1D(blocks * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** {@code gather} in plain Java, of one layer's keys or values. */
  public static void reference(
      float[] cache, int[] blocks, float[] staging, int place, int blockElements, int record) {
    for (int i = 0; i < blocks.length; i++) {
      System.arraycopy(
          cache, blocks[i] * blockElements, staging, i * record + place, blockElements);
    }
  }
}
