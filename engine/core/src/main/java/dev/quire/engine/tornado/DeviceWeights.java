package dev.quire.engine.tornado;

import dev.quire.engine.QuireException;
import dev.quire.engine.model.DecoderModel;
import dev.quire.engine.model.DecoderSpec;
import dev.quire.engine.model.FeedForwardWeights;
import dev.quire.engine.model.LayerSpec;
import dev.quire.engine.model.LayerWeights;
import dev.quire.engine.model.Projection;
import dev.quire.engine.model.RopeSpec;
import dev.quire.kernels.WeightTiles;
import dev.quire.weights.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** A model's weights as arrays of the device, and how they are filled, a batch at a time. */
final class DeviceWeights {
  /**
   * Arrays that are filled and sent together.
   *
   * @param fills fill the arrays on the host
   */
  record Batch(List<Runnable> fills, List<TornadoNativeArray> arrays) {}

  final DeviceMatrix embedding;
  final DeviceMatrix head;
  final FloatArray finalNorm;
  final List<DeviceLayer> layers = new ArrayList<>();
  final List<Batch> batches = new ArrayList<>();

  private final DecoderSpec spec;
  private final WeightPacker packer;

  DeviceWeights(DecoderModel model, TornadoOptions options, HostMirror mirror) {
    this.spec = model.spec();
    this.packer = new WeightPacker(mirror);
    this.embedding = packer.stack(List.of(model.embedding()));
    this.head = model.head() == model.embedding() ? embedding : packer.stack(List.of(model.head()));
    this.finalNorm = packer.vector(model.finalNorm());
    List<TornadoNativeArray> ends = new ArrayList<>(embedding.arrays());
    if (head != embedding) {
      ends.addAll(head.arrays());
    }
    ends.add(finalNorm);
    batches.add(new Batch(packer.takeFills(), ends));
    for (int i = 0; i < spec.layers().size(); i++) {
      DeviceLayer layer = layer(spec.layers().get(i), model.layers().get(i), options, mirror);
      layers.add(layer);
      batches.add(new Batch(packer.takeFills(), layer.weights()));
    }
  }

  private DeviceLayer layer(
      LayerSpec layer, LayerWeights weights, TornadoOptions options, HostMirror mirror) {
    long cache =
        (long) options.blocksPerGroup().get(layer.cacheGroup())
            * options.blockSize()
            * layer.attention().kvSize();
    RopeSpec rope = layer.attention().rope();
    return new DeviceLayer(
        layer,
        vector(weights.beforeAttention()),
        vector(weights.afterAttention()),
        vector(weights.beforeFeedForward()),
        vector(weights.afterFeedForward()),
        packer.stack(queryKeyValue(weights)),
        bias(List.of(weights.query(), weights.key(), weights.value())),
        vector(weights.queryNorm()),
        vector(weights.keyNorm()),
        packer.vector(rope == null ? new float[1] : frequencies(rope, options.maxLength())),
        packer.stack(List.of(weights.output().weight())),
        vector(weights.output().bias()),
        feedForward(weights.feedForward()),
        mirror.halves(cache),
        mirror.halves(cache));
  }

  /** The kernels rotate all sequences by the same frequencies. */
  private static float[] frequencies(RopeSpec rope, int maxLength) {
    int most = rope.stretchedBeyond();
    if (most > 0 && maxLength > most) {
      throw QuireException.invalid(
          "LongRoPE beyond %d tokens is not among this device's kernels; a context of at most %d tokens (-c %d) or the device cpu will do"
              .formatted(most, most, most));
    }
    return rope.frequencies(maxLength);
  }

  private static List<Tensor> queryKeyValue(LayerWeights weights) {
    return List.of(weights.query().weight(), weights.key().weight(), weights.value().weight());
  }

  private @Nullable FloatArray vector(float @Nullable [] values) {
    return values == null ? null : packer.vector(values);
  }

  /** The biases one after the other, zeros where one has none; null where none has. */
  private @Nullable FloatArray bias(List<Projection> projections) {
    if (projections.stream().allMatch(projection -> projection.bias() == null)) {
      return null;
    }
    float[] all = new float[projections.stream().mapToInt(p -> p.weight().rows()).sum()];
    int at = 0;
    for (Projection projection : projections) {
      float[] bias = projection.bias();
      if (bias != null) {
        System.arraycopy(bias, 0, all, at, bias.length);
      }
      at += projection.weight().rows();
    }
    return packer.vector(all);
  }

  private DeviceLayer.FeedForward feedForward(FeedForwardWeights weights) {
    return switch (weights) {
      case FeedForwardWeights.Dense dense -> {
        Tensor gate = dense.gate().weight();
        Tensor up = dense.up().weight();
        DeviceMatrix interleaved = packer.interleave(gate, up);
        yield new DeviceLayer.FeedForward.Dense(
            interleaved == null ? packer.stack(List.of(gate, up)) : interleaved,
            interleaved != null,
            packer.stack(List.of(dense.down().weight())));
      }
      case FeedForwardWeights.Experts experts ->
          new DeviceLayer.FeedForward.Experts(
              packer.stack(List.of(experts.router())),
              halves(gatesAndUps(experts)),
              halves(downs(experts)));
    };
  }

  private HalfFloatArray halves(List<Tensor> parts) {
    return packer.halves(parts, parts.stream().mapToLong(Tensor::elements).sum());
  }

  private static List<Tensor> gatesAndUps(FeedForwardWeights.Experts experts) {
    List<Tensor> all = new ArrayList<>();
    for (FeedForwardWeights.Dense expert : experts.experts()) {
      all.add(expert.gate().weight());
      all.add(expert.up().weight());
    }
    return all;
  }

  private static List<Tensor> downs(FeedForwardWeights.Experts experts) {
    return experts.experts().stream().map(expert -> expert.down().weight()).toList();
  }

  /** Bytes of all weights on the device. */
  long bytes() {
    return batches.stream()
        .flatMap(batch -> batch.arrays().stream())
        .mapToLong(TornadoNativeArray::getNumBytesOfSegmentWithHeader)
        .sum();
  }

  /** Bytes that the matrices of a model will take on the device, before anything is made. */
  static long bytes(DecoderModel model) {
    long bytes = WeightPacker.bytes(List.of(model.embedding()));
    if (model.head() != model.embedding()) {
      bytes += WeightPacker.bytes(List.of(model.head()));
    }
    for (LayerWeights layer : model.layers()) {
      bytes += WeightPacker.bytes(queryKeyValue(layer));
      bytes += WeightPacker.bytes(List.of(layer.output().weight()));
      switch (layer.feedForward()) {
        case FeedForwardWeights.Dense dense -> {
          bytes += WeightPacker.bytes(List.of(dense.gate().weight(), dense.up().weight()));
          bytes += WeightPacker.bytes(List.of(dense.down().weight()));
        }
        case FeedForwardWeights.Experts experts -> {
          for (FeedForwardWeights.Dense expert : experts.experts()) {
            bytes += 6 * expert.gate().weight().elements();
          }
        }
      }
    }
    return bytes;
  }

  /** Elements of the largest matrix of a layer that stays quantised; 0 if none does. */
  static long unpackedElements(DecoderModel model) {
    long most = 0;
    for (LayerWeights layer : model.layers()) {
      most = Math.max(most, unpackedElements(queryKeyValue(layer)));
      most = Math.max(most, unpackedElements(List.of(layer.output().weight())));
      if (layer.feedForward() instanceof FeedForwardWeights.Dense dense) {
        Tensor gate = dense.gate().weight();
        most = Math.max(most, unpackedElements(List.of(gate, dense.up().weight())));
        most = Math.max(most, unpackedElements(List.of(dense.down().weight())));
      }
    }
    return most;
  }

  private static long unpackedElements(List<Tensor> parts) {
    return WeightPacker.staysQuantised(parts)
        ? WeightTiles.elements(
            parts.stream().mapToInt(Tensor::rows).sum(), parts.getFirst().columns())
        : 0;
  }

  /** What was converted, for people; empty if nothing was. */
  String conversions() {
    return packer.converted().isEmpty()
        ? ""
        : ", %s converted to F16"
            .formatted(
                String.join(", ", packer.converted().stream().map(String::valueOf).toList()));
  }
}
