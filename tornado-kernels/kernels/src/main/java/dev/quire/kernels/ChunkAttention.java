package dev.quire.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid2D;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Causal attention of many queries a sequence (a prefill chunk) over its blocks, on tensor cores.
 *
 * <pre>
 *   group (tile of 16 queries of one sequence, head), 4 warps
 *   scores   16 queries × 64 positions: warp w has positions 16w … 16w + 15
 *   output   16 queries × headSize: warp w has sub-tiles w, w + 4, … of 8 elements
 *
 *   pass 1   per tile: S = Q·Kᵀ ──► scratch ──► maximum and sum of each row
 *   pass 2   per tile: S again, P = exp(S - maximum) / sum in halves, O += P·V
 * </pre>
 *
 * Fragments are opaque, so an accumulator cannot be rescaled as in an online softmax; hence the
 * pass that only looks for the maxima. A group's part of the scratch fits in the first-level cache.
 */
public final class ChunkAttention {
  private ChunkAttention() {}

  /** Threads of a group: four warps. */
  public static final int GROUP = 128;

  /** Queries of a group. */
  public static final int QUERIES = 16;

  /** The largest head size. */
  public static final int MAX_HEAD = 128;

  /** Floats of scratch that a group needs. */
  public static final int SCRATCH = QUERIES * MAX_HEAD;

  /** Ints that describe a tile. */
  public static final int DESCRIPTOR = 4;

  private static final int TILE = 64;
  private static final int COLUMNS = TILE / (GROUP / QUERIES);

  /**
   * Attends.
   *
   * @param counts element 0: tiles that are there
   * @param tiles [tiles, 4]: row of the first query, queries (1 to 16), position of the first
   *     query, sequence
   * @param queries [rows, heads * headSize]; headSize a multiple of 16
   * @param keys [blocks, kvHeads, blockSize, headSize]
   * @param values as keys
   * @param tables [sequences, tableWidth]
   * @param scratch [heads * tiles, {@value #SCRATCH}]
   * @param out [rows, heads * headSize]
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
      int window,
      float scale,
      float softCap) {
    int number = context.groupIdx;
    if (number >= counts.get(0)) {
      return;
    }
    int[] query = context.allocateIntLocalArray(QUERIES * MAX_HEAD / 2);
    int[] tile = context.allocateIntLocalArray(TILE * MAX_HEAD / 2);
    int[] weights = context.allocateIntLocalArray(QUERIES * TILE / 2);
    float[] maxima = context.allocateFloatLocalArray(GROUP);
    float[] sums = context.allocateFloatLocalArray(GROUP);
    int firstRow = tiles.get(number * DESCRIPTOR);
    int rows = tiles.get(number * DESCRIPTOR + 1);
    int firstPosition = tiles.get(number * DESCRIPTOR + 2);
    int tableRow = tiles.get(number * DESCRIPTOR + 3) * tableWidth;
    int head = context.groupIdy;
    int kvHead = head / (heads / kvHeads);
    int base = (number * heads + head) * SCRATCH;
    int thread = context.localIdx;
    int warp = thread / 32;
    int pairs = headSize / 2;
    int row = thread / (GROUP / QUERIES);
    int column = thread % (GROUP / QUERIES) * COLUMNS;
    int begin = window > 0 ? TornadoMath.max(0, firstPosition - window + 1) : 0;
    int end = firstPosition + rows;
    int last = row < rows ? firstPosition + row : -1;
    int first = window > 0 ? last - window + 1 : 0;
    for (int i = thread; i < QUERIES * pairs; i += GROUP) {
      int r = i / pairs;
      int d = i % pairs * 2;
      int packed = 0;
      if (r < rows) {
        int at0 = ((firstRow + r) * heads + head) * headSize + d;
        packed = pack(queries.get(at0), queries.get(at0 + 1));
      }
      query[d / 16 * 128 + r * 8 + d % 16 / 2] = packed;
    }
    float maximum = Float.NEGATIVE_INFINITY;
    float sum = 0.0f;
    for (int start = begin; start < end; start += TILE) {
      for (int i = thread; i < TILE / 2 * pairs; i += GROUP) {
        int n = i / pairs * 2;
        int d = i % pairs * 2;
        int leftAt =
            row(tables, tableRow, TornadoMath.min(start + n, end - 1), kvHead, kvHeads, blockSize)
                    * headSize
                + d;
        int rightAt =
            row(
                        tables,
                        tableRow,
                        TornadoMath.min(start + n + 1, end - 1),
                        kvHead,
                        kvHeads,
                        blockSize)
                    * headSize
                + d;
        int at = (d / 16 * (TILE / 8) + n / 8) * 64 + d % 16 * 4 + n % 8 / 2;
        tile[at] = pack(keys.get(leftAt), keys.get(rightAt));
        tile[at + 4] = pack(keys.get(leftAt + 1), keys.get(rightAt + 1));
      }
      context.localBarrier();
      float[] s0 = context.mmaFragment(0.0f);
      float[] s1 = context.mmaFragment(0.0f);
      for (int step = 0; step < headSize / 16; step++) {
        HalfFloat[] a = context.mmaLoadA(query, 16, step * 512);
        HalfFloat[] b0 = context.mmaLoadB(tile, 16, (step * (TILE / 8) + 2 * warp) * 256);
        HalfFloat[] b1 = context.mmaLoadB(tile, 16, (step * (TILE / 8) + 2 * warp + 1) * 256);
        s0 = context.mma(a, b0, s0, MMAShape.M16N8K16);
        s1 = context.mma(a, b1, s1, MMAShape.M16N8K16);
      }
      context.mmaStore(s0, scratch, 0, base + 16 * warp, TILE);
      context.mmaStore(s1, scratch, 0, base + 16 * warp + 8, TILE);
      context.localBarrier();
      float before = maximum;
      for (int c = column; c < column + COLUMNS; c++) {
        int position = start + c;
        float score = capped(scratch.get(base + row * TILE + c) * scale, softCap);
        boolean visible = position >= first && position <= last;
        maximum = visible ? TornadoMath.max(maximum, score) : maximum;
      }
      float shift = maximum > Float.NEGATIVE_INFINITY ? maximum : 0.0f;
      sum = sum * TornadoMath.exp(before - shift);
      for (int c = column; c < column + COLUMNS; c++) {
        int position = start + c;
        float score = capped(scratch.get(base + row * TILE + c) * scale, softCap);
        boolean visible = position >= first && position <= last;
        sum += visible ? TornadoMath.exp(score - shift) : 0.0f;
      }
    }
    maxima[thread] = maximum;
    sums[thread] = sum;
    context.localBarrier();
    int leader = thread - thread % (GROUP / QUERIES);
    maximum = maxima[leader];
    for (int t = 1; t < GROUP / QUERIES; t++) {
      maximum = TornadoMath.max(maximum, maxima[leader + t]);
    }
    maximum = last >= 0 ? maximum : 0.0f;
    sum = 0.0f;
    for (int t = 0; t < GROUP / QUERIES; t++) {
      sum += sums[leader + t] * TornadoMath.exp(maxima[leader + t] - maximum);
    }
    float inverse = last >= 0 ? 1.0f / sum : 0.0f;
    int outputTiles = headSize / 8;
    int n0 = TornadoMath.min(warp, outputTiles - 1);
    int n1 = TornadoMath.min(warp + 4, outputTiles - 1);
    int n2 = TornadoMath.min(warp + 8, outputTiles - 1);
    int n3 = TornadoMath.min(warp + 12, outputTiles - 1);
    float[] o0 = context.mmaFragment(0.0f);
    float[] o1 = context.mmaFragment(0.0f);
    float[] o2 = context.mmaFragment(0.0f);
    float[] o3 = context.mmaFragment(0.0f);
    for (int start = begin; start < end; start += TILE) {
      for (int i = thread; i < TILE / 2 * pairs; i += GROUP) {
        int n = i / pairs * 2;
        int d = i % pairs * 2;
        int leftAt =
            row(tables, tableRow, TornadoMath.min(start + n, end - 1), kvHead, kvHeads, blockSize)
                    * headSize
                + d;
        int rightAt =
            row(
                        tables,
                        tableRow,
                        TornadoMath.min(start + n + 1, end - 1),
                        kvHead,
                        kvHeads,
                        blockSize)
                    * headSize
                + d;
        int at = (d / 16 * (TILE / 8) + n / 8) * 64 + d % 16 * 4 + n % 8 / 2;
        tile[at] = pack(keys.get(leftAt), keys.get(rightAt));
        tile[at + 4] = pack(keys.get(leftAt + 1), keys.get(rightAt + 1));
      }
      context.localBarrier();
      float[] s0 = context.mmaFragment(0.0f);
      float[] s1 = context.mmaFragment(0.0f);
      for (int step = 0; step < headSize / 16; step++) {
        HalfFloat[] a = context.mmaLoadA(query, 16, step * 512);
        HalfFloat[] b0 = context.mmaLoadB(tile, 16, (step * (TILE / 8) + 2 * warp) * 256);
        HalfFloat[] b1 = context.mmaLoadB(tile, 16, (step * (TILE / 8) + 2 * warp + 1) * 256);
        s0 = context.mma(a, b0, s0, MMAShape.M16N8K16);
        s1 = context.mma(a, b1, s1, MMAShape.M16N8K16);
      }
      context.mmaStore(s0, scratch, 0, base + 16 * warp, TILE);
      context.mmaStore(s1, scratch, 0, base + 16 * warp + 8, TILE);
      context.localBarrier();
      for (int c = column; c < column + COLUMNS; c += 2) {
        int position = start + c;
        float left = capped(scratch.get(base + row * TILE + c) * scale, softCap);
        float right = capped(scratch.get(base + row * TILE + c + 1) * scale, softCap);
        boolean leftVisible = position >= first && position <= last;
        boolean rightVisible = position + 1 >= first && position + 1 <= last;
        float leftWeight = leftVisible ? TornadoMath.exp(left - maximum) * inverse : 0.0f;
        float rightWeight = rightVisible ? TornadoMath.exp(right - maximum) * inverse : 0.0f;
        weights[c / 16 * 128 + row * 8 + c % 16 / 2] =
            pack(new HalfFloat(leftWeight), new HalfFloat(rightWeight));
      }
      for (int i = thread; i < TILE * pairs; i += GROUP) {
        int p = i / pairs;
        int d = i % pairs * 2;
        int position = TornadoMath.min(start + p, end - 1);
        int at0 = row(tables, tableRow, position, kvHead, kvHeads, blockSize) * headSize + d;
        tile[(p / 16 * outputTiles + d / 8) * 64 + p % 16 * 4 + d % 8 / 2] =
            pack(values.get(at0), values.get(at0 + 1));
      }
      context.localBarrier();
      for (int step = 0; step < TILE / 16; step++) {
        HalfFloat[] a = context.mmaLoadA(weights, 16, step * 512);
        HalfFloat[] b0 = context.mmaLoadB(tile, 16, (step * outputTiles + n0) * 256);
        HalfFloat[] b1 = context.mmaLoadB(tile, 16, (step * outputTiles + n1) * 256);
        HalfFloat[] b2 = context.mmaLoadB(tile, 16, (step * outputTiles + n2) * 256);
        HalfFloat[] b3 = context.mmaLoadB(tile, 16, (step * outputTiles + n3) * 256);
        o0 = context.mma(a, b0, o0, MMAShape.M16N8K16);
        o1 = context.mma(a, b1, o1, MMAShape.M16N8K16);
        o2 = context.mma(a, b2, o2, MMAShape.M16N8K16);
        o3 = context.mma(a, b3, o3, MMAShape.M16N8K16);
      }
      context.localBarrier();
    }
    if (warp < outputTiles) {
      context.mmaStore(o0, scratch, 0, base + 8 * warp, headSize);
    }
    if (warp + 4 < outputTiles) {
      context.mmaStore(o1, scratch, 0, base + 8 * (warp + 4), headSize);
    }
    if (warp + 8 < outputTiles) {
      context.mmaStore(o2, scratch, 0, base + 8 * (warp + 8), headSize);
    }
    if (warp + 12 < outputTiles) {
      context.mmaStore(o3, scratch, 0, base + 8 * (warp + 12), headSize);
    }
    context.localBarrier();
    for (int i = thread; i < rows * headSize; i += GROUP) {
      int r = i / headSize;
      int d = i % headSize;
      out.set(((firstRow + r) * heads + head) * headSize + d, new HalfFloat(scratch.get(base + i)));
    }
  }

  private static int row(
      IntArray tables, int tableRow, int position, int kvHead, int kvHeads, int blockSize) {
    int block = tables.get(tableRow + position / blockSize);
    return (block * kvHeads + kvHead) * blockSize + position % blockSize;
  }

  private static float capped(float score, float softCap) {
    return softCap > 0.0f ? softCap * TornadoMath.tanh(score / softCap) : score;
  }

  private static int pack(HalfFloat low, HalfFloat high) {
    return (low.getHalfFloatValue() & 0xFFFF) | (high.getHalfFloatValue() & 0xFFFF) << 16;
  }

  /** Groups for at most {@code tiles} tiles. The reference is PagedAttention's, query by query. */
  public static WorkerGrid grid(int tiles, int heads) {
    WorkerGrid grid = new WorkerGrid2D(tiles * GROUP, heads);
    grid.setLocalWork(GROUP, 1, 1);
    return grid;
  }
}
