package dev.quire.engine.tornado;

import dev.quire.engine.model.DecoderSpec;
import dev.quire.engine.model.FeedForwardSpec;
import dev.quire.engine.model.LayerSpec;
import dev.quire.kernels.Argmax;
import dev.quire.kernels.ChunkTiles;
import dev.quire.kernels.ResidualStream;
import java.util.List;
import java.util.function.ToIntFunction;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * What a step computes with between its kernels, on the device only, shared by all graphs. Rows are
 * those of the step, in whole tiles; {@code picked} rows are those whose logits are wanted.
 */
final class Scratch {
  final FloatArray residual;
  final HalfFloatArray normed;

  /** The residual stream of one row, as {@link dev.quire.kernels.ResidualStream} has it. */
  final FloatArray weighted;

  final FloatArray squares;
  final FloatArray qkv;
  final HalfFloatArray queries;
  final HalfFloatArray attended;
  final FloatArray delta;
  final FloatArray gateUp;
  final HalfFloatArray activated;

  /** The same of experts in halves, which no tensor core takes. */
  final FloatArray gated;

  final FloatArray partial;
  final FloatArray chunkScores;
  final FloatArray picked;
  final HalfFloatArray pickedNormed;
  final FloatArray logits;
  final FloatArray sliceBest;
  final IntArray sliceTokens;
  final FloatArray routing;
  final IntArray chosen;
  final FloatArray shares;
  final FloatArray parts;

  /** Parts of a product's sums, between the product and the kernel that adds them. */
  final FloatArray partSums;

  /** A quantised matrix as halves, for a step of many rows. */
  final HalfFloatArray unpacked;

  /**
   * @param unpackedElements of the largest matrix that is turned into halves at use; 0 if none is
   */
  Scratch(HostMirror mirror, DecoderSpec spec, TornadoOptions options, long unpackedElements) {
    long rows = options.rows();
    int hidden = spec.hiddenSize();
    int heads = most(spec, layer -> layer.attention().heads());
    int headSize = most(spec, layer -> layer.attention().headSize());
    int queryRow = most(spec, layer -> layer.attention().querySize());
    int inner = most(spec, Scratch::innerElements);
    int experts = most(spec, layer -> expertsOf(layer, true));
    int used = most(spec, layer -> expertsOf(layer, false));
    residual = mirror.floats(rows * hidden);
    normed = mirror.halves(rows * hidden);
    weighted = mirror.floats(hidden);
    squares = mirror.floats(Math.ceilDiv(hidden, ResidualStream.SHARED));
    qkv =
        mirror.floats(
            rows * most(spec, l -> l.attention().querySize() + 2 * l.attention().kvSize()));
    queries = mirror.halves(rows * queryRow);
    attended = mirror.halves(rows * queryRow);
    delta = mirror.floats(rows * hidden);
    gateUp = mirror.floats(rows * 2 * Math.max(1, most(spec, Scratch::denseElements)));
    activated = mirror.halves(rows * inner);
    gated = mirror.floats(used == 0 ? 1 : rows * most(spec, Scratch::chosenElements));
    partial = mirror.floats(partialRecords(options) * heads * (headSize + 2));
    int tiles = tiles(spec, options);
    int groups =
        most(spec, l -> ChunkTiles.groups(tiles, l.attention().heads(), l.attention().kvHeads()));
    chunkScores = mirror.floats((long) groups * ChunkTiles.SCRATCH);
    picked = mirror.floats((long) options.logitRows() * hidden);
    pickedNormed = mirror.halves((long) TornadoOptions.wholeTiles(options.logitRows()) * hidden);
    unpacked = mirror.halves(Math.max(1, unpackedElements));
    partSums = mirror.floats(ProductShape.MOST_PART_SUMS);
    logits = mirror.floats((long) options.logitRows() * WeightPacker.padded(spec.vocabularySize()));
    int slices = Argmax.slices(WeightPacker.padded(spec.vocabularySize()));
    sliceBest = mirror.floats((long) options.logitRows() * slices);
    sliceTokens = mirror.ints((long) options.logitRows() * slices);
    routing = mirror.floats(rows * Math.max(1, experts));
    chosen = mirror.ints(rows * Math.max(1, used));
    shares = mirror.floats(rows * Math.max(1, used));
    parts = mirror.floats(used == 0 ? 1 : rows * used * hidden);
  }

  private static int most(DecoderSpec spec, ToIntFunction<LayerSpec> of) {
    return spec.layers().stream().mapToInt(of).max().orElse(1);
  }

  private static int innerElements(LayerSpec layer) {
    return switch (layer.feedForward()) {
      case FeedForwardSpec.Dense dense -> dense.innerSize();
      case FeedForwardSpec.Experts experts ->
          Math.max(experts.innerSize() * experts.used(), experts.sharedInnerSize());
    };
  }

  /** Of a row's experts. */
  private static int chosenElements(LayerSpec layer) {
    return switch (layer.feedForward()) {
      case FeedForwardSpec.Dense _ -> 1;
      case FeedForwardSpec.Experts experts -> experts.innerSize() * experts.used();
    };
  }

  /** Of the network that every token passes: experts' own sums need no memory. */
  private static int denseElements(LayerSpec layer) {
    return switch (layer.feedForward()) {
      case FeedForwardSpec.Dense dense -> dense.innerSize();
      case FeedForwardSpec.Experts experts -> experts.sharedInnerSize();
    };
  }

  private static int expertsOf(LayerSpec layer, boolean all) {
    return switch (layer.feedForward()) {
      case FeedForwardSpec.Dense _ -> 0;
      case FeedForwardSpec.Experts experts -> all ? experts.count() : experts.used();
    };
  }

  /** Sequence splits of the largest step of single tokens. */
  private static long partialRecords(TornadoOptions options) {
    long most = 0;
    for (int bucket : Buckets.decode(options)) {
      most = Math.max(most, (long) bucket * Buckets.splits(bucket, options.maxLength()));
    }
    return most;
  }

  /** Query tiles of the largest step. */
  static int tiles(DecoderSpec spec, TornadoOptions options) {
    return options.rows() / SpecLimits.tileQueries(spec)
        + Math.min(options.maxSequences(), options.rows());
  }

  List<TornadoNativeArray> arrays() {
    return List.of(
        residual,
        normed,
        weighted,
        squares,
        qkv,
        queries,
        attended,
        delta,
        gateUp,
        activated,
        gated,
        partial,
        chunkScores,
        picked,
        pickedNormed,
        logits,
        sliceBest,
        sliceTokens,
        routing,
        chosen,
        shares,
        parts,
        partSums,
        unpacked);
  }
}
