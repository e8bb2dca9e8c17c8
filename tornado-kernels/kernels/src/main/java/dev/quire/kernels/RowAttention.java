package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid2D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * Causal attention of single rows, for heads of any even size up to 512: what the kernels with
 * tiles don't take. Online softmax (Milakov and Gimelshein, 2018).
 *
 * <pre>
 *   group (query head, row), 128 threads
 *   scores    a thread a position, 128 at a time        │p│p+1│…│p+127│
 *   output    a thread has elements t, t + 128, …        summed over those 128 positions
 * </pre>
 */
public final class RowAttention {
  private RowAttention() {}

  /** Threads of a group. */
  public static final int GROUP = 128;

  /** The largest head size. */
  public static final int MAX_HEAD = 512;

  /**
   * Attends to the positions up to the row's own.
   *
   * @param counts element 0: rows that are there
   * @param sequences [rows]: the row of {@code tables} that belongs to a row
   * @param positions [rows], as {@link RotaryCache} takes them
   * @param queries [rows, heads * headSize]
   * @param keys [blocks, kvHeads, blockSize, headSize]
   * @param values as keys
   * @param tables [sequences, tableWidth]
   * @param out [rows, heads * headSize]
   * @param window positions that are visible, 0 for all
   * @param scale what scores are multiplied by
   * @param softCap scores become {@code softCap * tanh(score / softCap)}; 0 leaves them
   */
  public static void attend(
      KernelContext context,
      IntArray counts,
      IntArray sequences,
      IntArray positions,
      HalfFloatArray queries,
      HalfFloatArray keys,
      HalfFloatArray values,
      IntArray tables,
      HalfFloatArray out,
      int heads,
      int kvHeads,
      int headSize,
      int blockSize,
      int tableWidth,
      int window,
      float scale,
      float softCap) {
    int row = context.groupIdy;
    if (row >= counts.get(0)) {
      return;
    }
    float[] query = context.allocateFloatLocalArray(MAX_HEAD);
    float[] output = context.allocateFloatLocalArray(MAX_HEAD);
    float[] weights = context.allocateFloatLocalArray(GROUP);
    float[] partial = context.allocateFloatLocalArray(GROUP);
    int thread = context.localIdx;
    int head = context.groupIdx;
    int kvHead = head / (heads / kvHeads);
    int table = sequences.get(row) * tableWidth;
    int end = positions.get(row) % RotaryCache.STRETCHED + 1;
    int begin = window > 0 ? TornadoMath.max(0, end - window) : 0;
    for (int i = thread; i < headSize; i += GROUP) {
      query[i] = queries.get((row * heads + head) * headSize + i).getFloat32() * scale;
      output[i] = 0.0f;
    }
    float maximum = Float.NEGATIVE_INFINITY;
    float sum = 0.0f;
    for (int start = begin; start < end; start += GROUP) {
      context.localBarrier();
      int position = start + thread;
      float score = Float.NEGATIVE_INFINITY;
      if (position < end) {
        int block = tables.get(table + position / blockSize);
        int at = ((block * kvHeads + kvHead) * blockSize + position % blockSize) * headSize;
        float dot = 0.0f;
        for (int i = 0; i < headSize; i += 2) {
          Half2 pair = keys.getHalf2(at + i);
          dot += query[i] * Half2.lowFloat(pair) + query[i + 1] * Half2.highFloat(pair);
        }
        score = softCap > 0.0f ? softCap * TornadoMath.tanh(dot / softCap) : dot;
      }
      partial[thread] = score;
      context.localBarrier();
      float highest = maximum;
      for (int t = 0; t < GROUP; t++) {
        highest = TornadoMath.max(highest, partial[t]);
      }
      weights[thread] = TornadoMath.exp(score - highest);
      context.localBarrier();
      float factor = TornadoMath.exp(maximum - highest);
      maximum = highest;
      sum = sum * factor;
      int here = TornadoMath.min(GROUP, end - start);
      for (int t = 0; t < here; t++) {
        sum += weights[t];
      }
      for (int i = thread; i < headSize; i += GROUP) {
        float element = output[i] * factor;
        for (int t = 0; t < here; t++) {
          int block = tables.get(table + (start + t) / blockSize);
          int at = ((block * kvHeads + kvHead) * blockSize + (start + t) % blockSize) * headSize;
          element += weights[t] * values.get(at + i).getFloat32();
        }
        output[i] = element;
      }
    }
    for (int i = thread; i < headSize; i += GROUP) {
      float value = output[i] / sum;
      out.set((row * heads + head) * headSize + i, new HalfFloat(value));
    }
  }

  /** Groups for at most {@code rows} rows. The reference is {@link AttentionReference}. */
  public static WorkerGrid grid(int rows, int heads) {
    WorkerGrid grid = new WorkerGrid2D(heads * GROUP, rows);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }
}
