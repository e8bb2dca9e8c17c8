package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
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
 *   64 or 32 │ w0 │ w1 │ w2 │ w3 │  Sᵀ = K·Qᵀ ──► scratch ──► P = exp(S - shift), halves
 *   positions├────┼────┼────┼────┤           four threads a row
 *            │ w4 │ w5 │ w6 │ w7 │           A = P, B = V as it lies in its blocks
 *            └────┴────┴────┴────┘
 *   O += P·V     warps w and w + 4: rows 16w … 16w + 15, half of the elements each, in registers
 *
 *   barriers        │                │              │
 *   copies          │ V(t)           │ K(t+2)       │ V(t+1)      through the block table
 *   computes        │ S(t+1), P(t)   │ O += P(t)·V  │ S(t+2), P(t+1)
 * </pre>
 *
 * Accumulators can neither be read nor rescaled, so a row's shift is the first tile's maximum and
 * stays: weights are at most e^{@value #SLACK}, which halves and the sums hold. Where a later score
 * is larger by more, which is known when the tile's weights are written, zeros are multiplied
 * instead and the run ends: its output goes to the scratch, scaled, and the next run begins with
 * that tile. This is rare, since a tile holds many scores.
 *
 * <p>A group works on one tile of queries after the other, so that the scratch stays in the
 * second-level cache.
 */
public final class ChunkAttention {
  private ChunkAttention() {}

  private static final int GROUP = ChunkTiles.GROUP;
  private static final int ROWS = ChunkTiles.ROWS;
  private static final int SCRATCH = ChunkTiles.SCRATCH;
  private static final int TOTALS = ROWS * ChunkTiles.MAX_HEAD;
  private static final int WARP = 32;
  private static final int WARPS = GROUP / WARP;
  private static final int SIDES = GROUP / ROWS;
  private static final int SCORES = 64 * ROWS;
  private static final int AHEAD = 3;

  // Weights of a tile that is not taken.
  private static final int ZEROS = 32;
  private static final int ROW_INTS = ROWS / 2 + 4;
  private static final int ROW_BYTES = 4 * ROW_INTS;
  private static final float SLACK = 8.0f;

  /**
   * Attends.
   *
   * @param counts element 0: tiles that are there
   * @param tiles [tiles, 4], as {@link ChunkTiles} has them
   * @param queries [rows, heads * headSize]; headSize a multiple of 16
   * @param keys [blocks, kvHeads, blockSize, headSize]
   * @param values as keys
   * @param tables [sequences, tableWidth]
   * @param scratch [groups, {@value ChunkTiles#SCRATCH}]
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
    int pairs = headSize / 2;
    int stride = pairs + 4;
    int positions = headSize > 64 ? 32 : 64;
    int part = positions / SIDES;
    int weightInts = positions / 2 + 4;
    int copies = positions * pairs / GROUP;
    // A warp copies whole rows where it can: its pairs' address is the row's and a constant.
    int even = pairs % WARP == 0 ? pairs / WARP : 0;
    int[] query = context.allocateIntLocalArray(headSize * ROW_INTS);
    int[] keyTile = context.allocateIntLocalArray(positions * stride);
    int[] valueTile = context.allocateIntLocalArray(positions * stride);
    int[] weights = context.allocateIntLocalArray(ROWS * weightInts + ZEROS);
    int[] places = context.allocateIntLocalArray(AHEAD * positions);
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
    int rowWarp = warp % 4;
    int upper = warp / 4;
    int half = positions / 2;
    int keyAt = upper * half * 4 * stride + matrixRow * (4 * stride - 32);
    int queryAt = matrixRow * (ROW_BYTES - 16) + rowWarp * 32;
    int weightAt = rowWarp * 64 * weightInts + matrixRow * (4 * weightInts - 32);
    // Where all lanes read the zeros behind the weights, whatever is added for them.
    int zerosAt = 4 * ROWS * weightInts - matrixRow * 32 - lane / 16 * 16;
    int valueAt = matrixRow * (4 * stride - 16) + upper * headSize;
    if (thread < ZEROS) {
      weights[ROWS * weightInts + thread] = 0;
    }
    for (int item = context.groupIdx; item < items; item += groups) {
      // The last tiles of a prompt see most, so they come first.
      int number = counts.get(0) - 1 - item / (kvHeads * parts);
      int kvHead = item % (kvHeads * parts) / parts;
      int firstHead = kvHead * perKvHead + item % parts * shared;
      int firstRow = tiles.get(number * ChunkTiles.DESCRIPTOR);
      int count = tiles.get(number * ChunkTiles.DESCRIPTOR + 1);
      int firstPosition = tiles.get(number * ChunkTiles.DESCRIPTOR + 2);
      int tableRow = tiles.get(number * ChunkTiles.DESCRIPTOR + 3) * tableWidth;
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
        if (thread < 2 * positions) {
          int position = TornadoMath.min(start + thread, end - 1);
          int block = tables.get(tableRow + position / blockSize);
          int placed = (block * kvHeads + kvHead) * blockSize + position % blockSize;
          places[thread] = placed * headSize;
        }
        context.localBarrier();
        for (int j = 0; j < copies; j++) {
          int p = even > 0 ? j / even * WARPS + warp : (j * GROUP + thread) / pairs;
          int c = even > 0 ? j % even * WARP + lane : (j * GROUP + thread) % pairs;
          context.asyncCopyToLocal(keyTile, p * stride + c, keys, places[p] + 2 * c);
        }
        context.asyncCopyCommit();
        context.asyncCopyWaitGroup(0);
        context.localBarrier();
        for (int m = 0; m < half; m += 16) {
          float[] s0 = context.mmaFragment(0.0f);
          float[] s1 = context.mmaFragment(0.0f);
          for (int step = 0; step < headSize / 16; step++) {
            HalfFloat[] a = context.mmaLoadA(keyTile, 16, m * 4 * stride + step * 32 + keyAt);
            HalfFloat[] b0 = context.mmaLoadB(query, 16, step * 16 * ROW_BYTES + queryAt);
            HalfFloat[] b1 = context.mmaLoadB(query, 16, step * 16 * ROW_BYTES + queryAt + 16);
            s0 = context.mma(a, b0, s0, MMAShape.M16N8K16);
            s1 = context.mma(a, b1, s1, MMAShape.M16N8K16);
          }
          context.mmaStore(s0, scratch, upper * half + m, base + rowWarp * 16, ROWS);
          context.mmaStore(s1, scratch, upper * half + m, base + rowWarp * 16 + 8, ROWS);
        }
        context.localBarrier();
        for (int j = 0; j < copies; j++) {
          int p = even > 0 ? j / even * WARPS + warp : (j * GROUP + thread) / pairs;
          int c = even > 0 ? j % even * WARP + lane : (j * GROUP + thread) % pairs;
          context.asyncCopyToLocal(keyTile, p * stride + c, keys, places[positions + p] + 2 * c);
        }
        context.asyncCopyCommit();
        float highest = Float.NEGATIVE_INFINITY;
        for (int j = 0; j < part; j++) {
          float raw = scratch.get(base + (side * part + j) * ROWS + row);
          float capped = score(raw, scale, softCap);
          int position = start + side * part + j;
          float visible = position <= last ? capped : Float.NEGATIVE_INFINITY;
          highest = TornadoMath.max(highest, position >= first ? visible : Float.NEGATIVE_INFINITY);
        }
        maxima[thread] = highest;
        context.localBarrier();
        float tileMaximum =
            TornadoMath.max(
                TornadoMath.max(maxima[row], maxima[row + ROWS]),
                TornadoMath.max(maxima[row + 2 * ROWS], maxima[row + 3 * ROWS]));
        float before = TornadoMath.max(shift, -Float.MAX_VALUE);
        shift = TornadoMath.max(shift, tileMaximum);
        float known = TornadoMath.max(shift, -Float.MAX_VALUE);
        float bound = shift > Float.NEGATIVE_INFINITY ? shift + SLACK : -Float.MAX_VALUE;
        float factor = TornadoMath.exp(before - known);
        sum *= factor;
        int turn = 0;
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
          int from = base + turn % 2 * SCORES + side * part * ROWS + row + zero;
          int scoreHere = base + (turn + 1) % 2 * SCORES + rowWarp * 16 + zero;
          int here = turn % AHEAD * positions;
          int ahead = (turn + 2) % AHEAD * positions;
          int later = TornadoMath.min(start + 2 * positions + thread, end - 1);
          int block = tables.get(tableRow + later / blockSize);
          int placed = (block * kvHeads + kvHead) * blockSize + later % blockSize;
          context.asyncCopyWaitGroup(0);
          context.localBarrier();
          for (int j = 0; j < copies; j++) {
            int p = even > 0 ? j / even * WARPS + warp : (j * GROUP + thread) / pairs;
            int c = even > 0 ? j % even * WARP + lane : (j * GROUP + thread) % pairs;
            int to = p * stride + c + zero;
            context.asyncCopyToLocal(valueTile, to, values, places[here + p] + 2 * c);
          }
          context.asyncCopyCommit();
          if (thread < positions) {
            places[ahead + thread] = placed * headSize;
          }
          for (int m = 0; m < half; m += 16) {
            float[] s0 = context.mmaFragment(0.0f);
            float[] s1 = context.mmaFragment(0.0f);
            for (int step = 0; step < headSize / 16; step++) {
              HalfFloat[] a = context.mmaLoadA(keyTile, 16, m * 4 * stride + step * 32 + keyHere);
              HalfFloat[] b0 = context.mmaLoadB(query, 16, step * 16 * ROW_BYTES + queryHere);
              HalfFloat[] b1 = context.mmaLoadB(query, 16, step * 16 * ROW_BYTES + queryHere + 16);
              s0 = context.mma(a, b0, s0, MMAShape.M16N8K16);
              s1 = context.mma(a, b1, s1, MMAShape.M16N8K16);
            }
            context.mmaStore(s0, scratch, upper * half + m, scoreHere, ROWS);
            context.mmaStore(s1, scratch, upper * half + m, scoreHere + 8, ROWS);
          }
          float added = 0.0f;
          float over = 0.0f;
          int position = start + side * part;
          for (int j = 0; j < part; j += 2) {
            float left = score(scratch.get(from + j * ROWS), scale, softCap);
            float right = score(scratch.get(from + (j + 1) * ROWS), scale, softCap);
            left = position + j <= last ? left : Float.NEGATIVE_INFINITY;
            left = position + j >= first ? left : Float.NEGATIVE_INFINITY;
            right = position + j + 1 <= last ? right : Float.NEGATIVE_INFINITY;
            right = position + j + 1 >= first ? right : Float.NEGATIVE_INFINITY;
            over = TornadoMath.max(left, right) > bound ? 1.0f : over;
            // A tile that is not taken has scores far above: their weights must not be infinite.
            left = TornadoMath.exp(TornadoMath.min(left - known, SLACK));
            right = TornadoMath.exp(TornadoMath.min(right - known, SLACK));
            added += left + right;
            weights[row * weightInts + (side * part + j) / 2 + zero] =
                pack(new HalfFloat(left), new HalfFloat(right));
          }
          float overs = context.simdSum(over);
          if (lane == 0) {
            flags[warp] = overs;
          }
          context.asyncCopyWaitGroup(0);
          context.localBarrier();
          for (int j = 0; j < copies; j++) {
            int p = even > 0 ? j / even * WARPS + warp : (j * GROUP + thread) / pairs;
            int c = even > 0 ? j % even * WARP + lane : (j * GROUP + thread) % pairs;
            int to = p * stride + c + zero;
            context.asyncCopyToLocal(keyTile, to, keys, places[ahead + p] + 2 * c);
          }
          context.asyncCopyCommit();
          float exceeded = 0.0f;
          for (int w = 0; w < WARPS; w++) {
            exceeded += flags[w];
          }
          int kept = exceeded > 0.0f ? 0 : 1;
          sum += kept * added;
          int weightHere = kept * weightAt + (1 - kept) * zerosAt + zero;
          for (int step = 0; step < positions / 16; step++) {
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
          start += kept * positions;
          limit = kept * (end + 1) - 1;
          turn++;
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
          factors[thread] = factor;
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

  private static float score(float raw, float scale, float softCap) {
    float scaled = raw * scale;
    return softCap > 0.0f ? softCap * TornadoMath.tanh(scaled / softCap) : scaled;
  }
}
