package dev.quire.engine.tornado;

import dev.quire.engine.model.Activation;
import dev.quire.engine.model.AttentionSpec;
import dev.quire.engine.model.DecoderSpec;
import dev.quire.engine.model.FeedForwardSpec;
import dev.quire.engine.model.QueryKeyNorm;
import dev.quire.engine.model.RopeLayout;
import dev.quire.engine.model.RopeSpec;
import dev.quire.kernels.Activations;
import dev.quire.kernels.ChunkAttention;
import dev.quire.kernels.Embedding;
import dev.quire.kernels.Experts;
import dev.quire.kernels.GeluMultiply;
import dev.quire.kernels.HeadNorm;
import dev.quire.kernels.PagedAttention;
import dev.quire.kernels.PartSums;
import dev.quire.kernels.RmsNorm;
import dev.quire.kernels.RotaryCache;
import dev.quire.kernels.RowAttention;
import dev.quire.kernels.Rows;
import dev.quire.kernels.SandwichNorm;
import dev.quire.kernels.SiluMultiply;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Writes the kernels of all layers down, for steps of one bucket. */
final class LayerTasks {
  private final KernelContext context = new KernelContext();
  private final DecoderSpec spec;
  private final DeviceWeights weights;
  private final Scratch scratch;
  private final TornadoOptions options;
  private final StepInputs inputs;
  private final Segments segments;
  private final ProductTasks products;
  private final int rows;
  private final int tiles;
  private final int hidden;

  /**
   * @param rows the most tokens of a step
   * @param tiles the most tiles of queries; 0 where every sequence of a step has one token
   */
  LayerTasks(
      DecoderSpec spec,
      DeviceWeights weights,
      Scratch scratch,
      TornadoOptions options,
      StepInputs inputs,
      Segments segments,
      int rows,
      int tiles) {
    this.spec = spec;
    this.weights = weights;
    this.scratch = scratch;
    this.options = options;
    this.inputs = inputs;
    this.segments = segments;
    this.products = new ProductTasks(context, segments, scratch, rows);
    this.rows = rows;
    this.tiles = tiles;
    this.hidden = spec.hiddenSize();
  }

  /** Embedding and all layers: leaves the residual stream of every row. */
  void addAll() {
    embed();
    List<DeviceLayer> layers = weights.layers;
    prepare("first", layers.getFirst().beforeAttention());
    for (int i = 0; i < layers.size(); i++) {
      DeviceLayer layer = layers.get(i);
      String id = "layer" + i;
      boolean last = i == layers.size() - 1;
      Join afterAttention = new Join(layer.afterAttention(), true, layer.beforeFeedForward());
      Join afterFeedForward =
          new Join(
              layer.afterFeedForward(), !last, last ? null : layers.get(i + 1).beforeAttention());
      ProductShape output = attention(id, layer, afterAttention);
      join(id + "attention", afterAttention, output);
      ProductShape down = feedForward(id, layer, afterFeedForward);
      join(id + "feedForward", afterFeedForward, down);
    }
  }

  /**
   * How a part's result comes to the residual stream.
   *
   * @param after what normalises the result first, or null
   * @param more whether a part follows
   * @param before what normalises that part's input, or null
   */
  private record Join(@Nullable FloatArray after, boolean more, @Nullable FloatArray before) {}

  /** Whether a result is only added before the next norm: then its sums may come in parts. */
  private boolean plain(Join join) {
    return join.after() == null && spec.residualScale() == 1 && join.before() != null;
  }

  private void embed() {
    switch (weights.embedding) {
      case DeviceMatrix.Halves halves ->
          segments.add(
              "embed",
              6,
              Embedding.grid(rows),
              g ->
                  g.task(
                      "embed",
                      Embedding::gather,
                      context,
                      inputs.counts,
                      inputs.tokens,
                      halves.weights(),
                      scratch.residual,
                      hidden),
              inputs.counts,
              inputs.tokens);
      case DeviceMatrix.Quants quants ->
          segments.add(
              "embed",
              7,
              Embedding.grid(rows),
              g ->
                  g.task(
                      "embed",
                      Embedding::gatherQ8,
                      context,
                      inputs.counts,
                      inputs.tokens,
                      quants.quants(),
                      quants.scales(),
                      scratch.residual,
                      hidden),
              inputs.counts,
              inputs.tokens);
      case DeviceMatrix.Nibbles nibbles ->
          segments.add(
              "embed",
              7,
              Embedding.grid(rows),
              g ->
                  g.task(
                      "embed",
                      Embedding::gatherQ4,
                      context,
                      inputs.counts,
                      inputs.tokens,
                      nibbles.nibbles(),
                      nibbles.steps(),
                      scratch.residual,
                      hidden),
              inputs.counts,
              inputs.tokens);
    }
    float scale = spec.embeddingScale();
    if (scale != 1) {
      segments.add(
          "embedScale",
          5,
          Rows.grid(rows),
          g ->
              g.task(
                  "embedScale",
                  Rows::scale,
                  context,
                  inputs.counts,
                  scratch.residual,
                  hidden,
                  scale),
          inputs.counts);
    }
  }

  /** A part's input: the residual stream, normalised or as it is, in halves. */
  private void prepare(String id, @Nullable FloatArray norm) {
    if (norm == null) {
      segments.add(
          id + "Round",
          5,
          Rows.grid(rows),
          g ->
              g.task(
                  id + "Round",
                  Rows::toHalf,
                  context,
                  inputs.counts,
                  scratch.residual,
                  scratch.normed,
                  hidden),
          inputs.counts);
      return;
    }
    float epsilon = spec.normEpsilon();
    segments.add(
        id + "Norm",
        7,
        RmsNorm.grid(rows),
        g ->
            g.task(
                id + "Norm",
                RmsNorm::normalizeRows,
                context,
                inputs.counts,
                scratch.residual,
                norm,
                scratch.normed,
                hidden,
                epsilon),
        inputs.counts);
  }

  /**
   * Adds a part's result to the residual stream and prepares the next part's input.
   *
   * @param result of the product that computed it
   */
  private void join(String id, Join join, ProductShape result) {
    FloatArray after = join.after();
    FloatArray before = join.before();
    float epsilon = spec.normEpsilon();
    float factor = spec.residualScale();
    if (result.splits() > 1 && before != null) {
      int splits = result.splits();
      int partRows = result.partRows();
      segments.add(
          id + "AddNorm",
          10,
          PartSums.normGrid(rows),
          g ->
              g.task(
                  id + "AddNorm",
                  PartSums::addNormalize,
                  context,
                  inputs.counts,
                  scratch.residual,
                  scratch.partSums,
                  before,
                  scratch.normed,
                  hidden,
                  epsilon,
                  splits,
                  partRows),
          inputs.counts);
      return;
    }
    if (after == null && factor == 1 && before != null) {
      segments.add(
          id + "AddNorm",
          8,
          RmsNorm.grid(rows),
          g ->
              g.task(
                  id + "AddNorm",
                  RmsNorm::addNormalize,
                  context,
                  inputs.counts,
                  scratch.residual,
                  scratch.delta,
                  before,
                  scratch.normed,
                  hidden,
                  epsilon),
          inputs.counts);
      return;
    }
    if (after == null) {
      segments.add(
          id + "Add",
          6,
          SandwichNorm.grid(rows),
          g ->
              g.task(
                  id + "Add",
                  SandwichNorm::scaleAndAdd,
                  context,
                  inputs.counts,
                  scratch.residual,
                  scratch.delta,
                  hidden,
                  factor),
          inputs.counts);
    } else {
      segments.add(
          id + "NormAdd",
          8,
          SandwichNorm.grid(rows),
          g ->
              g.task(
                  id + "NormAdd",
                  SandwichNorm::normalizeAndAdd,
                  context,
                  inputs.counts,
                  scratch.residual,
                  scratch.delta,
                  after,
                  hidden,
                  epsilon,
                  factor),
          inputs.counts);
    }
    if (join.more()) {
      prepare(id, before);
    }
  }

  private void bias(String id, FloatArray x, @Nullable FloatArray bias, int width) {
    if (bias != null) {
      segments.add(
          id,
          5,
          Rows.grid(rows),
          g -> g.task(id, Rows::addBias, context, inputs.counts, x, bias, width),
          inputs.counts);
    }
  }

  private ProductShape attention(String id, DeviceLayer layer, Join join) {
    AttentionSpec attention = layer.spec().attention();
    int width = attention.querySize() + 2 * attention.kvSize();
    products.add(
        id + "qkv", inputs.counts, layer.queryKeyValue(), scratch.normed, scratch.qkv, width);
    bias(id + "qkvBias", scratch.qkv, layer.queryKeyValueBias(), width);
    normHeads(id + "headNorm", layer, attention, width);
    rotateAndStore(id + "rotate", layer, attention);
    if (tiles == 0 && SpecLimits.shared(attention)) {
      attendOne(id, layer, attention);
    } else if (tiles > 0 && SpecLimits.tiled(attention)) {
      attendChunks(id + "attend", layer, attention);
    } else {
      attendRows(id + "attend", layer, attention);
    }
    ProductShape shape =
        delta(
            id + "output",
            layer.output(),
            scratch.attended,
            plain(join) && layer.outputBias() == null);
    bias(id + "outputBias", scratch.delta, layer.outputBias(), hidden);
    return shape;
  }

  /**
   * A product whose result goes to the residual stream.
   *
   * @param parts whether its sums may come in parts
   */
  private ProductShape delta(String id, DeviceMatrix matrix, HalfFloatArray x, boolean parts) {
    if (parts) {
      return products.addParts(id, inputs.counts, matrix, x, scratch.delta, hidden);
    }
    products.add(id, inputs.counts, matrix, x, scratch.delta, hidden);
    return ProductShape.WHOLE;
  }

  /** Norms of all heads together; those of single heads come with the rotation. */
  private void normHeads(String id, DeviceLayer layer, AttentionSpec attention, int width) {
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
    float epsilon = spec.normEpsilon();
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

  private void rotateAndStore(String id, DeviceLayer layer, AttentionSpec attention) {
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
    float epsilon = spec.normEpsilon();
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
    int warps = PagedAttention.warps(rows, heads, kvHeads, headSize);
    IntArray tables = inputs.tables.get(layer.spec().cacheGroup());
    segments.add(
        id + "attend",
        20,
        PagedAttention.grid(rows, heads, kvHeads, splits, warps),
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
                softCap),
        inputs.counts,
        tables,
        inputs.lengths);
    if (splits == 1) {
      return;
    }
    segments.add(
        id + "combine",
        10,
        PagedAttention.combineGrid(rows, kvHeads),
        g ->
            g.task(
                id + "combine",
                PagedAttention::combine,
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
    int groups = ChunkAttention.groups(tiles, heads, kvHeads);
    IntArray tables = inputs.tables.get(layer.spec().cacheGroup());
    segments.add(
        id,
        18,
        ChunkAttention.grid(groups),
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

  private ProductShape feedForward(String id, DeviceLayer layer, Join join) {
    return switch (layer.feedForward()) {
      case DeviceLayer.FeedForward.Dense dense -> {
        gateUp(id, layer, dense);
        boolean parts = plain(join) && dense.downBias() == null;
        ProductShape shape = delta(id + "down", dense.down(), scratch.activated, parts);
        bias(id + "downBias", scratch.delta, dense.downBias(), hidden);
        yield shape;
      }
      case DeviceLayer.FeedForward.Experts experts -> {
        experts(id, layer, experts);
        yield ProductShape.WHOLE;
      }
    };
  }

  /** The activated elements between a network's two halves. */
  private void gateUp(String id, DeviceLayer layer, DeviceLayer.FeedForward.Dense dense) {
    int inner = dense.down().inputs();
    if (dense.interleaved()) {
      boolean silu = layer.spec().feedForward().activation() == Activation.SILU;
      products.addGated(
          id + "gateUp",
          inputs.counts,
          dense.gateUp(),
          scratch.normed,
          scratch.gateUp,
          scratch.activated,
          silu ? Activations.SILU : Activations.GELU);
      return;
    }
    products.add(
        id + "gateUp", inputs.counts, dense.gateUp(), scratch.normed, scratch.gateUp, 2 * inner);
    bias(id + "gateUpBias", scratch.gateUp, dense.gateUpBias(), 2 * inner);
    activate(id + "activate", layer, inputs.counts, rows, inner);
  }

  private void activate(String id, DeviceLayer layer, IntArray counts, int most, int inner) {
    boolean silu = layer.spec().feedForward().activation() == Activation.SILU;
    segments.add(
        id,
        5,
        SiluMultiply.grid(most, inner),
        g ->
            silu
                ? g.task(
                    id,
                    SiluMultiply::apply,
                    context,
                    counts,
                    scratch.gateUp,
                    scratch.activated,
                    inner)
                : g.task(
                    id,
                    GeluMultiply::apply,
                    context,
                    counts,
                    scratch.gateUp,
                    scratch.activated,
                    inner),
        counts);
  }

  private void experts(String id, DeviceLayer layer, DeviceLayer.FeedForward.Experts experts) {
    FeedForwardSpec.Experts shape = (FeedForwardSpec.Experts) layer.spec().feedForward();
    int count = shape.count();
    int used = shape.used();
    int inner = shape.innerSize();
    int normalised = shape.normalised() ? 1 : 0;
    int stride = experts.router().outputs();
    products.add(
        id + "router", inputs.counts, experts.router(), scratch.normed, scratch.routing, stride);
    segments.add(
        id + "route",
        9,
        Experts.routeGrid(rows),
        g ->
            g.task(
                id + "route",
                Experts::route,
                context,
                inputs.counts,
                scratch.routing,
                scratch.chosen,
                scratch.shares,
                count,
                stride,
                used,
                normalised),
        inputs.counts);
    expertProduct(
        id + "gateUp",
        experts.gateUp(),
        scratch.normed,
        scratch.gateUp,
        2 * inner,
        hidden,
        used,
        used);
    activate(id + "activate", layer, inputs.pairCounts, rows * used, inner);
    expertProduct(
        id + "down", experts.down(), scratch.activated, scratch.parts, hidden, inner, 1, used);
    segments.add(
        id + "mix",
        7,
        Experts.combineGrid(rows),
        g ->
            g.task(
                id + "mix",
                Experts::combine,
                context,
                inputs.counts,
                scratch.shares,
                scratch.parts,
                scratch.delta,
                used,
                hidden),
        inputs.counts);
    DeviceLayer.FeedForward.Dense shared = experts.shared();
    FloatArray sharedGate = experts.sharedGate();
    if (shared != null && sharedGate != null) {
      shared(id + "shared", layer, shared, sharedGate);
    }
  }

  /** The network that every token passes, beside the experts of its own. */
  private void shared(
      String id, DeviceLayer layer, DeviceLayer.FeedForward.Dense shared, FloatArray gate) {
    gateUp(id, layer, shared);
    products.add(
        id + "down", inputs.counts, shared.down(), scratch.activated, scratch.parts, hidden);
    segments.add(
        id + "add",
        7,
        Experts.combineGrid(rows),
        g ->
            g.task(
                id + "add",
                Experts::addShared,
                context,
                inputs.counts,
                scratch.normed,
                gate,
                scratch.parts,
                scratch.delta,
                hidden),
        inputs.counts);
  }

  private void expertProduct(
      String id,
      HalfFloatArray matrices,
      HalfFloatArray x,
      FloatArray out,
      int outputs,
      int width,
      int perRow,
      int used) {
    segments.add(
        id,
        9,
        Experts.grid(rows * used, outputs),
        g ->
            g.task(
                id,
                Experts::multiply,
                context,
                inputs.pairCounts,
                scratch.chosen,
                matrices,
                x,
                out,
                outputs,
                width,
                perRow),
        inputs.pairCounts);
  }
}
