package dev.quire.engine.cpu.math;

import dev.quire.engine.exec.StepBatch;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Causal attention over block tables (Kwon et al., arXiv 2309.06180, section 4.1), with the softmax
 * computed on the way (Milakov and Gimelshein, arXiv 1805.02867).
 *
 * <pre>
 *                 positions, in tiles of 32 whatever the block size
 *                 0        32       64
 *   token, head  [ tile   ][ tile   ][ ti            per tile: scores → maximum so far → weights
 *                 \\__ block by block through the table __/
 * </pre>
 *
 * <p>Tiles start at fixed positions, and a token skips a tile by its own position and window alone,
 * so the result of a token doesn't depend on block size, batch or chunking. All the query heads of
 * a key head, and a few tokens of a sequence, pass over a tile together while it is in the cache.
 *
 * <p>For one calling thread at a time, the team's.
 */
public final class PagedAttention {
  private static final int TILE = Arithmetic.POSITION_TILE;

  /** Query vectors that share a pass over the keys. */
  private static final int PASS_QUERIES = 32;

  private final WorkerTeam team;
  private final Arithmetic arithmetic;
  private final Scratch[] scratch;
  private final Step step = new Step();

  public PagedAttention(WorkerTeam team, Arithmetic arithmetic) {
    this.team = team;
    this.arithmetic = arithmetic;
    this.scratch = Scratch.forEachOf(team);
  }

  /**
   * Attends for every token of the batch. The cache must already hold the keys and values of the
   * batch's own tokens.
   *
   * @param group the layer's cache group: which block tables to go through
   * @param cache the layer's keys and values
   * @param q {@code [numTokens × heads × headSize]}
   * @param out {@code [numTokens × heads × headSize]}; may be {@code q}
   */
  public void attend(
      StepBatch batch, int group, KvCache cache, AttentionShape shape, float[] q, float[] out) {
    if (cache.kvHeads() != shape.kvHeads() || cache.headSize() != shape.headSize()) {
      throw new IllegalArgumentException(
          "%s doesn't fit a cache of %d heads of %d"
              .formatted(shape, cache.kvHeads(), cache.headSize()));
    }
    step.set(batch, group, cache, shape, q, out);
    team.forEach(step.items, step);
    step.clear();
  }

  /** The call under way, cut into (tokens of a sequence, key head). */
  private final class Step implements WorkerTeam.ItemTask {
    private static final StepBatch NOTHING = new StepBatch();
    private static final float[] NONE = {};

    private StepBatch batch = NOTHING;
    private int group;
    private @Nullable KvCache cache;
    private @Nullable AttentionShape shape;
    private float[] q = NONE;
    private float[] out = NONE;
    private int tokensPerPass;
    private int[] passSequence = {};
    private int[] passToken = {};
    private int passes;
    private int items;

    void set(
        StepBatch newBatch,
        int newGroup,
        KvCache newCache,
        AttentionShape newShape,
        float[] newQ,
        float[] newOut) {
      batch = newBatch;
      group = newGroup;
      cache = newCache;
      shape = newShape;
      q = newQ;
      out = newOut;
      tokensPerPass = Math.max(1, PASS_QUERIES / newShape.groupSize());
      if (passToken.length < newBatch.numTokens) {
        passToken = new int[newBatch.numTokens];
        passSequence = new int[newBatch.numTokens];
      }
      passes = 0;
      for (int s = 0; s < newBatch.numSequences; s++) {
        for (int t = newBatch.queryStart[s]; t < newBatch.queryStart[s + 1]; t += tokensPerPass) {
          passSequence[passes] = s;
          passToken[passes++] = t;
        }
      }
      items = passes * newShape.kvHeads();
    }

    void clear() {
      batch = NOTHING;
      cache = null;
      shape = null;
      q = NONE;
      out = NONE;
    }

    /** The last passes see the longest contexts, so they go first. */
    @Override
    public void run(int item, int worker) {
      if (cache == null || shape == null) {
        throw new IllegalStateException("no attention under way");
      }
      int kvHead = item % shape.kvHeads();
      int pass = passes - 1 - item / shape.kvHeads();
      int sequence = passSequence[pass];
      int from = passToken[pass];
      int to = Math.min(from + tokensPerPass, batch.queryStart[sequence + 1]);
      attend(cache, shape, sequence, from, to, kvHead, scratch[worker]);
    }

    /** Tokens {@code [from, to)}: some queries, all of which read one key head. */
    private void attend(
        KvCache cache,
        AttentionShape shape,
        int sequence,
        int from,
        int to,
        int kvHead,
        Scratch s) {
      int heads = shape.groupSize();
      int size = shape.headSize();
      int queries = (to - from) * heads;
      float[] scores = s.scores(queries * TILE);
      // Each query's weighted sum of values, then each one's greatest score, then its total weight.
      float[] sums = s.sums(queries * (size + 2));
      int maxima = queries * size;
      int totals = maxima + queries;
      Arrays.fill(sums, 0, maxima, 0);
      Arrays.fill(sums, maxima, totals, Float.NEGATIVE_INFINITY);
      Arrays.fill(sums, totals, totals + queries, 0);

      int end = batch.positions[to - 1] + 1;
      int first = firstVisible(batch.positions[from], shape) / TILE * TILE;
      for (int tile = first; tile < end; tile += TILE) {
        if (cache.type() != KvType.F32) {
          int seenFrom = Math.max(tile, firstVisible(batch.positions[from], shape));
          decode(cache, sequence, kvHead, tile, seenFrom, Math.min(tile + TILE, end), s);
        }
        for (int t = from; t < to; t++) {
          int visibleFrom = Math.max(tile, firstVisible(batch.positions[t], shape));
          int visibleTo = Math.min(tile + TILE, batch.positions[t] + 1);
          if (visibleFrom < visibleTo) {
            int query = (t - from) * heads;
            int qOffset = (t * shape.heads() + kvHead * heads) * size;
            score(cache, shape, sequence, kvHead, qOffset, tile, visibleFrom, visibleTo, scores, s);
            for (int h = 0; h < heads; h++) {
              int i = query + h;
              soften(scores, h * TILE, sums, i * size, size, maxima + i, totals + i);
            }
            sum(
                cache,
                shape,
                sequence,
                kvHead,
                tile,
                visibleFrom,
                visibleTo,
                scores,
                sums,
                query * size,
                s);
          }
        }
      }
      for (int t = from; t < to; t++) {
        for (int h = 0; h < heads; h++) {
          int query = (t - from) * heads + h;
          float factor = 1 / sums[totals + query];
          int at = (t * shape.heads() + kvHead * heads + h) * size;
          for (int d = 0; d < size; d++) {
            out[at + d] = sums[query * size + d] * factor;
          }
        }
      }
    }

    /** Decodes positions of a tile: keys, and behind all of the tile's the values. */
    private void decode(
        KvCache cache, int sequence, int kvHead, int tile, int from, int to, Scratch s) {
      int size = cache.headSize();
      MemorySegment floats = s.cacheTile(2L * TILE * size * Float.BYTES);
      for (int p = from; p < to; ) {
        int run = run(cache, p, to);
        long at = offset(cache, sequence, kvHead, p);
        long keys = decoded(p - tile, size);
        long values = decoded(TILE + p - tile, size);
        arithmetic.decodeCache(cache.type(), cache.keys(), at, run, size, floats, keys);
        arithmetic.decodeCache(cache.type(), cache.values(), at, run, size, floats, values);
        p += run;
      }
    }

    private static long decoded(int vector, int size) {
      return (long) vector * size * Float.BYTES;
    }

    /** The scores of a token's heads on one key head's tile; −∞ for what it doesn't see. */
    private void score(
        KvCache cache,
        AttentionShape shape,
        int sequence,
        int kvHead,
        int qOffset,
        int tile,
        int visibleFrom,
        int visibleTo,
        float[] scores,
        Scratch s) {
      int heads = shape.groupSize();
      Arrays.fill(scores, 0, heads * TILE, Float.NEGATIVE_INFINITY);
      boolean plain = cache.type() == KvType.F32;
      MemorySegment keys = plain ? cache.keys() : s.cacheTile(0);
      for (int p = visibleFrom; p < visibleTo; ) {
        int run = plain ? run(cache, p, visibleTo) : visibleTo - p;
        arithmetic.scores(
            q,
            qOffset,
            heads,
            shape.headSize(),
            keys,
            plain ? offset(cache, sequence, kvHead, p) : decoded(p - tile, shape.headSize()),
            run,
            scores,
            p - tile,
            TILE,
            s);
        p += run;
      }
      for (int h = 0; h < heads; h++) {
        int start = h * TILE + visibleFrom - tile;
        arithmetic.scale(scores, start, visibleTo - visibleFrom, shape.scale());
        if (shape.softCap() != 0) {
          arithmetic.softCap(scores, start, visibleTo - visibleFrom, shape.softCap());
        }
      }
    }

    /** Turns a tile's scores into weights, and what was summed so far to the new maximum. */
    private void soften(
        float[] scores, int offset, float[] sums, int sum, int size, int maximum, int total) {
      float max = sums[maximum];
      for (int i = 0; i < TILE; i++) {
        max = Math.max(max, scores[offset + i]);
      }
      if (max > sums[maximum]) {
        float factor = ScalarMath.exp(sums[maximum] - max);
        arithmetic.scale(sums, sum, size, factor);
        sums[total] *= factor;
        sums[maximum] = max;
      }
      sums[total] += arithmetic.exponentials(scores, offset, max);
    }

    /** Adds a tile's values to a token's heads. */
    private void sum(
        KvCache cache,
        AttentionShape shape,
        int sequence,
        int kvHead,
        int tile,
        int visibleFrom,
        int visibleTo,
        float[] weights,
        float[] sums,
        int sumsOffset,
        Scratch s) {
      boolean plain = cache.type() == KvType.F32;
      MemorySegment values = plain ? cache.values() : s.cacheTile(0);
      for (int p = visibleFrom; p < visibleTo; ) {
        int run = plain ? run(cache, p, visibleTo) : visibleTo - p;
        arithmetic.accumulate(
            weights,
            p - tile,
            TILE,
            shape.groupSize(),
            shape.headSize(),
            values,
            plain ? offset(cache, sequence, kvHead, p) : decoded(TILE + p - tile, shape.headSize()),
            run,
            sums,
            sumsOffset,
            s);
        p += run;
      }
    }

    /** Positions that lie together from {@code p} on, before {@code to}. */
    private static int run(KvCache cache, int p, int to) {
      return Math.min(to, (p / cache.blockSize() + 1) * cache.blockSize()) - p;
    }

    /** Where a position's key and value lie, through the block table. */
    private long offset(KvCache cache, int sequence, int kvHead, int position) {
      int entry = position / cache.blockSize();
      int block = batch.blockTables[group][sequence * batch.tableStride[group] + entry];
      if (block < 0) {
        throw new IllegalStateException(
            "sequence %d of the step has no block for position %d".formatted(sequence, position));
      }
      return cache.offset(block, kvHead, position % cache.blockSize());
    }

    private static int firstVisible(int position, AttentionShape shape) {
      return shape.window() == 0 ? 0 : Math.max(0, position + 1 - shape.window());
    }
  }
}
