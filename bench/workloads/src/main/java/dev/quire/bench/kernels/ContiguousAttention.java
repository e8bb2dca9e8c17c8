package dev.quire.bench.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * {@link dev.quire.kernels.PagedAttention} without pages: each sequence's keys and values lie in
 * one piece, as long as the longest sequence. All else is the same, so that the difference in time
 * is what the block table costs. Its splits are put together by {@code PagedAttention.combine}.
 */
public final class ContiguousAttention {
  private static final int GROUP = 128;
  private static final int QUERIES = 8;
  private static final int TILE = 32;
  private static final int WARPS = GROUP / TILE;
  private static final int STRIDE = GROUP + 1;

  private ContiguousAttention() {}

  /**
   * Attends within one split of each context.
   *
   * @param counts sequences that are there; positions a split
   * @param queries [sequences, heads * headSize]
   * @param keys [sequences, kvHeads, stride, headSize]
   * @param values as keys
   * @param lengths [sequences]
   * @param partial [sequences, heads, splits, headSize + 2]: output, then maximum and sum
   */
  public static void attend(
      KernelContext context,
      IntArray counts,
      HalfFloatArray queries,
      HalfFloatArray keys,
      HalfFloatArray values,
      IntArray lengths,
      FloatArray partial,
      int heads,
      int kvHeads,
      int headSize,
      int stride,
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
        int row = (sequence * kvHeads + kvHead) * stride + position;
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
        int row = (sequence * kvHeads + kvHead) * stride + position;
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
}
