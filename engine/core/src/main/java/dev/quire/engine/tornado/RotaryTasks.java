package dev.quire.engine.tornado;

import dev.quire.engine.model.AttentionSpec;
import dev.quire.engine.model.QueryKeyNorm;
import dev.quire.engine.model.RopeLayout;
import dev.quire.engine.model.RopeSpec;
import dev.quire.kernels.HeadNorm;
import dev.quire.kernels.RotaryCache;
import java.util.Objects;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Writes down the norms of heads, the rotation of queries and keys, and their way into the KV
 * cache.
 */
final class RotaryTasks {
  // To compare: false adds the parts of queries, keys and values in a kernel of its own.
  private static final boolean PARTS =
      Boolean.parseBoolean(System.getProperty("quire.rotary.parts", "true"));

  private final KernelContext context;
  private final Scratch scratch;
  private final TornadoOptions options;
  private final StepInputs inputs;
  private final Segments segments;
  private final int rows;

  RotaryTasks(StepContext step) {
    this.context = step.context();
    this.scratch = step.scratch();
    this.options = step.options();
    this.inputs = step.inputs();
    this.segments = step.segments();
    this.rows = step.rows();
  }

  /** Norms of all heads together; those of single heads come with the rotation. */
  void normHeads(String id, DeviceLayer layer, AttentionSpec attention, int width) {
    FloatArray queryNorm = layer.queryNorm();
    FloatArray keyNorm = layer.keyNorm();
    if (queryNorm == null || keyNorm == null) {
      return;
    }
    if (attention.norm() != QueryKeyNorm.WHOLE_ROW) {
      return;
    }
    int querySize = attention.querySize();
    int keySize = attention.kvSize();
    float epsilon = layer.headEpsilon();
    segments.add(
        id,
        10,
        HeadNorm.grid(rows, 2),
        g ->
            g.task(
                id,
                HeadNorm::normalizeHeads,
                context,
                inputs.counts,
                scratch.qkv,
                queryNorm,
                keyNorm,
                1,
                querySize,
                keySize,
                width,
                epsilon),
        inputs.counts);
  }

  /** Whether {@link #rotateAndStore} may have its rows in parts. */
  boolean takesParts(DeviceLayer layer) {
    return PARTS
        && layer.queryKeyValueBias() == null
        && (layer.queryNorm() == null || layer.keyNorm() == null);
  }

  /** Whether nothing but the rotation is to be done: no norms of single heads, no parts to add. */
  boolean plain(DeviceLayer layer, AttentionSpec attention, ProductShape product) {
    boolean wholeRow = attention.norm() == QueryKeyNorm.WHOLE_ROW;
    boolean unnormed = layer.queryNorm() == null || layer.keyNorm() == null;
    return product.splits() == 1 && (wholeRow || unnormed);
  }

  /**
   * Rotates queries and keys by their positions, and stores keys and values in their slots.
   *
   * @param product of queries, keys and values
   */
  void rotateAndStore(String id, DeviceLayer layer, AttentionSpec attention, ProductShape product) {
    RopeSpec rope = attention.rope();
    int rotary = rope == null ? 0 : rope.rotarySize();
    int apart = rope == null || rope.layout() == RopeLayout.INTERLEAVED ? 1 : rotary / 2;
    float magnitude = rope == null ? 1 : rope.magnitude();
    int heads = attention.heads();
    int kvHeads = attention.kvHeads();
    int headSize = attention.headSize();
    int blockSize = options.blockSize();
    IntArray slots = inputs.slots.get(layer.spec().cacheGroup());
    boolean single =
        attention.norm() != QueryKeyNorm.WHOLE_ROW
            && layer.queryNorm() != null
            && layer.keyNorm() != null;
    FloatArray queryNorm = single ? Objects.requireNonNull(layer.queryNorm()) : layer.frequencies();
    FloatArray keyNorm = single ? Objects.requireNonNull(layer.keyNorm()) : layer.frequencies();
    int norm = single ? 1 : 0;
    float epsilon = layer.headEpsilon();
    int splits = product.splits();
    int partRows = product.partRows();
    if (splits > 1) {
      segments.add(
          id,
          18,
          RotaryCache.grid(rows, heads, kvHeads),
          g ->
              g.task(
                  id,
                  RotaryCache::rotateParts,
                  context,
                  inputs.counts,
                  scratch.partSums,
                  inputs.positions,
                  slots,
                  layer.frequencies(),
                  scratch.queries,
                  layer.keys(),
                  layer.values(),
                  heads,
                  kvHeads,
                  headSize,
                  blockSize,
                  rotary,
                  apart,
                  magnitude,
                  splits,
                  partRows),
          inputs.counts,
          inputs.positions,
          slots);
      return;
    }
    segments.add(
        id,
        20,
        RotaryCache.grid(rows, heads, kvHeads),
        g ->
            g.task(
                id,
                RotaryCache::rotateAndStore,
                context,
                inputs.counts,
                scratch.qkv,
                inputs.positions,
                slots,
                layer.frequencies(),
                queryNorm,
                keyNorm,
                scratch.queries,
                layer.keys(),
                layer.values(),
                heads,
                kvHeads,
                headSize,
                blockSize,
                rotary,
                apart,
                magnitude,
                norm,
                epsilon),
        inputs.counts,
        inputs.positions,
        slots);
  }
}
