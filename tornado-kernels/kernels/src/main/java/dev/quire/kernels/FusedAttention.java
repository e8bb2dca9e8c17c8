package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * A step's only row from the sums of queries, keys and values to its attention, in one kernel:
 * {@link RotaryCache}, {@link PagedAttention} and {@link ContextSplits} together, where latency is
 * all that counts.
 *
 * <pre>
 *   group (query head)                     before the sums are there    after
 *     cosine and sine of the position    ──────────┐
 *     the first turn's keys and values   ──────────┤ in registers
 *     q, k, v of the qkv row                       └──► rotated, in local memory ──► k, v: cache
 *
 *   one turn of 16 warps, 4 positions of each of up to 4 sets a warp
 *     positions   │ warp 0 ┼ warp 1 ┼ … ┼ warp 15 │ set 1: warp 0 ┼ …
 *     scores      8 lanes a position, two elements of each 16 a lane
 *     output      lane = pair of elements, row after row
 *
 *   warps' (output, maximum, sum) ──► out
 * </pre>
 *
 * The row's own key and value come from local memory: the first of the groups that share a kv head
 * stores them, and none reads them there.
 */
public final class FusedAttention {
  private FusedAttention() {}

  /** The largest head size. */
  public static final int MAX_HEAD = 256;

  /** Positions above which a context is better split among groups. */
  public static final int FEW_POSITIONS = 1024;

  /** Neighbouring positions of a block that a warp reads: block sizes are multiples of it. */
  public static final int ROWS = 4;

  private static final int WARP = 32;
  private static final int WARPS = 16;
  private static final int GROUP = WARPS * WARP;
  private static final int LANES = 8;
  private static final int MOST_ROWS = 16;

  /**
   * Rotates, stores and attends.
   *
   * @param counts element 0: 1, or 0 where nothing is to be stored; element 2: the position, as
   *     {@link RotaryCache#rotateAndStore} has it, with all before it in the cache: they lie
   *     together, since each look-up that waits for another is time that counts
   * @param qkv [(heads + 2 * kvHeads) * headSize]; headSize a multiple of 16
   * @param slots [1]: block * blockSize + place in the block; negative: not to be stored
   * @param frequencies as {@link RotaryCache#rotateAndStore} has them
   * @param keys [blocks, kvHeads, blockSize, headSize], blockSize a multiple of {@link #ROWS}
   * @param values as keys
   * @param tables block numbers
   * @param out [heads * headSize]
   * @param rotary elements of a head that are rotated, even; 0: none
   * @param apart 1 if a pair's elements are neighbours, rotary / 2 if they are that far apart
   * @param window positions that are visible, 0 for all
   * @param scale what scores are multiplied by
   * @param softCap scores become {@code softCap * tanh(score / softCap)}; 0 leaves them
   */
  public static void attendEarly(
      KernelContext context,
      IntArray counts,
      FloatArray qkv,
      IntArray slots,
      FloatArray frequencies,
      HalfFloatArray keys,
      HalfFloatArray values,
      IntArray tables,
      HalfFloatArray out,
      int heads,
      int kvHeads,
      int headSize,
      int blockSize,
      int rotary,
      int apart,
      float magnitude,
      int window,
      float scale,
      float softCap) {
    float[] own = context.allocateFloatLocalArray(3 * headSize);
    float[] weights = context.allocateFloatLocalArray(2 * WARPS * MOST_ROWS);
    float[] merged = context.allocateFloatLocalArray(WARPS * headSize);
    float[] maxima = context.allocateFloatLocalArray(WARPS);
    float[] sums = context.allocateFloatLocalArray(WARPS);
    int head = context.groupIdx;
    int perKvHead = heads / kvHeads;
    int kvHead = head / perKvHead;
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int place = lane / LANES;
    int part = 2 * (lane % LANES);
    int sets = headSize > 128 ? 1 : headSize > 64 ? 2 : 4;
    int perRow = headSize / 16;
    int pairs = (headSize + 2 * WARP - 1) / (2 * WARP);
    int step = sets * ROWS * WARPS;
    int there = counts.get(0);
    int given = counts.get(StepScatter.FIRST_POSITION);
    // The first of the heads that share a key stores it.
    int stores = head % perKvHead == 0 ? there : 0;
    int slot = stores > 0 ? slots.get(0) : -1;
    int cached = given % RotaryCache.STRETCHED;
    int visible = window > 0 ? TornadoMath.max(0, cached + 1 - window) : 0;
    int begin = visible / ROWS * ROWS;
    int last = TornadoMath.max(cached - 1, 0);
    int turns = (cached - begin + step - 1) / step;
    // A thread has a pair of the query, of the key, or of the value.
    int which = thread / (headSize / 2);
    int pair = thread % (headSize / 2);
    int rotated = which < 2 ? rotary / 2 : 0;
    int stride = apart == 1 ? 2 : 1;
    int first = pair < rotated ? pair * stride : 2 * pair;
    int second = pair < rotated ? first + apart : first + 1;
    float frequency = 0.0f;
    if (rotary > 0) {
      int set = given / RotaryCache.STRETCHED * (rotary / 2);
      frequency = frequencies.get(set + TornadoMath.min(pair, rotary / 2 - 1));
    }
    int[] key = new int[4];
    int[] value = new int[4];
    int[] rest = new int[4];
    Half2 k0 = Half2.fromFloats(0.0f, 0.0f);
    Half2 k1 = k0;
    Half2 k2 = k0;
    Half2 k3 = k0;
    Half2 k4 = k0;
    Half2 k5 = k0;
    Half2 k6 = k0;
    Half2 k7 = k0;
    Half2 k8 = k0;
    Half2 k9 = k0;
    Half2 k10 = k0;
    Half2 k11 = k0;
    Half2 k12 = k0;
    Half2 k13 = k0;
    Half2 k14 = k0;
    Half2 k15 = k0;
    Half2 v0 = k0;
    Half2 v1 = k0;
    Half2 v2 = k0;
    Half2 v3 = k0;
    Half2 v4 = k0;
    Half2 v5 = k0;
    Half2 v6 = k0;
    Half2 v7 = k0;
    Half2 v8 = k0;
    Half2 v9 = k0;
    Half2 v10 = k0;
    Half2 v11 = k0;
    Half2 v12 = k0;
    Half2 v13 = k0;
    Half2 v14 = k0;
    Half2 v15 = k0;
    if (turns > 0) {
      for (int s = 0; s < sets; s++) {
        int from = TornadoMath.min(begin + (s * WARPS + warp) * ROWS, last / ROWS * ROWS);
        int block = tables.get(from / blockSize);
        int row = (block * kvHeads + kvHead) * blockSize + from % blockSize;
        rest[s] = last - from;
        key[s] = (row + TornadoMath.min(place, last - from)) * headSize + part;
        value[s] = row * headSize;
      }
      k0 = keys.getHalf2(key(key, 0, perRow, sets));
      k1 = keys.getHalf2(key(key, 1, perRow, sets));
      k2 = keys.getHalf2(key(key, 2, perRow, sets));
      k3 = keys.getHalf2(key(key, 3, perRow, sets));
      k4 = keys.getHalf2(key(key, 4, perRow, sets));
      k5 = keys.getHalf2(key(key, 5, perRow, sets));
      k6 = keys.getHalf2(key(key, 6, perRow, sets));
      k7 = keys.getHalf2(key(key, 7, perRow, sets));
      k8 = keys.getHalf2(key(key, 8, perRow, sets));
      k9 = keys.getHalf2(key(key, 9, perRow, sets));
      k10 = keys.getHalf2(key(key, 10, perRow, sets));
      k11 = keys.getHalf2(key(key, 11, perRow, sets));
      k12 = keys.getHalf2(key(key, 12, perRow, sets));
      k13 = keys.getHalf2(key(key, 13, perRow, sets));
      k14 = keys.getHalf2(key(key, 14, perRow, sets));
      k15 = keys.getHalf2(key(key, 15, perRow, sets));
      v0 = values.getHalf2(value(value, rest, 0, pairs, sets, lane, headSize));
      v1 = values.getHalf2(value(value, rest, 1, pairs, sets, lane, headSize));
      v2 = values.getHalf2(value(value, rest, 2, pairs, sets, lane, headSize));
      v3 = values.getHalf2(value(value, rest, 3, pairs, sets, lane, headSize));
      v4 = values.getHalf2(value(value, rest, 4, pairs, sets, lane, headSize));
      v5 = values.getHalf2(value(value, rest, 5, pairs, sets, lane, headSize));
      v6 = values.getHalf2(value(value, rest, 6, pairs, sets, lane, headSize));
      v7 = values.getHalf2(value(value, rest, 7, pairs, sets, lane, headSize));
      v8 = values.getHalf2(value(value, rest, 8, pairs, sets, lane, headSize));
      v9 = values.getHalf2(value(value, rest, 9, pairs, sets, lane, headSize));
      v10 = values.getHalf2(value(value, rest, 10, pairs, sets, lane, headSize));
      v11 = values.getHalf2(value(value, rest, 11, pairs, sets, lane, headSize));
      v12 = values.getHalf2(value(value, rest, 12, pairs, sets, lane, headSize));
      v13 = values.getHalf2(value(value, rest, 13, pairs, sets, lane, headSize));
      v14 = values.getHalf2(value(value, rest, 14, pairs, sets, lane, headSize));
      v15 = values.getHalf2(value(value, rest, 15, pairs, sets, lane, headSize));
    }
    // Behind the loads, which would wait for it.
    float cosine = 1.0f;
    float sine = 0.0f;
    if (pair < rotated) {
      float angle = cached * frequency;
      cosine = magnitude * TornadoMath.cos(angle);
      sine = magnitude * TornadoMath.sin(angle);
    }
    context.localBarrier(); // Else the compiler puts off loads to save registers.
    Predecessors.await(context);
    Predecessors.release(context);
    if (which < 3) {
      int source = which == 0 ? head : heads + (which - 1) * kvHeads + kvHead;
      float x = qkv.get(source * headSize + first);
      float y = qkv.get(source * headSize + second);
      float left = x * cosine - y * sine;
      float right = x * sine + y * cosine;
      Half2 rounded = Half2.fromFloats(left, right);
      own[which * headSize + first] = which == 0 ? left * scale : Half2.lowFloat(rounded);
      own[which * headSize + second] = which == 0 ? right * scale : Half2.highFloat(rounded);
      if (slot >= 0) {
        int line = (slot / blockSize * kvHeads + kvHead) * blockSize + slot % blockSize;
        if (which == 1) {
          keys.set(line * headSize + first, new HalfFloat(left));
          keys.set(line * headSize + second, new HalfFloat(right));
        }
        if (which == 2) {
          values.setHalf2(line * headSize + first, rounded);
        }
      }
    }
    context.localBarrier();
    float[] query = new float[32];
    for (int i = 0; i < perRow; i++) {
      query[2 * i] = own[part + 16 * i];
      query[2 * i + 1] = own[part + 16 * i + 1];
    }
    float[] low = new float[4];
    float[] high = new float[4];
    float mine = 0.0f;
    float holds = warp == 0 ? 1.0f : 0.0f;
    for (int c = 0; c < pairs; c++) {
      int i = 2 * (c * WARP + lane);
      int element = TornadoMath.min(i, headSize - 2);
      float both = own[element] * own[headSize + element];
      both += own[element + 1] * own[headSize + element + 1];
      mine += i < headSize ? both : 0.0f;
      low[c] = holds * own[2 * headSize + element];
      high[c] = holds * own[2 * headSize + element + 1];
    }
    float score = context.simdSum(mine);
    float top = softCap > 0.0f ? softCap * TornadoMath.tanh(score / softCap) : score;
    float sum = lane == 0 ? holds : 0.0f;
    for (int turn = 0; turn < turns; turn++) {
      float[] dot = new float[MOST_ROWS];
      for (int s = 0; s < MOST_ROWS; s++) {
        dot[s] = 0.0f;
      }
      dot[0] += product(query, 0, k0);
      dot[1 / perRow] += product(query, 1 % perRow, k1);
      dot[2 / perRow] += product(query, 2 % perRow, k2);
      dot[3 / perRow] += product(query, 3 % perRow, k3);
      dot[4 / perRow] += product(query, 4 % perRow, k4);
      dot[5 / perRow] += product(query, 5 % perRow, k5);
      dot[6 / perRow] += product(query, 6 % perRow, k6);
      dot[7 / perRow] += product(query, 7 % perRow, k7);
      dot[8 / perRow] += product(query, 8 % perRow, k8);
      dot[9 / perRow] += product(query, 9 % perRow, k9);
      dot[10 / perRow] += product(query, 10 % perRow, k10);
      dot[11 / perRow] += product(query, 11 % perRow, k11);
      dot[12 / perRow] += product(query, 12 % perRow, k12);
      dot[13 / perRow] += product(query, 13 % perRow, k13);
      dot[14 / perRow] += product(query, 14 % perRow, k14);
      dot[15 / perRow] += product(query, 15 % perRow, k15);
      int start = begin + turn * step + warp * ROWS + place;
      float largest = top;
      for (int s = 0; s < sets; s++) {
        int position = start + s * WARPS * ROWS;
        float raw = Warps.sumOfEight(context, dot[s]);
        float capped = softCap > 0.0f ? softCap * TornadoMath.tanh(raw / softCap) : raw;
        float before = position < cached ? capped : Float.NEGATIVE_INFINITY;
        dot[s] = position < visible ? Float.NEGATIVE_INFINITY : before;
        largest = TornadoMath.max(largest, dot[s]);
      }
      largest = TornadoMath.max(largest, context.simdShuffleDown(largest, 2 * LANES));
      largest = TornadoMath.max(largest, context.simdShuffleDown(largest, LANES));
      float maximum = context.simdBroadcastFirst(largest);
      float factor = TornadoMath.exp(top - maximum);
      int at = (turn % 2 * WARPS + warp) * MOST_ROWS;
      sum *= factor;
      for (int s = 0; s < sets; s++) {
        float weight = TornadoMath.exp(dot[s] - maximum);
        sum += weight;
        if (part == 0) {
          weights[at + s * ROWS + place] = weight;
        }
      }
      top = maximum;
      Half2 n0 = k0;
      Half2 n1 = k1;
      Half2 n2 = k2;
      Half2 n3 = k3;
      Half2 n4 = k4;
      Half2 n5 = k5;
      Half2 n6 = k6;
      Half2 n7 = k7;
      Half2 n8 = k8;
      Half2 n9 = k9;
      Half2 n10 = k10;
      Half2 n11 = k11;
      Half2 n12 = k12;
      Half2 n13 = k13;
      Half2 n14 = k14;
      Half2 n15 = k15;
      if (turn + 1 < turns) {
        for (int s = 0; s < sets; s++) {
          int wanted = begin + (turn + 1) * step + (s * WARPS + warp) * ROWS;
          int from = TornadoMath.min(wanted, last / ROWS * ROWS);
          int block = tables.get(from / blockSize);
          int row = (block * kvHeads + kvHead) * blockSize + from % blockSize;
          rest[s] = last - from;
          key[s] = (row + TornadoMath.min(place, last - from)) * headSize + part;
          value[s] = row * headSize;
        }
        n0 = keys.getHalf2(key(key, 0, perRow, sets));
        n1 = keys.getHalf2(key(key, 1, perRow, sets));
        n2 = keys.getHalf2(key(key, 2, perRow, sets));
        n3 = keys.getHalf2(key(key, 3, perRow, sets));
        n4 = keys.getHalf2(key(key, 4, perRow, sets));
        n5 = keys.getHalf2(key(key, 5, perRow, sets));
        n6 = keys.getHalf2(key(key, 6, perRow, sets));
        n7 = keys.getHalf2(key(key, 7, perRow, sets));
        n8 = keys.getHalf2(key(key, 8, perRow, sets));
        n9 = keys.getHalf2(key(key, 9, perRow, sets));
        n10 = keys.getHalf2(key(key, 10, perRow, sets));
        n11 = keys.getHalf2(key(key, 11, perRow, sets));
        n12 = keys.getHalf2(key(key, 12, perRow, sets));
        n13 = keys.getHalf2(key(key, 13, perRow, sets));
        n14 = keys.getHalf2(key(key, 14, perRow, sets));
        n15 = keys.getHalf2(key(key, 15, perRow, sets));
      }
      context.localBarrier();
      for (int c = 0; c < pairs; c++) {
        low[c] *= factor;
        high[c] *= factor;
      }
      add(low, high, weights[at], v0, 0);
      add(low, high, weights[at + row(1, pairs, sets)], v1, 1 % pairs);
      add(low, high, weights[at + row(2, pairs, sets)], v2, 2 % pairs);
      add(low, high, weights[at + row(3, pairs, sets)], v3, 3 % pairs);
      add(low, high, weights[at + row(4, pairs, sets)], v4, 4 % pairs);
      add(low, high, weights[at + row(5, pairs, sets)], v5, 5 % pairs);
      add(low, high, weights[at + row(6, pairs, sets)], v6, 6 % pairs);
      add(low, high, weights[at + row(7, pairs, sets)], v7, 7 % pairs);
      add(low, high, weights[at + row(8, pairs, sets)], v8, 8 % pairs);
      add(low, high, weights[at + row(9, pairs, sets)], v9, 9 % pairs);
      add(low, high, weights[at + row(10, pairs, sets)], v10, 10 % pairs);
      add(low, high, weights[at + row(11, pairs, sets)], v11, 11 % pairs);
      float more = 4 * sets * pairs > 12 ? 1.0f : 0.0f;
      add(low, high, more * weights[at + row(12, pairs, sets)], v12, 12 % pairs);
      add(low, high, more * weights[at + row(13, pairs, sets)], v13, 13 % pairs);
      add(low, high, more * weights[at + row(14, pairs, sets)], v14, 14 % pairs);
      add(low, high, more * weights[at + row(15, pairs, sets)], v15, 15 % pairs);
      k0 = n0;
      k1 = n1;
      k2 = n2;
      k3 = n3;
      k4 = n4;
      k5 = n5;
      k6 = n6;
      k7 = n7;
      k8 = n8;
      k9 = n9;
      k10 = n10;
      k11 = n11;
      k12 = n12;
      k13 = n13;
      k14 = n14;
      k15 = n15;
      if (turn + 1 < turns) {
        v0 = values.getHalf2(value(value, rest, 0, pairs, sets, lane, headSize));
        v1 = values.getHalf2(value(value, rest, 1, pairs, sets, lane, headSize));
        v2 = values.getHalf2(value(value, rest, 2, pairs, sets, lane, headSize));
        v3 = values.getHalf2(value(value, rest, 3, pairs, sets, lane, headSize));
        v4 = values.getHalf2(value(value, rest, 4, pairs, sets, lane, headSize));
        v5 = values.getHalf2(value(value, rest, 5, pairs, sets, lane, headSize));
        v6 = values.getHalf2(value(value, rest, 6, pairs, sets, lane, headSize));
        v7 = values.getHalf2(value(value, rest, 7, pairs, sets, lane, headSize));
        v8 = values.getHalf2(value(value, rest, 8, pairs, sets, lane, headSize));
        v9 = values.getHalf2(value(value, rest, 9, pairs, sets, lane, headSize));
        v10 = values.getHalf2(value(value, rest, 10, pairs, sets, lane, headSize));
        v11 = values.getHalf2(value(value, rest, 11, pairs, sets, lane, headSize));
        v12 = values.getHalf2(value(value, rest, 12, pairs, sets, lane, headSize));
        v13 = values.getHalf2(value(value, rest, 13, pairs, sets, lane, headSize));
        v14 = values.getHalf2(value(value, rest, 14, pairs, sets, lane, headSize));
        v15 = values.getHalf2(value(value, rest, 15, pairs, sets, lane, headSize));
      }
    }
    float total = context.simdSum(part == 0 ? sum : 0.0f);
    if (lane == 0) {
      maxima[warp] = top;
      sums[warp] = total;
    }
    for (int c = 0; c < pairs; c++) {
      int i = 2 * (c * WARP + lane);
      if (i < headSize) {
        merged[warp * headSize + i] = low[c];
        merged[warp * headSize + i + 1] = high[c];
      }
    }
    context.localBarrier();
    if (thread < headSize) {
      float maximum = maxima[0];
      for (int w = 1; w < WARPS; w++) {
        maximum = TornadoMath.max(maximum, maxima[w]);
      }
      float mass = 0.0f;
      float output = 0.0f;
      for (int w = 0; w < WARPS; w++) {
        float factor = TornadoMath.exp(maxima[w] - maximum);
        mass += factor * sums[w];
        output += factor * merged[w * headSize + thread];
      }
      float result = output / mass;
      out.set(head * headSize + thread, new HalfFloat(result));
    }
  }

  /** Where the n-th of a lane's pairs of keys is: row after row, those of a row 16 apart. */
  private static int key(int[] keys, int n, int perRow, int sets) {
    return keys[TornadoMath.min(n / perRow, sets - 1)] + n % perRow * 16;
  }

  /** The row of the n-th of a lane's pairs of values. */
  private static int row(int n, int pairs, int sets) {
    return TornadoMath.min(n / pairs, sets * ROWS - 1);
  }

  /** Where it is. */
  private static int value(
      int[] values, int[] rest, int n, int pairs, int sets, int lane, int headSize) {
    int row = row(n, pairs, sets);
    int i = TornadoMath.min(2 * (n % pairs * WARP + lane), headSize - 2);
    return values[row / ROWS] + TornadoMath.min(row % ROWS, rest[row / ROWS]) * headSize + i;
  }

  private static float product(float[] query, int i, Half2 key) {
    float low = query[2 * i] * Half2.lowFloat(key);
    return low + query[2 * i + 1] * Half2.highFloat(key);
  }

  private static void add(float[] low, float[] high, float weight, Half2 value, int pair) {
    low[pair] += weight * Half2.lowFloat(value);
    high[pair] += weight * Half2.highFloat(value);
  }

  /** Groups for so many query heads. */
  public static WorkerGrid grid(int heads) {
    WorkerGrid grid = new WorkerGrid1D(heads * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }
}
