package dev.quire.engine.cpu.math;

import static dev.quire.engine.cpu.math.Arithmetic.LANES;

import dev.quire.engine.exec.StepBatch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Passes of one worker over the context: some tokens of a sequence, all of whose query heads read
 * one key head. A row is one token's query head.
 *
 * <pre>
 *   rows         queries         scores          weights          sums
 *   token 0  h0  [headSize]  ·K  [tile]  ──▶ softmax  [tile]  ·V  [headSize]
 *            h1
 *   token 1  h0 …
 * </pre>
 *
 * Keys and values are read as they lie in the cache where they are floats in whole panels, and
 * decoded to a tile for all rows otherwise.
 */
final class AttentionPass {
  private static final int TILE = Arithmetic.POSITION_TILE;

  private final Arithmetic arithmetic;
  private float[] queries = {};
  private float[] scores = {};
  private float[] sums = {};
  private float[] maxima = {};
  private float[] totals = {};
  private MemorySegment decoded = MemorySegment.NULL;

  // The pass under way.
  private StepBatch batch = new StepBatch();
  private int[] table = {};
  private int tableStart;
  private int sequence;
  private int first;
  private int heads;
  private int size;
  private int width;

  AttentionPass(Arithmetic arithmetic) {
    this.arithmetic = arithmetic;
  }

  /** Attends for the tokens {@code [from, to)} of a sequence with the heads of one key head. */
  void run(
      StepBatch newBatch,
      int group,
      KvCache cache,
      AttentionShape shape,
      float[] q,
      float[] out,
      int newSequence,
      int from,
      int to,
      int kvHead) {
    batch = newBatch;
    table = batch.blockTables[group];
    tableStart = newSequence * batch.tableStride[group];
    sequence = newSequence;
    first = from;
    heads = shape.groupSize();
    size = shape.headSize();
    width = Math.ceilDiv(size, LANES) * LANES;
    start(shape, q, kvHead, to);

    int end = batch.positions[to - 1] + 1;
    int tokens = from;
    int tokensEnd = from;
    for (int tile = visibleFrom(from, shape) / TILE * TILE; tile < end; tile += TILE) {
      // Later tokens leave a window later, and see later tiles.
      while (batch.positions[tokens] < tile) {
        tokens++;
      }
      while (tokensEnd < to && visibleFrom(tokensEnd, shape) < tile + TILE) {
        tokensEnd++;
      }
      if (tokens < tokensEnd) {
        tile(cache, shape, kvHead, tile, tokens, tokensEnd);
      }
    }
    finish(shape, out, kvHead, to);
  }

  private void start(AttentionShape shape, float[] q, int kvHead, int to) {
    int rows = (to - first) * heads;
    queries = atLeast(queries, rows * size);
    scores = atLeast(scores, rows * TILE);
    sums = atLeast(sums, rows * width);
    maxima = atLeast(maxima, rows);
    totals = atLeast(totals, rows * LANES);
    Arrays.fill(sums, 0, rows * width, 0);
    Arrays.fill(maxima, 0, rows, Float.NEGATIVE_INFINITY);
    Arrays.fill(totals, 0, rows * LANES, 0);
    for (int t = first; t < to; t++) {
      int at = (t * shape.heads() + kvHead * heads) * size;
      System.arraycopy(q, at, queries, (t - first) * heads * size, heads * size);
    }
    arithmetic.scale(queries, 0, rows * size, shape.scale());
  }

  private static float[] atLeast(float[] array, int length) {
    return array.length < length ? new float[length] : array;
  }

  /** The tokens {@code [from, to)}, each of which sees something of the tile. */
  private void tile(KvCache cache, AttentionShape shape, int kvHead, int tile, int from, int to) {
    int seenFrom = Math.max(tile, visibleFrom(from, shape));
    int seenTo = Math.min(tile + TILE, batch.positions[to - 1] + 1);
    if (!cache.hasWholeFloatPanels()) {
      decode(cache, kvHead, tile, seenFrom, seenTo);
    }
    int row = (from - first) * heads;
    int rows = (to - from) * heads;
    score(cache, kvHead, tile, seenFrom, seenTo, row, rows);
    if (shape.softCap() != 0) {
      arithmetic.softCap(scores, row * TILE, rows * TILE, shape.softCap());
    }
    boolean allSeeAll =
        visibleFrom(to - 1, shape) <= tile && batch.positions[from] >= tile + TILE - 1;
    if (allSeeAll) {
      arithmetic.soften(scores, row, rows, maxima, totals, sums, width);
      sum(cache, kvHead, tile, tile, tile + TILE, row, rows);
      return;
    }
    for (int t = from; t < to; t++) {
      hide(shape, tile, t);
    }
    arithmetic.soften(scores, row, rows, maxima, totals, sums, width);
    for (int t = from; t < to; t++) {
      // What a token doesn't see it doesn't touch, be it weighted by nothing: it may be no number.
      int seen = Math.max(tile, visibleFrom(t, shape));
      int end = Math.min(tile + TILE, batch.positions[t] + 1);
      sum(cache, kvHead, tile, seen, end, (t - first) * heads, heads);
    }
  }

  private void decode(KvCache cache, int kvHead, int tile, int from, int to) {
    long bytes = (long) TILE * (size + width) * Float.BYTES;
    if (decoded.byteSize() < bytes) {
      decoded = Arena.ofAuto().allocate(bytes, 64);
    }
    for (int p = runStart(cache, tile, from), run; p < to; p += run) {
      run = run(cache, p, tile + TILE);
      int slot = p % cache.blockSize();
      arithmetic.decodeCache(cache, piece(cache, kvHead, p), slot, run, decoded, p - tile);
    }
  }

  /** Scores of all positions; those of positions that no token sees may be anything. */
  private void score(KvCache cache, int kvHead, int tile, int from, int to, int row, int rows) {
    Arrays.fill(scores, row * TILE, (row + rows) * TILE, 0);
    boolean inPlace = cache.hasWholeFloatPanels();
    MemorySegment keys = inPlace ? cache.keys() : decoded;
    for (int p = from / LANES * LANES; p < to; p += LANES) {
      long at = (long) (p - tile) * size * Float.BYTES;
      if (inPlace) {
        at = piece(cache, kvHead, p) + (long) (p % cache.blockSize()) * size * Float.BYTES;
      }
      int score = row * TILE + p - tile;
      arithmetic.addPanel(queries, row * size, size, rows, size, keys, at, scores, score, TILE);
    }
  }

  /** Takes the scores away that a token doesn't see. */
  private void hide(AttentionShape shape, int tile, int token) {
    int from = Math.max(0, visibleFrom(token, shape) - tile);
    int to = Math.min(TILE, batch.positions[token] + 1 - tile);
    int row = (token - first) * heads;
    for (int at = row * TILE; at < (row + heads) * TILE; at += TILE) {
      Arrays.fill(scores, at, at + from, Float.NEGATIVE_INFINITY);
      Arrays.fill(scores, at + to, at + TILE, Float.NEGATIVE_INFINITY);
    }
  }

  /** Adds the values of the positions {@code [from, to)} of a tile. */
  private void sum(KvCache cache, int kvHead, int tile, int from, int to, int row, int rows) {
    if (!cache.hasWholeFloatPanels()) {
      long start = ((long) TILE * size + (from - tile) * LANES) * Float.BYTES;
      addValues(decoded, start, TILE, from - tile, to - from, row, rows);
      return;
    }
    for (int p = from, run; p < to; p += run) {
      run = run(cache, p, to);
      int slot = p % cache.blockSize() * LANES * Float.BYTES;
      long start = piece(cache, kvHead, p) + slot;
      addValues(cache.values(), start, cache.blockSize(), p - tile, run, row, rows);
    }
  }

  /**
   * @param start of the first panel's first position
   * @param positions of a panel
   */
  private void addValues(
      MemorySegment values, long start, int positions, int weight, int n, int row, int rows) {
    long panelBytes = (long) positions * LANES * Float.BYTES;
    long at = start;
    for (int d = 0; d < size; d += LANES, at += panelBytes) {
      int weights = row * TILE + weight;
      arithmetic.addPanel(scores, weights, TILE, rows, n, values, at, sums, row * width + d, width);
    }
  }

  private void finish(AttentionShape shape, float[] out, int kvHead, int to) {
    for (int t = first; t < to; t++) {
      for (int h = 0; h < heads; h++) {
        int row = (t - first) * heads + h;
        float factor = 1 / ScalarMath.total(totals, row * LANES);
        int at = (t * shape.heads() + kvHead * heads + h) * size;
        for (int d = 0; d < size; d++) {
          out[at + d] = sums[row * width + d] * factor;
        }
      }
    }
  }

  /** Positions that lie together from {@code p} on, before {@code to}. */
  private static int run(KvCache cache, int p, int to) {
    return Math.min(to, (p / cache.blockSize() + 1) * cache.blockSize()) - p;
  }

  /** Where decoding starts: with the block of the first position that is seen, or the tile. */
  private static int runStart(KvCache cache, int tile, int from) {
    return Math.max(tile, from / cache.blockSize() * cache.blockSize());
  }

  /** Where the piece of a position lies, through the block table. */
  private long piece(KvCache cache, int kvHead, int position) {
    int block = table[tableStart + position / cache.blockSize()];
    if (block < 0) {
      throw new IllegalStateException(
          "sequence %d of the step has no block for position %d".formatted(sequence, position));
    }
    return cache.piece(block, kvHead);
  }

  private int visibleFrom(int token, AttentionShape shape) {
    int window = shape.window();
    return window == 0 ? 0 : Math.max(0, batch.positions[token] + 1 - window);
  }
}
