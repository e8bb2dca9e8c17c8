package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
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
 *   group (split s, kv head h and up to 8 of its queries, sequence r)
 *   context of r   │ … │ split s: counts[1] positions        │ … │
 *                       ├ warp 0 ┼ warp 1 ┼ … ┼ warp 0 ┼ …           32 positions a warp and turn
 *
 *   one turn of a warp
 *     rows     lane = position             block table ──► where its key and value lie
 *     scores   8 lanes a position          K │q·k│q·k│q·k│q·k│  4 rows at once, 2 to 4 times
 *     softmax  lane = position             running maximum and sum of each query, in registers
 *     output   lane = pair of elements     V row after row, 8 in flight, for all queries
 *
 *   group    warps' (output, maximum, sum) ──► out, or where a context has more splits than one
 *   partial  [sequence, head, split] ×  (output, maximum, sum)   ── ContextSplits ──►  out
 * </pre>
 *
 * A key or value is read once for all queries of its head.
 */
public final class PagedAttention {
  private PagedAttention() {}

  /** The largest head size. */
  public static final int MAX_HEAD = 256;

  private static final int QUERIES = AttentionGroups.QUERIES;
  private static final int WARP = 32;
  private static final int LANES = 8;

  /**
   * Attends within one split of each context.
   *
   * @param counts sequences that are there; positions a split, so that {@code splits} cover the
   *     longest context
   * @param queries [sequences, heads * headSize]; headSize a multiple of 16
   * @param keys [blocks, kvHeads, blockSize, headSize]
   * @param values as keys
   * @param tables [sequences, tableWidth]: block numbers
   * @param lengths [sequences]: positions to attend to, the query's own included
   * @param partial [sequences, heads, splits, headSize + 2]: output, then maximum and sum, of
   *     contexts with more splits than one
   * @param out [sequences, heads * headSize]: of contexts with one split
   * @param tableWidth 0: sequence s has block s and no table is read, so that a block is a
   *     contiguous cache of blockSize positions
   * @param warps of the group, as {@link AttentionGroups#warps} says
   * @param window positions that are visible, 0 for all
   * @param scale what scores are multiplied by
   * @param softCap scores become {@code softCap * tanh(score / softCap)}; 0 leaves them
   * @param early as {@link AttentionGroups#early} says: 1: all of a turn's keys and values are
   *     asked for at once; 0: as they are needed, by eights and sixteens
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
      HalfFloatArray out,
      int heads,
      int kvHeads,
      int headSize,
      int blockSize,
      int tableWidth,
      int splits,
      int warps,
      int window,
      float scale,
      float softCap,
      int early) {
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
    int perKvHead = heads / kvHeads;
    int parts = (perKvHead + QUERIES - 1) / QUERIES;
    int shared = (perKvHead + parts - 1) / parts;
    int pairs = (headSize + 2 * WARP - 1) / (2 * WARP);
    float[] query = context.allocateFloatLocalArray(shared * headSize);
    float[] scores = context.allocateFloatLocalArray(warps * shared * WARP);
    float[] weights = context.allocateFloatLocalArray(warps * shared * WARP);
    int[] rows = context.allocateIntLocalArray(2 * warps * WARP);
    float[] merged = context.allocateFloatLocalArray(warps * shared * headSize);
    float[] maxima = context.allocateFloatLocalArray(warps * shared);
    float[] sums = context.allocateFloatLocalArray(warps * shared);
    int kvHead = context.groupIdy / parts;
    int firstOfHead = context.groupIdy % parts * shared;
    int firstHead = kvHead * perKvHead + firstOfHead;
    int mine = TornadoMath.min(shared, perKvHead - firstOfHead);
    int group = warps * WARP;
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int place = lane / LANES;
    int part = 2 * (lane % LANES);
    // Sixteen loads of keys under way a thread: rows of 64 elements by fours, of 128 by twos.
    int together = headSize > 64 ? 8 : 16;
    for (int i = thread; i < shared * headSize; i += group) {
      int head = firstHead + TornadoMath.min(i / headSize, mine - 1);
      int from = (sequence * heads + head) * headSize + i % headSize;
      query[i] = queries.get(from).getFloat32() * scale;
    }
    float[] low = new float[QUERIES * 4];
    float[] high = new float[QUERIES * 4];
    float[] top = new float[QUERIES];
    float[] sum = new float[QUERIES];
    for (int h = 0; h < shared; h++) {
      top[h] = Float.NEGATIVE_INFINITY;
      sum[h] = 0.0f;
      for (int c = 0; c < pairs; c++) {
        low[h * pairs + c] = 0.0f;
        high[h * pairs + c] = 0.0f;
      }
    }
    int own = TornadoMath.min(begin + thread, end - 1);
    rows[thread] = row(tables, sequence, own, tableWidth, kvHead, kvHeads, blockSize) * headSize;
    context.localBarrier();
    int turn = 0;
    for (int start = begin; start < end; start += group) {
      int position = start + thread;
      int next = TornadoMath.min(position + group, end - 1);
      int nextRow = row(tables, sequence, next, tableWidth, kvHead, kvHeads, blockSize) * headSize;
      int here = turn * group + warp * WARP;
      int scored = warp * shared * WARP;
      // A pair of each quarter of a lane's key and value: memory is quicker asked once than often.
      Half2 ask0 = Half2.fromFloats(0.0f, 0.0f);
      Half2 ask1 = ask0;
      Half2 ask2 = ask0;
      Half2 ask3 = ask0;
      Half2 ask4 = ask0;
      Half2 ask5 = ask0;
      Half2 ask6 = ask0;
      Half2 ask7 = ask0;
      if (early > 0) {
        int asked = rows[here + lane];
        ask0 = keys.getHalf2(asked);
        ask1 = keys.getHalf2(asked + headSize / 4);
        ask2 = keys.getHalf2(asked + 2 * (headSize / 4));
        ask3 = keys.getHalf2(asked + 3 * (headSize / 4));
        ask4 = values.getHalf2(asked);
        ask5 = values.getHalf2(asked + headSize / 4);
        ask6 = values.getHalf2(asked + 2 * (headSize / 4));
        ask7 = values.getHalf2(asked + 3 * (headSize / 4));
      }
      for (int turnRows = 0; turnRows < WARP; turnRows += together) {
        int row0 = rows[here + turnRows + place] + part;
        int row1 = rows[here + turnRows + place + 4] + part;
        int row2 = rows[here + turnRows + place + together - 8] + part;
        int row3 = rows[here + turnRows + place + together - 4] + part;
        float[] dot0 = new float[QUERIES];
        float[] dot1 = new float[QUERIES];
        float[] dot2 = new float[QUERIES];
        float[] dot3 = new float[QUERIES];
        for (int h = 0; h < shared; h++) {
          dot0[h] = 0.0f;
          dot1[h] = 0.0f;
          if (together == 16) {
            dot2[h] = 0.0f;
            dot3[h] = 0.0f;
          }
        }
        for (int i = 0; i < headSize; i += 2 * LANES) {
          Half2 k0 = keys.getHalf2(row0 + i);
          Half2 k1 = keys.getHalf2(row1 + i);
          for (int h = 0; h < shared; h++) {
            float x = query[h * headSize + part + i];
            float y = query[h * headSize + part + i + 1];
            dot0[h] += x * Half2.lowFloat(k0);
            dot0[h] += y * Half2.highFloat(k0);
            dot1[h] += x * Half2.lowFloat(k1);
            dot1[h] += y * Half2.highFloat(k1);
          }
          if (together == 16) {
            Half2 k2 = keys.getHalf2(row2 + i);
            Half2 k3 = keys.getHalf2(row3 + i);
            for (int h = 0; h < shared; h++) {
              float x = query[h * headSize + part + i];
              float y = query[h * headSize + part + i + 1];
              dot2[h] += x * Half2.lowFloat(k2);
              dot2[h] += y * Half2.highFloat(k2);
              dot3[h] += x * Half2.lowFloat(k3);
              dot3[h] += y * Half2.highFloat(k3);
            }
          }
        }
        for (int h = 0; h < shared; h++) {
          int to = scored + h * WARP + turnRows + place;
          float score0 = Warps.sumOfEight(context, dot0[h]);
          float score1 = Warps.sumOfEight(context, dot1[h]);
          if (part == 0) {
            scores[to] = score0;
            scores[to + 4] = score1;
          }
          if (together == 16) {
            float score2 = Warps.sumOfEight(context, dot2[h]);
            float score3 = Warps.sumOfEight(context, dot3[h]);
            if (part == 0) {
              scores[to + 8] = score2;
              scores[to + 12] = score3;
            }
          }
        }
      }
      context.localBarrier();
      for (int h = 0; h < shared; h++) {
        float score = scores[scored + h * WARP + lane];
        float capped = softCap > 0.0f ? softCap * TornadoMath.tanh(score / softCap) : score;
        float masked = position < end ? capped : Float.NEGATIVE_INFINITY;
        float before = top[h];
        float maximum = TornadoMath.max(before, Warps.maximum(context, masked));
        float shift = TornadoMath.max(maximum, -Float.MAX_VALUE);
        float weight = TornadoMath.exp(masked - shift);
        float factor = TornadoMath.exp(before - shift);
        weights[scored + h * WARP + lane] = weight;
        top[h] = maximum;
        sum[h] = sum[h] * factor + weight;
        for (int c = 0; c < pairs; c++) {
          low[h * pairs + c] *= factor;
          high[h * pairs + c] *= factor;
        }
      }
      rows[(1 - turn) * group + thread] = nextRow;
      context.localBarrier();
      if (early > 0) {
        float all = Half2.lowFloat(ask0) + Half2.lowFloat(ask1) + Half2.lowFloat(ask2);
        all += Half2.lowFloat(ask3) + Half2.lowFloat(ask4) + Half2.lowFloat(ask5);
        all += Half2.lowFloat(ask6) + Half2.lowFloat(ask7);
        sum[0] += 0.0f * all; // They have to be used.
      }
      for (int p = 0; p < WARP; p += 8) {
        int row0 = rows[here + p];
        int row1 = rows[here + p + 1];
        int row2 = rows[here + p + 2];
        int row3 = rows[here + p + 3];
        int row4 = rows[here + p + 4];
        int row5 = rows[here + p + 5];
        int row6 = rows[here + p + 6];
        int row7 = rows[here + p + 7];
        for (int c = 0; c < pairs; c++) {
          int i = TornadoMath.min(2 * (c * WARP + lane), headSize - 2);
          Half2 v0 = values.getHalf2(row0 + i);
          Half2 v1 = values.getHalf2(row1 + i);
          Half2 v2 = values.getHalf2(row2 + i);
          Half2 v3 = values.getHalf2(row3 + i);
          Half2 v4 = values.getHalf2(row4 + i);
          Half2 v5 = values.getHalf2(row5 + i);
          Half2 v6 = values.getHalf2(row6 + i);
          Half2 v7 = values.getHalf2(row7 + i);
          for (int h = 0; h < shared; h++) {
            int at = scored + h * WARP + p;
            float w0 = weights[at];
            float w1 = weights[at + 1];
            float w2 = weights[at + 2];
            float w3 = weights[at + 3];
            float w4 = weights[at + 4];
            float w5 = weights[at + 5];
            float w6 = weights[at + 6];
            float w7 = weights[at + 7];
            float x = low[h * pairs + c];
            float y = high[h * pairs + c];
            x += w0 * Half2.lowFloat(v0);
            y += w0 * Half2.highFloat(v0);
            x += w1 * Half2.lowFloat(v1);
            y += w1 * Half2.highFloat(v1);
            x += w2 * Half2.lowFloat(v2);
            y += w2 * Half2.highFloat(v2);
            x += w3 * Half2.lowFloat(v3);
            y += w3 * Half2.highFloat(v3);
            x += w4 * Half2.lowFloat(v4);
            y += w4 * Half2.highFloat(v4);
            x += w5 * Half2.lowFloat(v5);
            y += w5 * Half2.highFloat(v5);
            x += w6 * Half2.lowFloat(v6);
            y += w6 * Half2.highFloat(v6);
            x += w7 * Half2.lowFloat(v7);
            y += w7 * Half2.highFloat(v7);
            low[h * pairs + c] = x;
            high[h * pairs + c] = y;
          }
        }
      }
      turn = 1 - turn;
    }
    for (int h = 0; h < shared; h++) {
      float total = context.simdSum(sum[h]);
      if (lane == 0) {
        maxima[warp * shared + h] = top[h];
        sums[warp * shared + h] = total;
      }
      for (int c = 0; c < pairs; c++) {
        int i = 2 * (c * WARP + lane);
        if (i < headSize) {
          merged[(warp * shared + h) * headSize + i] = low[h * pairs + c];
          merged[(warp * shared + h) * headSize + i + 1] = high[h * pairs + c];
        }
      }
    }
    context.localBarrier();
    for (int i = thread; i < mine * headSize; i += group) {
      int h = i / headSize;
      float maximum = Float.NEGATIVE_INFINITY;
      for (int w = 0; w < warps; w++) {
        maximum = TornadoMath.max(maximum, maxima[w * shared + h]);
      }
      float total = 0.0f;
      float output = 0.0f;
      for (int w = 0; w < warps; w++) {
        float factor = TornadoMath.exp(maxima[w * shared + h] - maximum);
        total += factor * sums[w * shared + h];
        output += factor * merged[w * shared * headSize + i];
      }
      int head = sequence * heads + firstHead + h;
      if (length - visible <= splitLength) {
        float value = output / total;
        out.set(head * headSize + i % headSize, new HalfFloat(value));
      } else {
        int to = (head * splits + context.groupIdx) * (headSize + 2);
        partial.set(to + i % headSize, output);
        if (i % headSize == 0) {
          partial.set(to + headSize, maximum);
          partial.set(to + headSize + 1, total);
        }
      }
    }
  }

  private static int row(
      IntArray tables,
      int sequence,
      int position,
      int tableWidth,
      int kvHead,
      int kvHeads,
      int blockSize) {
    int block =
        tableWidth > 0 ? tables.get(sequence * tableWidth + position / blockSize) : sequence;
    int place = tableWidth > 0 ? position % blockSize : position;
    return (block * kvHeads + kvHead) * blockSize + place;
  }
}
