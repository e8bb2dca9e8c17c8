package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.vectors.Half2;

/**
 * Causal attention of many queries a sequence (a prefill chunk) over its blocks, on tensor cores,
 * in one pass over the context (Dao et al., 2022).
 *
 * <pre>
 *   group: 64 rows = some queries of one sequence × the heads that share a kv head; 8 warps
 *
 *              16 rows a warp
 *            ┌────┬────┬────┬────┐           A = K as it lies in its blocks, B = Qᵀ
 *   32       │ w0 │ w1 │ w2 │ w3 │  Sᵀ = K·Qᵀ ──► scratch ──► P = exp(S - shift), halves
 *   positions├────┼────┼────┼────┤           four threads a row
 *            │ w4 │ w5 │ w6 │ w7 │           A = P, B = V as it lies in its blocks
 *            └────┴────┴────┴────┘
 *   O += P·V     warps w and w + 4: rows 16w … 16w + 15, half of the elements each, in registers
 *
 *   copies     K(t) │ V(t) │ K(t+1) │ V(t+1)      through the block table, under way while
 *   computes        │ S(t) │ P(t), O │ S(t+1)      what came before is computed
 * </pre>
 *
 * Accumulators can neither be read nor rescaled, so a row's shift is the first tile's maximum and
 * stays: weights are at most e^{@value #SLACK}, which halves and the sums hold. Where a later score
 * is larger by more, the run ends: its output goes to the scratch, scaled, and the next run begins
 * with that tile. This is rare, since a tile holds many scores.
 *
 * <p>A group works on one tile of queries after the other, so that the scratch stays in the
 * second-level cache.
 */
public final class ChunkAttention {
  private ChunkAttention() {}

  /** Threads of a group: eight warps. */
  public static final int GROUP = 256;

  /** Pairs of a query and a head that a group handles at once. */
  public static final int ROWS = 64;

  /** The largest head size. */
  public static final int MAX_HEAD = 128;

  /** The most groups: two on each of 132 multiprocessors. */
  public static final int MOST_GROUPS = 264;

  /** Floats of scratch that a group needs. */
  public static final int SCRATCH = 2 * ROWS * MAX_HEAD;

  /** Ints that describe a tile. */
  public static final int DESCRIPTOR = 4;

  private static final int TOTALS = ROWS * MAX_HEAD;
  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;
  private static final int POSITIONS = 32;
  private static final int PART = POSITIONS * ROWS / GROUP;
  private static final int WEIGHT_INTS = POSITIONS / 2 + 4;
  private static final int ROW_INTS = ROWS / 2 + 4;
  private static final int ROW_BYTES = 4 * ROW_INTS;
  private static final float SLACK = 8.0f;

  /**
   * Attends.
   *
   * @param counts element 0: tiles that are there
   * @param tiles [tiles, 4]: row of the first query, queries (1 to {@link #queries}), position of
   *     the first query, sequence
   * @param queries [rows, heads * headSize]; headSize a multiple of 16
   * @param keys [blocks, kvHeads, blockSize, headSize]
   * @param values as keys
   * @param tables [sequences, tableWidth]
   * @param scratch [groups, {@value #SCRATCH}]
   * @param out [rows, heads * headSize]
   * @param groups of the grid
   * @param window positions that are visible, 0 for all
   * @param scale what scores are multiplied by
   * @param softCap scores become {@code softCap * tanh(score / softCap)}; 0 leaves them
   */
  public static void attend(
      KernelContext context,
      IntArray counts,
      IntArray tiles,
      HalfFloatArray queries,
      HalfFloatArray keys,
      HalfFloatArray values,
      IntArray tables,
      FloatArray scratch,
      HalfFloatArray out,
      int heads,
      int kvHeads,
      int headSize,
      int blockSize,
      int tableWidth,
      int groups,
      int window,
      float scale,
      float softCap) {
    int perKvHead = heads / kvHeads;
    int parts = (perKvHead + ROWS - 1) / ROWS;
    int shared = (perKvHead + parts - 1) / parts;
    int items = counts.get(0) * kvHeads * parts;
    if (context.groupIdx >= items) {
      return;
    }
    int stride = headSize / 2 + 4;
    int[] query = context.allocateIntLocalArray(headSize * ROW_INTS);
    int[] keyTile = context.allocateIntLocalArray(POSITIONS * stride);
    int[] valueTile = context.allocateIntLocalArray(POSITIONS * stride);
    int[] weights = context.allocateIntLocalArray(ROWS * WEIGHT_INTS);
    int[] places = context.allocateIntLocalArray(2 * POSITIONS);
    float[] maxima = context.allocateFloatLocalArray(GROUP);
    float[] flags = context.allocateFloatLocalArray(WARPS);
    float[] factors = context.allocateFloatLocalArray(ROWS);
    int base = context.groupIdx * SCRATCH;
    int thread = context.localIdx;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int matrixRow = lane % 16;
    int row = thread % ROWS;
    int side = thread / ROWS;
    int pairs = headSize / 2;
    int rowWarp = warp % 4;
    int upper = warp / 4;
    int keyAt = upper * 64 * stride + matrixRow * (4 * stride - 32);
    int queryAt = matrixRow * (ROW_BYTES - 16) + rowWarp * 32;
    int weightAt = rowWarp * 64 * WEIGHT_INTS + matrixRow * (4 * WEIGHT_INTS - 32);
    int valueAt = matrixRow * (4 * stride - 16) + upper * headSize;
    for (int item = context.groupIdx; item < items; item += groups) {
      // The last tiles of a prompt see most, so they come first.
      int number = counts.get(0) - 1 - item / (kvHeads * parts);
      int kvHead = item % (kvHeads * parts) / parts;
      int firstHead = kvHead * perKvHead + item % parts * shared;
      int firstRow = tiles.get(number * DESCRIPTOR);
      int count = tiles.get(number * DESCRIPTOR + 1);
      int firstPosition = tiles.get(number * DESCRIPTOR + 2);
      int tableRow = tiles.get(number * DESCRIPTOR + 3) * tableWidth;
      int begin = window > 0 ? TornadoMath.max(0, firstPosition - window + 1) : 0;
      int end = firstPosition + count;
      int rows = count * shared;
      int own = row / shared;
      int head = firstHead + row % shared;
      int there = row < rows && head < (kvHead + 1) * perKvHead ? 1 : 0;
      int last = there > 0 ? firstPosition + own : -1;
      int first = window > 0 ? last - window + 1 : 0;
      context.localBarrier();
      for (int i = thread; i < ROWS / 2 * pairs; i += GROUP) {
        int left = i / pairs * 2;
        int d = i % pairs * 2;
        int leftHead = TornadoMath.min(firstHead + left % shared, heads - 1);
        int rightHead = TornadoMath.min(firstHead + (left + 1) % shared, heads - 1);
        int leftQuery = firstRow + TornadoMath.min(left / shared, count - 1);
        int rightQuery = firstRow + TornadoMath.min((left + 1) / shared, count - 1);
        int leftAt = (leftQuery * heads + leftHead) * headSize + d;
        int rightAt = (rightQuery * heads + rightHead) * headSize + d;
        query[d * ROW_INTS + left / 2] = pack(queries.get(leftAt), queries.get(rightAt));
        query[(d + 1) * ROW_INTS + left / 2] =
            pack(queries.get(leftAt + 1), queries.get(rightAt + 1));
      }
      float shift = Float.NEGATIVE_INFINITY;
      float sum = 0.0f;
      int run = 0;
      int start = begin;
      while (start < end) {
        context.asyncCopyWaitGroup(0);
        context.localBarrier();
        int turn = 0;
        if (thread < POSITIONS) {
          int position = TornadoMath.min(start + thread, end - 1);
          int block = tables.get(tableRow + position / blockSize);
          int placed = (block * kvHeads + kvHead) * blockSize + position % blockSize;
          places[thread] = placed * headSize;
        }
        context.localBarrier();
        for (int p = warp; p < POSITIONS; p += WARPS) {
          for (int c = lane; c < pairs; c += WARP) {
            context.asyncCopyToLocal(keyTile, p * stride + c, keys, places[p] + 2 * c);
          }
        }
        context.asyncCopyCommit();
        float before = shift;
        int fresh = 1;
        int limit = end;
        float[] o0 = context.mmaFragment(0.0f);
        float[] o1 = context.mmaFragment(0.0f);
        float[] o2 = context.mmaFragment(0.0f);
        float[] o3 = context.mmaFragment(0.0f);
        float[] o4 = context.mmaFragment(0.0f);
        float[] o5 = context.mmaFragment(0.0f);
        float[] o6 = context.mmaFragment(0.0f);
        float[] o7 = context.mmaFragment(0.0f);
        while (start < limit) {
          // Zero, but not to the compiler, which would keep every address in a register otherwise.
          int zero = (start - begin) >> 31;
          int keyHere = keyAt + zero;
          int queryHere = queryAt + zero;
          int weightHere = weightAt + zero;
          int scoreHere = base + rowWarp * 16 + zero;
          int here = turn * POSITIONS;
          int ahead = (1 - turn) * POSITIONS;
          context.asyncCopyWaitGroup(0);
          context.localBarrier();
          for (int p = warp; p < POSITIONS; p += WARPS) {
            for (int c = lane; c < pairs; c += WARP) {
              context.asyncCopyToLocal(valueTile, p * stride + c, values, places[here + p] + 2 * c);
            }
          }
          context.asyncCopyCommit();
          if (thread < POSITIONS) {
            int position = TornadoMath.min(start + POSITIONS + thread, end - 1);
            int block = tables.get(tableRow + position / blockSize);
            int placed = (block * kvHeads + kvHead) * blockSize + position % blockSize;
            places[ahead + thread] = placed * headSize;
          }
          float[] s0 = context.mmaFragment(0.0f);
          float[] s1 = context.mmaFragment(0.0f);
          for (int step = 0; step < headSize / 16; step++) {
            HalfFloat[] a = context.mmaLoadA(keyTile, 16, step * 32 + keyHere);
            HalfFloat[] b0 = context.mmaLoadB(query, 16, step * 16 * ROW_BYTES + queryHere);
            HalfFloat[] b1 = context.mmaLoadB(query, 16, step * 16 * ROW_BYTES + queryHere + 16);
            s0 = context.mma(a, b0, s0, MMAShape.M16N8K16);
            s1 = context.mma(a, b1, s1, MMAShape.M16N8K16);
          }
          context.mmaStore(s0, scratch, upper * 16, scoreHere, ROWS);
          context.mmaStore(s1, scratch, upper * 16, scoreHere + 8, ROWS);
          context.localBarrier();
          for (int p = warp; p < POSITIONS; p += WARPS) {
            for (int c = lane; c < pairs; c += WARP) {
              context.asyncCopyToLocal(keyTile, p * stride + c, keys, places[ahead + p] + 2 * c);
            }
          }
          context.asyncCopyCommit();
          float[] score = new float[PART];
          float highest = Float.NEGATIVE_INFINITY;
          int from = base + side * PART * ROWS + row + zero;
          int position = start + side * PART;
          for (int j = 0; j < PART; j++) {
            float raw = scratch.get(from + j * ROWS) * scale;
            float capped = softCap > 0.0f ? softCap * TornadoMath.tanh(raw / softCap) : raw;
            boolean visible = position + j >= first && position + j <= last;
            score[j] = visible ? capped : Float.NEGATIVE_INFINITY;
            highest = TornadoMath.max(highest, score[j]);
          }
          maxima[thread] = highest;
          float over = fresh == 0 && highest > shift + SLACK ? 1.0f : 0.0f;
          over = shift > Float.NEGATIVE_INFINITY ? over : 0.0f;
          float overs = context.simdSum(over);
          if (lane == 0) {
            flags[warp] = overs;
          }
          context.localBarrier();
          float exceeded = 0.0f;
          for (int w = 0; w < WARPS; w++) {
            exceeded += flags[w];
          }
          float tileMaximum =
              TornadoMath.max(
                  TornadoMath.max(maxima[row], maxima[row + ROWS]),
                  TornadoMath.max(maxima[row + 2 * ROWS], maxima[row + 3 * ROWS]));
          float raised = TornadoMath.max(shift, tileMaximum);
          float unset = shift > Float.NEGATIVE_INFINITY ? shift : raised;
          float chosen = fresh > 0 ? raised : unset;
          float known = TornadoMath.max(chosen, -Float.MAX_VALUE);
          sum *= TornadoMath.exp(TornadoMath.max(shift, -Float.MAX_VALUE) - known);
          shift = chosen;
          float taken = exceeded > 0.0f ? 0.0f : 1.0f;
          for (int j = 0; j < PART; j += 2) {
            // A tile that is not taken has scores far above: their weights must not be infinite.
            float left = TornadoMath.exp(TornadoMath.min(score[j] - known, SLACK)) * taken;
            float right = TornadoMath.exp(TornadoMath.min(score[j + 1] - known, SLACK)) * taken;
            sum += left + right;
            weights[row * WEIGHT_INTS + (side * PART + j) / 2] =
                pack(new HalfFloat(left), new HalfFloat(right));
          }
          context.asyncCopyWaitGroup(1);
          context.localBarrier();
          for (int step = 0; step < POSITIONS / 16; step++) {
            HalfFloat[] a = context.mmaLoadA(weights, 16, step * 32 + weightHere);
            int at = step * 64 * stride + valueAt + zero;
            HalfFloat[] b0 = context.mmaLoadB(valueTile, 16, at + 0);
            o0 = context.mma(a, b0, o0, MMAShape.M16N8K16);
            if (headSize > 16) {
              HalfFloat[] b1 = context.mmaLoadB(valueTile, 16, at + 16);
              o1 = context.mma(a, b1, o1, MMAShape.M16N8K16);
            }
            if (headSize > 32) {
              HalfFloat[] b2 = context.mmaLoadB(valueTile, 16, at + 32);
              o2 = context.mma(a, b2, o2, MMAShape.M16N8K16);
            }
            if (headSize > 48) {
              HalfFloat[] b3 = context.mmaLoadB(valueTile, 16, at + 48);
              o3 = context.mma(a, b3, o3, MMAShape.M16N8K16);
            }
            if (headSize > 64) {
              HalfFloat[] b4 = context.mmaLoadB(valueTile, 16, at + 64);
              o4 = context.mma(a, b4, o4, MMAShape.M16N8K16);
            }
            if (headSize > 80) {
              HalfFloat[] b5 = context.mmaLoadB(valueTile, 16, at + 80);
              o5 = context.mma(a, b5, o5, MMAShape.M16N8K16);
            }
            if (headSize > 96) {
              HalfFloat[] b6 = context.mmaLoadB(valueTile, 16, at + 96);
              o6 = context.mma(a, b6, o6, MMAShape.M16N8K16);
            }
            if (headSize > 112) {
              HalfFloat[] b7 = context.mmaLoadB(valueTile, 16, at + 112);
              o7 = context.mma(a, b7, o7, MMAShape.M16N8K16);
            }
          }
          fresh = 0;
          int kept = (int) taken;
          start += kept * POSITIONS;
          limit = kept * (end + 1) - 1;
          turn = 1 - turn;
        }
        int outputAt = base + upper * (headSize / 2);
        context.mmaStore(o0, scratch, rowWarp * 16, outputAt, headSize);
        if (headSize > 16) {
          context.mmaStore(o1, scratch, rowWarp * 16, outputAt + 8, headSize);
        }
        if (headSize > 32) {
          context.mmaStore(o2, scratch, rowWarp * 16, outputAt + 16, headSize);
        }
        if (headSize > 48) {
          context.mmaStore(o3, scratch, rowWarp * 16, outputAt + 24, headSize);
        }
        if (headSize > 64) {
          context.mmaStore(o4, scratch, rowWarp * 16, outputAt + 32, headSize);
        }
        if (headSize > 80) {
          context.mmaStore(o5, scratch, rowWarp * 16, outputAt + 40, headSize);
        }
        if (headSize > 96) {
          context.mmaStore(o6, scratch, rowWarp * 16, outputAt + 48, headSize);
        }
        if (headSize > 112) {
          context.mmaStore(o7, scratch, rowWarp * 16, outputAt + 56, headSize);
        }
        if (thread < ROWS) {
          factors[thread] =
              TornadoMath.exp(
                  TornadoMath.max(before, -Float.MAX_VALUE)
                      - TornadoMath.max(shift, -Float.MAX_VALUE));
        }
        context.localBarrier();
        int earlier = run;
        for (int i = thread; i < rows * headSize; i += GROUP) {
          float total = scratch.get(base + i);
          if (earlier > 0) {
            total += scratch.get(base + TOTALS + i) * factors[i / headSize];
          }
          scratch.set(base + TOTALS + i, total);
        }
        run = 1;
      }
      context.asyncCopyWaitGroup(0);
      maxima[thread] = sum;
      context.localBarrier();
      for (int i = thread; i < rows * pairs; i += GROUP) {
        int r = i / pairs;
        int d = i % pairs * 2;
        int toHead = firstHead + r % shared;
        if (toHead < (kvHead + 1) * perKvHead) {
          float mass = maxima[r] + maxima[r + ROWS] + maxima[r + 2 * ROWS] + maxima[r + 3 * ROWS];
          float inverse = 1.0f / mass;
          int from = base + TOTALS + r * headSize + d;
          int to = ((firstRow + r / shared) * heads + toHead) * headSize + d;
          out.setHalf2(
              to, Half2.fromFloats(scratch.get(from) * inverse, scratch.get(from + 1) * inverse));
        }
      }
    }
  }

  private static int pack(HalfFloat low, HalfFloat high) {
    return (low.getHalfFloatValue() & 0xFFFF) | (high.getHalfFloatValue() & 0xFFFF) << 16;
  }

  /** The most queries of a tile. */
  public static int queries(int heads, int kvHeads) {
    return Math.max(1, ROWS / (heads / kvHeads));
  }

  /** Groups for at most {@code tiles} tiles. */
  public static int groups(int tiles, int heads, int kvHeads) {
    int parts = (heads / kvHeads + ROWS - 1) / ROWS;
    return (int) Math.min(MOST_GROUPS, (long) tiles * kvHeads * parts);
  }

  /** The grid of {@code groups} groups. The reference is PagedAttention's, query by query. */
  public static WorkerGrid grid(int groups) {
    WorkerGrid grid = new WorkerGrid1D(groups * GROUP);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }
}
