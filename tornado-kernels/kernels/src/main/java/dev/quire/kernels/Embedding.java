package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * Looks up the embeddings of a step's tokens.
 *
 * <pre>
 *   residual row r  ◄── table row tokens[r]     one group a row, an element a thread and turn
 * </pre>
 */
public final class Embedding {
  private Embedding() {}

  /** Threads of a group, which handles one row. */
  public static final int GROUP = 256;

  /**
   * {@code residual[r] = table[tokens[r]]}.
   *
   * @param counts element 0: rows that are there
   * @param tokens [rows]
   * @param table [vocabulary, width], as {@link WeightTiles} has it: it may be the head as well
   * @param residual [rows, width]
   */
  public static void gather(
      KernelContext context,
      IntArray counts,
      IntArray tokens,
      HalfFloatArray table,
      FloatArray residual,
      int width) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    int token = tokens.get(row);
    int padded = (width + 63) / 64 * 64;
    int source = WeightTiles.START + token / 8 * 8 * padded + token % 8;
    for (int i = context.localIdx; i < width; i += GROUP) {
      residual.set(row * width + i, table.get(source + 8 * i).getFloat32());
    }
  }

  /**
   * The same from a table in Q8_0.
   *
   * @param quants [vocabulary, width], as {@link QuantTiles} has them
   * @param scales likewise
   */
  public static void gatherQ8(
      KernelContext context,
      IntArray counts,
      IntArray tokens,
      IntArray quants,
      HalfFloatArray scales,
      FloatArray residual,
      int width) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    int token = tokens.get(row);
    int padded = (width + 63) / 64 * 64;
    int quant = QuantTiles.START + token / 8 * 2 * padded + token % 8 / 4;
    int scale = token / 8 * (padded / 4) + token % 8;
    int shift = 24 - token % 4 * 8;
    for (int i = context.localIdx; i < width; i += GROUP) {
      float value = quants.get(quant + 2 * i) << shift >> 24;
      residual.set(row * width + i, scales.get(scale + i / 32 * 8).getFloat32() * value);
    }
  }

  /**
   * The same from a table of four bits a weight.
   *
   * @param nibbles [vocabulary, width], as {@link NibbleTiles} has them
   * @param steps likewise
   */
  public static void gatherQ4(
      KernelContext context,
      IntArray counts,
      IntArray tokens,
      IntArray nibbles,
      HalfFloatArray steps,
      FloatArray residual,
      int width) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    int token = tokens.get(row);
    int groups = (width + 127) / 128 * 4;
    for (int i = context.localIdx; i < width; i += GROUP) {
      int group = token / 8 * groups + i / 32;
      int eight = nibbles.get(NibbleTiles.START + group * 32 + i % 32 / 4 * 4 + token % 8 / 2);
      int nibble = (eight >> (token % 2 * 16 + i % 4 * 4)) & 15;
      Half2 step = steps.getHalf2(group * 16 + token % 8 * 2);
      residual.set(row * width + i, Half2.lowFloat(step) * nibble - Half2.highFloat(step));
    }
  }

  /**
   * The same from a table in BF16.
   *
   * @param table [vocabulary, width], as {@link MatrixVectorBf16} has it
   * @param scales likewise
   */
  public static void gatherBf16(
      KernelContext context,
      IntArray counts,
      IntArray tokens,
      IntArray table,
      FloatArray scales,
      FloatArray residual,
      int width) {
    int row = context.groupIdx;
    if (row >= counts.get(0)) {
      return;
    }
    int token = tokens.get(row);
    int padded = (width + 63) / 64 * 64;
    int source = MatrixVectorBf16.START + token / 8 * 4 * padded + token % 8 / 2;
    int shift = 16 - token % 2 * 16;
    for (int i = context.localIdx; i < width; i += GROUP) {
      int bits = table.get(source + 4 * i) << shift;
      residual.set(row * width + i, MatrixVectorBf16.value(bits, scales));
    }
  }

  /** A group for each of at most {@code rows} rows. */
  public static WorkerGrid grid(int rows) {
    WorkerGrid grid = new WorkerGrid1D(rows * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** The same in plain Java: one row. */
  public static float[] reference(float[] table, int token, int width) {
    float[] row = new float[width];
    System.arraycopy(table, token * width, row, 0, width);
    return row;
  }
}
