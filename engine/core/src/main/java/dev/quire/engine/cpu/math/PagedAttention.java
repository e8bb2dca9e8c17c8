package dev.quire.engine.cpu.math;

import dev.quire.engine.exec.StepBatch;
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
  /** Query vectors that share a pass over the keys. */
  private static final int PASS_QUERIES = 64;

  private final WorkerTeam team;
  private final AttentionPass[] workers;
  private final Step step = new Step();

  public PagedAttention(WorkerTeam team, Arithmetic arithmetic) {
    this.team = team;
    this.workers = new AttentionPass[team.size()];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new AttentionPass(arithmetic);
    }
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
      workers[worker].run(batch, group, cache, shape, q, out, sequence, from, to, kvHead);
    }
  }
}
