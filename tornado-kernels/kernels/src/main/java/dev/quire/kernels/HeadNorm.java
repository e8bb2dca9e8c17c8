package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid2D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Normalises queries and keys in place before they are rotated.
 *
 * <pre>
 *   qkv row  ├ q0 ┼ q1 ┼ … ┼ k0 ┼ … ┼ v0 ┼ … ┤    group (slice, row), 128 threads
 *            └ a slice is one head (Qwen3, Gemma 3) or all query or key heads (OLMo 2)
 * </pre>
 */
public final class HeadNorm {
  /** Threads of a group, which handles one slice of a row. */
  public static final int GROUP = 128;

  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;

  private HeadNorm() {}

  /**
   * Slice s of a row: {@code x *= weight / sqrt(mean(x²) + epsilon)}.
   *
   * @param counts element 0: rows that are there
   * @param qkv [rows, stride]; slices lie one after the other, queries first
   * @param queryWeight [size of a query slice]
   * @param keyWeight [size of a key slice]
   * @param querySlices how many slices are queries; those after them are keys
   * @param querySize elements of a query slice
   * @param keySize elements of a key slice
   */
  public static void normalizeHeads(
      KernelContext context,
      IntArray counts,
      FloatArray qkv,
      FloatArray queryWeight,
      FloatArray keyWeight,
      int querySlices,
      int querySize,
      int keySize,
      int stride,
      float epsilon) {
    int row = context.groupIdy;
    if (row >= counts.get(0)) {
      return;
    }
    float[] partial = context.allocateFloatLocalArray(WARPS);
    int thread = context.localIdx;
    int slice = context.groupIdx;
    int isKey = slice < querySlices ? 0 : 1;
    int size = isKey == 0 ? querySize : keySize;
    int before = isKey == 0 ? slice * querySize : (slice - querySlices) * keySize;
    int start = row * stride + before + isKey * querySlices * querySize;
    float squares = 0.0f;
    for (int i = thread; i < size; i += GROUP) {
      float value = qkv.get(start + i);
      squares += value * value;
    }
    float warpSum = context.simdSum(squares);
    if (thread % WARP == 0) {
      partial[thread / WARP] = warpSum;
    }
    context.localBarrier();
    float sum = 0.0f;
    for (int w = 0; w < WARPS; w++) {
      sum += partial[w];
    }
    float scale = 1.0f / TornadoMath.sqrt(sum / size + epsilon);
    for (int i = thread; i < size; i += GROUP) {
      float weight = 0.0f;
      if (isKey == 0) {
        weight = queryWeight.get(i);
      } else {
        weight = keyWeight.get(i);
      }
      qkv.set(start + i, qkv.get(start + i) * scale * weight);
    }
  }

  /** A group for each slice of at most {@code rows} rows. */
  public static WorkerGrid grid(int rows, int slices) {
    WorkerGrid grid = new WorkerGrid2D(slices * GROUP, rows);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** One slice in plain Java. */
  public static float[] reference(float[] slice, float[] weight, float epsilon) {
    double squares = 0;
    for (float value : slice) {
      squares += (double) value * value;
    }
    double scale = 1 / Math.sqrt(squares / slice.length + epsilon);
    float[] out = new float[slice.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) (slice[i] * scale * weight[i]);
    }
    return out;
  }
}
