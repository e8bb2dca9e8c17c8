package dev.quire.engine.tornado;

import dev.quire.engine.model.AttentionSpec;
import dev.quire.engine.model.RopeLayout;
import dev.quire.engine.model.RopeSpec;
import dev.quire.kernels.AttentionGroups;
import dev.quire.kernels.ChunkAttention;
import dev.quire.kernels.ChunkTiles;
import dev.quire.kernels.ContextSplits;
import dev.quire.kernels.FusedAttention;
import dev.quire.kernels.PagedAttention;
import dev.quire.kernels.RowAttention;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Writes down the attention of a layer, from its normalised input to its product with the output
 * matrix.
 */
final class AttentionTasks {
  private final KernelContext context;
  private final Scratch scratch;
  private final TornadoOptions options;
  private final StepInputs inputs;
  private final Segments segments;
  private final ProductTasks products;
  private final int rows;
  private final int hidden;
  private final float epsilon;
  private final int tiles;
  private final int longest;
  private final ResidualTasks residual;
  private final RotaryTasks rotary;

  /**
   * @param tiles the most tiles of queries; 0 where every sequence of a step has one token
   * @param longest context of a step, in positions
   */
  AttentionTasks(StepContext step, int tiles, int longest, ResidualTasks residual) {
    this.context = step.context();
    this.scratch = step.scratch();
    this.options = step.options();
    this.inputs = step.inputs();
    this.segments = step.segments();
    this.products = step.products();
    this.rows = step.rows();
    this.hidden = step.spec().hiddenSize();
    this.epsilon = step.spec().normEpsilon();
    this.tiles = tiles;
    this.longest = longest;
    this.residual = residual;
    this.rotary = new RotaryTasks(step);
  }

  /** Leaves the result where {@link ResidualTasks#join} takes it; says in how many parts. */
  ProductShape add(String id, DeviceLayer layer, ResidualTasks.Join join) {
    AttentionSpec attention = layer.spec().attention();
    int width = attention.querySize() + 2 * attention.kvSize();
    ProductShape product = ProductShape.WHOLE;
    if (residual.streamed()) {
      products.addNormed(id + "qkv", layer.queryKeyValue(), scratch.qkv, epsilon);
    } else if (rotary.takesParts(layer)) {
      product =
          products.addParts(
              id + "qkv", inputs.counts, layer.queryKeyValue(), scratch.normed, scratch.qkv, width);
    } else {
      products.add(
          id + "qkv", inputs.counts, layer.queryKeyValue(), scratch.normed, scratch.qkv, width);
    }
    products.addBias(id + "qkvBias", inputs.counts, scratch.qkv, layer.queryKeyValueBias(), width);
    rotary.normHeads(id + "headNorm", layer, attention, width);
    if (fuses(attention) && rotary.plain(layer, attention, product)) {
      attendFused(id + "attend", layer, attention);
    } else {
      rotary.rotateAndStore(id + "rotate", layer, attention, product);
      attend(id, layer, attention);
    }
    ProductShape shape =
        residual.delta(
            id + "output", layer.output(), scratch.attended, join, layer.outputBias() != null);
    products.addBias(id + "outputBias", inputs.counts, scratch.delta, layer.outputBias(), hidden);
    return shape;
  }

  private void attend(String id, DeviceLayer layer, AttentionSpec attention) {
    if (tiles == 0 && SpecLimits.shared(attention)) {
      attendOne(id, layer, attention);
    } else if (tiles > 0 && SpecLimits.tiled(attention)) {
      attendChunks(id + "attend", layer, attention);
    } else {
      attendRows(id + "attend", layer, attention);
    }
  }

  /** Whether one kernel rotates, stores and attends. */
  private boolean fuses(AttentionSpec attention) {
    int window = attention.window();
    int attended = window > 0 ? Math.min(window, longest) : longest;
    return rows == 1
        && tiles == 0
        && attended <= FusedAttention.FEW_POSITIONS
        && attention.headSize() <= FusedAttention.MAX_HEAD
        && attention.headSize() % 16 == 0
        && options.blockSize() % FusedAttention.ROWS == 0;
  }

  private void attendFused(String id, DeviceLayer layer, AttentionSpec attention) {
    RopeSpec rope = attention.rope();
    int rotary = rope == null ? 0 : rope.rotarySize();
    int apart = rope == null || rope.layout() == RopeLayout.INTERLEAVED ? 1 : rotary / 2;
    float magnitude = rope == null ? 1 : rope.magnitude();
    int heads = attention.heads();
    int kvHeads = attention.kvHeads();
    int headSize = attention.headSize();
    int window = attention.window();
    float scale = attention.scale();
    float softCap = attention.softCap();
    int blockSize = options.blockSize();
    IntArray slots = inputs.slots.get(layer.spec().cacheGroup());
    IntArray tables = inputs.tables.get(layer.spec().cacheGroup());
    segments.add(
        id,
        19,
        FusedAttention.grid(heads),
        g ->
            g.task(
                id,
                FusedAttention::attendEarly,
                context,
                inputs.counts,
                scratch.qkv,
                slots,
                layer.frequencies(),
                layer.keys(),
                layer.values(),
                tables,
                scratch.attended,
                heads,
                kvHeads,
                headSize,
                blockSize,
                rotary,
                apart,
                magnitude,
                window,
                scale,
                softCap),
        inputs.counts,
        slots,
        tables);
  }

  private void attendOne(String id, DeviceLayer layer, AttentionSpec attention) {
    int heads = attention.heads();
    int kvHeads = attention.kvHeads();
    int headSize = attention.headSize();
    int window = attention.window();
    float scale = attention.scale();
    float softCap = attention.softCap();
    int blockSize = options.blockSize();
    int tableWidth = options.tableWidth();
    int splits = Buckets.splits(rows, options.maxLength());
    int warps = AttentionGroups.warps(rows, heads, kvHeads, headSize);
    int early = Boolean.getBoolean("quire.attention.late") ? 0 : AttentionGroups.early(rows);
    IntArray tables = inputs.tables.get(layer.spec().cacheGroup());
    segments.add(
        id + "attend",
        20,
        AttentionGroups.grid(rows, heads, kvHeads, splits, warps),
        g ->
            g.task(
                id + "attend",
                PagedAttention::attend,
                context,
                inputs.counts,
                scratch.queries,
                layer.keys(),
                layer.values(),
                tables,
                inputs.lengths,
                scratch.partial,
                scratch.attended,
                heads,
                kvHeads,
                headSize,
                blockSize,
                tableWidth,
                splits,
                warps,
                window,
                scale,
                softCap,
                early),
        inputs.counts,
        tables,
        inputs.lengths);
    if (splits == 1) {
      return;
    }
    segments.add(
        id + "combine",
        10,
        ContextSplits.grid(rows, kvHeads),
        g ->
            g.task(
                id + "combine",
                ContextSplits::combine,
                context,
                inputs.counts,
                scratch.partial,
                inputs.lengths,
                scratch.attended,
                heads,
                kvHeads,
                headSize,
                splits,
                window),
        inputs.counts,
        inputs.lengths);
  }

  private void attendChunks(String id, DeviceLayer layer, AttentionSpec attention) {
    int heads = attention.heads();
    int kvHeads = attention.kvHeads();
    int headSize = attention.headSize();
    int window = attention.window();
    float scale = attention.scale();
    float softCap = attention.softCap();
    int blockSize = options.blockSize();
    int tableWidth = options.tableWidth();
    int groups = ChunkTiles.groups(tiles, heads, kvHeads);
    IntArray tables = inputs.tables.get(layer.spec().cacheGroup());
    segments.add(
        id,
        18,
        ChunkTiles.grid(groups),
        g ->
            g.task(
                id,
                ChunkAttention::attend,
                context,
                inputs.tileCounts,
                inputs.tiles,
                scratch.queries,
                layer.keys(),
                layer.values(),
                tables,
                scratch.chunkScores,
                scratch.attended,
                heads,
                kvHeads,
                headSize,
                blockSize,
                tableWidth,
                groups,
                window,
                scale,
                softCap),
        inputs.tileCounts,
        inputs.tiles,
        tables);
  }

  private void attendRows(String id, DeviceLayer layer, AttentionSpec attention) {
    int heads = attention.heads();
    int kvHeads = attention.kvHeads();
    int headSize = attention.headSize();
    int window = attention.window();
    float scale = attention.scale();
    float softCap = attention.softCap();
    int blockSize = options.blockSize();
    int tableWidth = options.tableWidth();
    IntArray tables = inputs.tables.get(layer.spec().cacheGroup());
    segments.add(
        id,
        17,
        RowAttention.grid(rows, heads),
        g ->
            g.task(
                id,
                RowAttention::attend,
                context,
                inputs.counts,
                inputs.sequences,
                inputs.positions,
                scratch.queries,
                layer.keys(),
                layer.values(),
                tables,
                scratch.attended,
                heads,
                kvHeads,
                headSize,
                blockSize,
                tableWidth,
                window,
                scale,
                softCap),
        inputs.counts,
        inputs.sequences,
        inputs.positions,
        tables);
  }
}
