package dev.quire.engine.tornado;

import static dev.quire.engine.model.QueryKeyNorm.WHOLE_ROW;

import dev.quire.engine.model.DecoderModel;
import dev.quire.engine.model.FeedForwardWeights;
import dev.quire.engine.model.LayerSpec;
import dev.quire.engine.model.LayerWeights;
import dev.quire.engine.model.Projection;
import dev.quire.engine.model.RopeSpec;
import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** A model's weights as arrays of the device, and how they are filled, a batch at a time. */
final class DeviceWeights {
  /**
   * Arrays that are filled and sent together.
   *
   * @param fills fill the arrays on the host
   * @param packs fill theirs on the device, from pieces
   */
  record Batch(List<Runnable> fills, List<TilePack> packs, List<TornadoNativeArray> arrays) {}

  final DeviceMatrix embedding;
  final DeviceMatrix head;
  final FloatArray finalNorm;
  final List<DeviceLayer> layers = new ArrayList<>();
  final List<Batch> batches = new ArrayList<>();

  private final ModelParts parts;
  private final DeviceShape shape;
  private final WeightPacker packer;

  DeviceWeights(ModelParts parts, TornadoOptions options, HostMirror mirror) {
    DecoderModel model = parts.model();
    this.parts = parts;
    this.shape = parts.shape();
    this.packer = new WeightPacker(mirror);
    this.embedding = packer.stack(parts.embedding());
    this.head = parts.ownHead() ? packer.stack(parts.head()) : embedding;
    this.finalNorm = packer.vector(norm(model.finalNorm(), shape.hidden()));
    List<TornadoNativeArray> ends = new ArrayList<>(embedding.arrays());
    if (parts.ownHead()) {
      ends.addAll(head.arrays());
    }
    ends.add(finalNorm);
    batches.add(new Batch(packer.takeFills(), packer.takePacks(), ends));
    for (int i = 0; i < model.layers().size(); i++) {
      DeviceLayer layer = layer(i, options, mirror);
      layers.add(layer);
      batches.add(new Batch(packer.takeFills(), packer.takePacks(), layer.weights()));
    }
  }

  private DeviceLayer layer(int index, TornadoOptions options, HostMirror mirror) {
    LayerSpec layer = shape.device().layers().get(index);
    LayerWeights weights = parts.model().layers().get(index);
    long cache =
        (long) options.blocksPerGroup().get(layer.cacheGroup())
            * options.blockSize()
            * layer.attention().kvSize();
    RopeSpec rope = layer.attention().rope();
    return new DeviceLayer(
        layer,
        hiddenNorm(weights.beforeAttention()),
        hiddenNorm(weights.afterAttention()),
        hiddenNorm(weights.beforeFeedForward()),
        hiddenNorm(weights.afterFeedForward()),
        packer.stack(parts.queryKeyValue(index)),
        bias(
            List.of(weights.query(), weights.key(), weights.value()),
            List.of(shape.queries(index), shape.keys(index), shape.keys(index))),
        headNorm(weights.queryNorm(), index, shape.queries(index)),
        headNorm(weights.keyNorm(), index, shape.keys(index)),
        shape.headEpsilon(index),
        packer.vector(
            rope == null ? new float[1] : frequencies(rope, shape.model().stretchedBeyond())),
        packer.stack(parts.output(index)),
        bias(List.of(weights.output()), List.of(shape.hidden())),
        feedForward(weights.feedForward()),
        mirror.halves(cache),
        mirror.halves(cache));
  }

  /** The usual frequencies, and behind them those of stretched sequences. */
  private static float[] frequencies(RopeSpec rope, int stretchedBeyond) {
    float[] usual = rope.frequencies(stretchedBeyond);
    if (stretchedBeyond == 0) {
      return usual;
    }
    float[] stretched = rope.frequencies(stretchedBeyond + 1);
    float[] both = Arrays.copyOf(usual, usual.length + stretched.length);
    System.arraycopy(stretched, 0, both, usual.length, stretched.length);
    return both;
  }

  private static float[] norm(float[] weights, Extent extent) {
    return extent.spread(weights, DeviceShape.normFactor(extent));
  }

  private @Nullable FloatArray hiddenNorm(float @Nullable [] weights) {
    return weights == null ? null : packer.vector(norm(weights, shape.hidden()));
  }

  /** The weights of a norm over one head, or over all of them. */
  private @Nullable FloatArray headNorm(float @Nullable [] weights, int layer, Extent heads) {
    if (weights == null) {
      return null;
    }
    boolean single = shape.model().layers().get(layer).attention().norm() != WHOLE_ROW;
    return packer.vector(norm(weights, single ? shape.head(layer) : heads));
  }

  /** The biases one after the other, zeros where one has none; null where none has. */
  private @Nullable FloatArray bias(List<Projection> projections, List<Extent> extents) {
    if (projections.stream().allMatch(projection -> projection.bias() == null)) {
      return null;
    }
    float[] all = new float[extents.stream().mapToInt(Extent::total).sum()];
    int at = 0;
    for (int p = 0; p < projections.size(); p++) {
      Extent extent = extents.get(p);
      float[] bias = projections.get(p).bias();
      if (bias != null) {
        System.arraycopy(extent.spread(bias, 1), 0, all, at, extent.total());
      }
      at += extent.total();
    }
    return packer.vector(all);
  }

  private DeviceLayer.FeedForward feedForward(FeedForwardWeights weights) {
    return switch (weights) {
      case FeedForwardWeights.Dense dense -> dense(dense);
      case FeedForwardWeights.Experts experts -> {
        FeedForwardWeights.Dense shared = experts.shared();
        Tensor sharedGate = experts.sharedGate();
        yield new DeviceLayer.FeedForward.Experts(
            packer.floats(parts.router(experts)),
            packer.interleaveEach(parts.gatesAndUps(experts)),
            packer.stackEach(parts.downs(experts)),
            shared == null ? null : dense(shared),
            sharedGate == null
                ? null
                : packer.vector(shape.hidden().spread(sharedGate.toFloats(), 1)));
      }
    };
  }

  private DeviceLayer.FeedForward.Dense dense(FeedForwardWeights.Dense dense) {
    List<MatrixPart> gateUp = parts.gateUp(dense);
    FloatArray bias =
        bias(List.of(dense.gate(), dense.up()), gateUp.stream().map(MatrixPart::rows).toList());
    DeviceMatrix interleaved = bias == null ? packer.interleave(gateUp) : null;
    return new DeviceLayer.FeedForward.Dense(
        interleaved == null ? packer.stack(gateUp) : interleaved,
        interleaved != null,
        bias,
        packer.stack(parts.down(dense)),
        bias(List.of(dense.down()), List.of(shape.hidden())));
  }

  /** All that is packed on the device. */
  List<TilePack> packs() {
    return batches.stream().flatMap(batch -> batch.packs().stream()).toList();
  }

  /** Bytes of all weights on the device. */
  long bytes() {
    return batches.stream()
        .flatMap(batch -> batch.arrays().stream())
        .mapToLong(TornadoNativeArray::getNumBytesOfSegmentWithHeader)
        .sum();
  }

  /** What was converted and filled up, for people; empty if nothing was. */
  String conversions() {
    StringBuilder text = new StringBuilder();
    packer
        .converted()
        .forEach(
            (type, elements) ->
                text.append(
                    type == TensorType.BF16
                        ? ", %s of BF16 as F16, whose range they keep to"
                            .formatted(DeviceMemory.mebibytes(2 * elements))
                        : ", %s of %s converted to %s of F16"
                            .formatted(
                                DeviceMemory.mebibytes(type.bytesFor(elements)),
                                type,
                                DeviceMemory.mebibytes(2 * elements))));
    return text + shape.padding();
  }
}
