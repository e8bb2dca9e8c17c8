package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid3D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * Attention of one query a sequence over its blocks (Kwon et al., 2023), the context split among
 * groups and put together afterwards (Dao et al., 2023), with an online softmax (Milakov and
 * Gimelshein, 2018).
 *
 * <pre>
 *   group (split s, kv head h and up to 8 of its queries, sequence r), 128 threads
 *   context of r   │ … │ split s: counts[1] positions │ … │      block table read here
 *                       ├ 32 ┼ 32 ┼ …                           a tile of K, then the same of V
 *   scores   8 queries × 32 positions    thread = position, warp = queries w and w + 4
 *   output   8 queries × headSize        thread = element of the head
 *   partial  [sequence, head, split] ×  (output, maximum, sum)   ── combine ──►  out
 * </pre>
 *
 * A tile is read once for all queries of the kv head.
 */
public final class PagedAttention {
  private PagedAttention() {}

  /** Threads of a group; also the largest head size. */
  public static final int GROUP = 128;

  /** Queries that share a group. */
  public static final int QUERIES = 8;

  private static final int TILE = 32;
  private static final int WARPS = GROUP / TILE;
  private static final int STRIDE = GROUP + 1;

  /**
   * Attends within one split of each context.
   *
   * @param counts sequences that are there; positions a split, so that {@code splits} cover the
   *     longest context
   * @param queries [sequences, heads * headSize]
   * @param keys [blocks, kvHeads, blockSize, headSize]
   * @param values as keys
   * @param tables [sequences, tableWidth]: block numbers
   * @param lengths [sequences]: positions to attend to, the query's own included
   * @param partial [sequences, heads, splits, headSize + 2]: output, then maximum and sum
   * @param window positions that are visible, 0 for all
   * @param scale what scores are multiplied by
   * @param softCap scores become {@code softCap * tanh(score / softCap)}; 0 leaves them
   */
  public static void attend(
      KernelContext context,
      IntArray counts,
      HalfFloatArray queries,
      HalfFloatArray keys,
      HalfFloatArray values,
      IntArray tables,
      IntArray lengths,
      FloatArray partial,
      int heads,
      int kvHeads,
      int headSize,
      int blockSize,
      int tableWidth,
      int splits,
      int window,
      float scale,
      float softCap) {
    int sequence = context.groupIdz;
    if (sequence >= counts.get(0)) {
      return;
    }
    int splitLength = counts.get(1);
    int length = lengths.get(sequence);
    int visible = window > 0 ? TornadoMath.max(0, length - window) : 0;
    int begin = visible + context.groupIdx * splitLength;
    if (begin >= length) {
      return;
    }
    int end = TornadoMath.min(length, begin + splitLength);
    float[] tile = context.allocateFloatLocalArray(TILE * STRIDE);
    float[] query = context.allocateFloatLocalArray(QUERIES * GROUP);
    float[] output = context.allocateFloatLocalArray(QUERIES * GROUP);
    float[] scores = context.allocateFloatLocalArray(QUERIES * TILE);
    float[] maxima = context.allocateFloatLocalArray(QUERIES);
    float[] sums = context.allocateFloatLocalArray(QUERIES);
    float[] factors = context.allocateFloatLocalArray(QUERIES);
    int perKvHead = heads / kvHeads;
    int parts = (perKvHead + QUERIES - 1) / QUERIES;
    int kvHead = context.groupIdy / parts;
    int firstOfHead = context.groupIdy % parts * QUERIES;
    int firstHead = kvHead * perKvHead + firstOfHead;
    int shared = TornadoMath.min(QUERIES, perKvHead - firstOfHead);
    int thread = context.localIdx;
    int lane = thread % TILE;
    int warp = thread / TILE;
    for (int i = thread; i < shared * headSize; i += GROUP) {
      int from = (sequence * heads + firstHead) * headSize + i;
      query[i / headSize * GROUP + i % headSize] = queries.get(from).getFloat32() * scale;
    }
    for (int q = 0; q < QUERIES; q++) {
      output[q * GROUP + thread] = 0.0f;
    }
    if (thread < QUERIES) {
      maxima[thread] = Float.NEGATIVE_INFINITY;
      sums[thread] = 0.0f;
    }
    for (int start = begin; start < end; start += TILE) {
      context.localBarrier();
      for (int i = 2 * thread; i < TILE * headSize; i += 2 * GROUP) {
        int place = i / headSize;
        int position = TornadoMath.min(start + place, end - 1);
        int block = tables.get(sequence * tableWidth + position / blockSize);
        int row = (block * kvHeads + kvHead) * blockSize + position % blockSize;
        Half2 pair = keys.getHalf2(row * headSize + i % headSize);
        tile[place * STRIDE + i % headSize] = Half2.lowFloat(pair);
        tile[place * STRIDE + i % headSize + 1] = Half2.highFloat(pair);
      }
      context.localBarrier();
      for (int q = warp; q < QUERIES; q += WARPS) {
        float score = 0.0f;
        int known = q < shared ? headSize : 0;
        for (int i = 0; i < known; i++) {
          score += query[q * GROUP + i] * tile[lane * STRIDE + i];
        }
        float capped = softCap > 0.0f ? softCap * TornadoMath.tanh(score / softCap) : score;
        float masked = start + lane < end ? capped : Float.NEGATIVE_INFINITY;
        float own = 0.0f;
        if (lane == 0) {
          own = maxima[q];
        }
        float before = context.simdBroadcastFirst(own);
        float maximum = TornadoMath.max(before, warpMaximum(context, masked));
        float weight = TornadoMath.exp(masked - maximum);
        float sum = context.simdSum(weight);
        scores[q * TILE + lane] = weight;
        if (lane == 0) {
          float factor = TornadoMath.exp(before - maximum);
          maxima[q] = maximum;
          factors[q] = factor;
          sums[q] = sums[q] * factor + sum;
        }
      }
      context.localBarrier();
      for (int i = 2 * thread; i < TILE * headSize; i += 2 * GROUP) {
        int place = i / headSize;
        int position = TornadoMath.min(start + place, end - 1);
        int block = tables.get(sequence * tableWidth + position / blockSize);
        int row = (block * kvHeads + kvHead) * blockSize + position % blockSize;
        Half2 pair = values.getHalf2(row * headSize + i % headSize);
        tile[place * STRIDE + i % headSize] = Half2.lowFloat(pair);
        tile[place * STRIDE + i % headSize + 1] = Half2.highFloat(pair);
      }
      context.localBarrier();
      int elements = thread < headSize ? shared : 0;
      for (int q = 0; q < elements; q++) {
        float sum = output[q * GROUP + thread] * factors[q];
        for (int p = 0; p < TILE; p++) {
          sum += scores[q * TILE + p] * tile[p * STRIDE + thread];
        }
        output[q * GROUP + thread] = sum;
      }
    }
    int record = headSize + 2;
    for (int q = 0; q < shared; q++) {
      int to = ((sequence * heads + firstHead + q) * splits + context.groupIdx) * record;
      if (thread < headSize) {
        partial.set(to + thread, output[q * GROUP + thread]);
      }
      if (thread == 0) {
        partial.set(to + headSize, maxima[q]);
        partial.set(to + headSize + 1, sums[q]);
      }
    }
  }

  private static float warpMaximum(KernelContext context, float value) {
    float maximum = value;
    maximum = TornadoMath.max(maximum, context.simdShuffleDown(maximum, 16));
    maximum = TornadoMath.max(maximum, context.simdShuffleDown(maximum, 8));
    maximum = TornadoMath.max(maximum, context.simdShuffleDown(maximum, 4));
    maximum = TornadoMath.max(maximum, context.simdShuffleDown(maximum, 2));
    maximum = TornadoMath.max(maximum, context.simdShuffleDown(maximum, 1));
    return context.simdBroadcastFirst(maximum);
  }

  /**
   * Puts the splits of each head together.
   *
   * @param counts sequences that are there; positions a split, so that {@code splits} cover the
   *     longest context
   * @param partial as {@link #attend} leaves it
   * @param lengths [sequences]
   * @param out [sequences, heads * headSize]
   */
  public static void combine(
      KernelContext context,
      IntArray counts,
      FloatArray partial,
      IntArray lengths,
      HalfFloatArray out,
      int heads,
      int headSize,
      int splits,
      int window) {
    int sequence = context.groupIdz;
    if (sequence >= counts.get(0)) {
      return;
    }
    int splitLength = counts.get(1);
    int length = lengths.get(sequence);
    int attended = window > 0 ? TornadoMath.min(window, length) : length;
    int used = (attended + splitLength - 1) / splitLength;
    int head = context.groupIdy;
    int record = headSize + 2;
    int from = (sequence * heads + head) * splits * record;
    float maximum = Float.NEGATIVE_INFINITY;
    for (int s = 0; s < used; s++) {
      maximum = TornadoMath.max(maximum, partial.get(from + s * record + headSize));
    }
    int i = context.localIdx;
    if (i < headSize) {
      float weights = 0.0f;
      float sum = 0.0f;
      for (int s = 0; s < used; s++) {
        float factor = TornadoMath.exp(partial.get(from + s * record + headSize) - maximum);
        weights += factor * partial.get(from + s * record + headSize + 1);
        sum += factor * partial.get(from + s * record + i);
      }
      out.set((sequence * heads + head) * headSize + i, new HalfFloat(sum / weights));
    }
  }

  /** Groups for {@link #attend}. */
  public static WorkerGrid grid(int sequences, int heads, int kvHeads, int splits) {
    int parts = (heads / kvHeads + QUERIES - 1) / QUERIES;
    WorkerGrid grid = new WorkerGrid3D(splits * GROUP, kvHeads * parts, sequences);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /** Groups for {@link #combine}. */
  public static WorkerGrid combineGrid(int sequences, int heads) {
    WorkerGrid grid = new WorkerGrid3D(GROUP, heads, sequences);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }

  /**
   * One query of one head over contiguous keys and values, in plain Java.
   *
   * @param query [headSize]
   * @param keys [length, headSize]
   * @param values [length, headSize]
   * @param first the first visible position
   */
  public static float[] reference(
      float[] query, float[][] keys, float[][] values, int first, float scale, float softCap) {
    double[] weights = new double[keys.length];
    double maximum = Double.NEGATIVE_INFINITY;
    for (int p = first; p < keys.length; p++) {
      double score = 0;
      for (int i = 0; i < query.length; i++) {
        score += (double) query[i] * keys[p][i];
      }
      score *= scale;
      weights[p] = softCap > 0 ? softCap * Math.tanh(score / softCap) : score;
      maximum = Math.max(maximum, weights[p]);
    }
    double sum = 0;
    double[] out = new double[query.length];
    for (int p = first; p < keys.length; p++) {
      double weight = Math.exp(weights[p] - maximum);
      sum += weight;
      for (int i = 0; i < query.length; i++) {
        out[i] += weight * values[p][i];
      }
    }
    float[] result = new float[query.length];
    for (int i = 0; i < query.length; i++) {
      result[i] = (float) (out[i] / sum);
    }
    return result;
  }
}
