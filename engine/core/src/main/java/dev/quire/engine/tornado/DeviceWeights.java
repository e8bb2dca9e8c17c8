package dev.quire.engine.tornado;

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
import java.util.Arrays;
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
        packer.vector(rope == null ? new float[1] : frequencies(rope, spec.stretchedBeyond())),
        packer.stack(List.of(weights.output().weight())),
        vector(weights.output().bias()),
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
      case FeedForwardWeights.Dense dense -> dense(dense);
      case FeedForwardWeights.Experts experts -> {
        FeedForwardWeights.Dense shared = experts.shared();
        Tensor sharedGate = experts.sharedGate();
        yield new DeviceLayer.FeedForward.Experts(
            packer.stack(List.of(experts.router())),
            halves(gatesAndUps(experts)),
            halves(downs(experts)),
            shared == null ? null : dense(shared),
            sharedGate == null ? null : packer.vector(sharedGate.toFloats()));
      }
    };
  }

  private DeviceLayer.FeedForward.Dense dense(FeedForwardWeights.Dense dense) {
    Tensor gate = dense.gate().weight();
    Tensor up = dense.up().weight();
    FloatArray bias = bias(List.of(dense.gate(), dense.up()));
    DeviceMatrix interleaved = bias == null ? packer.interleave(gate, up) : null;
    return new DeviceLayer.FeedForward.Dense(
        interleaved == null ? packer.stack(List.of(gate, up)) : interleaved,
        interleaved != null,
        bias,
        packer.stack(List.of(dense.down().weight())),
        bias(List.of(dense.down())));
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
        case FeedForwardWeights.Dense dense -> bytes += bytes(dense);
        case FeedForwardWeights.Experts experts -> {
          for (FeedForwardWeights.Dense expert : experts.experts()) {
            bytes += 6 * expert.gate().weight().elements();
          }
          FeedForwardWeights.Dense shared = experts.shared();
          if (shared != null) {
            bytes += bytes(shared);
          }
        }
      }
    }
    return bytes;
  }

  /**
   * Gives the memory of a mapped model file's matrices back to the system, once the device has
   * them; whoever reads them again reads the file.
   */
  static void unload(DecoderModel model, HostMirror mirror) {
    List<Tensor> all = new ArrayList<>(List.of(model.embedding(), model.head()));
    for (LayerWeights layer : model.layers()) {
      all.addAll(queryKeyValue(layer));
      all.add(layer.output().weight());
      List<FeedForwardWeights.Dense> parts =
          switch (layer.feedForward()) {
            case FeedForwardWeights.Dense dense -> List.of(dense);
            case FeedForwardWeights.Experts experts -> experts.experts();
          };
      for (FeedForwardWeights.Dense part : parts) {
        all.addAll(List.of(part.gate().weight(), part.up().weight(), part.down().weight()));
      }
    }
    FileMappings mappings = FileMappings.now();
    for (Tensor tensor : all) {
      if (mappings.hold(tensor.data())) {
        mirror.releaseFile(tensor.data());
      }
    }
  }

  private static long bytes(FeedForwardWeights.Dense dense) {
    return WeightPacker.bytes(List.of(dense.gate().weight(), dense.up().weight()))
        + WeightPacker.bytes(List.of(dense.down().weight()));
  }

  /** Elements of the largest matrix that a step of many rows turns into halves; 0 if none is. */
  static long unpackedElements(DecoderModel model) {
    long most = unpackedElements(List.of(model.head()), false);
    for (LayerWeights layer : model.layers()) {
      most = Math.max(most, unpackedElements(queryKeyValue(layer), true));
      most = Math.max(most, unpackedElements(List.of(layer.output().weight()), true));
      FeedForwardWeights.Dense dense = everyTokens(layer.feedForward());
      if (dense != null) {
        Tensor gate = dense.gate().weight();
        most = Math.max(most, unpackedElements(List.of(gate, dense.up().weight()), true));
        most = Math.max(most, unpackedElements(List.of(dense.down().weight()), true));
      }
      if (layer.feedForward() instanceof FeedForwardWeights.Experts experts) {
        most = Math.max(most, unpackedElements(List.of(experts.router()), true));
      }
    }
    return most;
  }

  /** The network that every token passes, or null. */
  private static FeedForwardWeights.@Nullable Dense everyTokens(FeedForwardWeights weights) {
    return switch (weights) {
      case FeedForwardWeights.Dense dense -> dense;
      case FeedForwardWeights.Experts experts -> experts.shared();
    };
  }

  /**
   * @param bytesToo whether matrices in bytes are turned into halves as well
   */
  private static long unpackedElements(List<Tensor> parts, boolean bytesToo) {
    WeightForm form = WeightForm.of(parts);
    int outputs = parts.stream().mapToInt(Tensor::rows).sum();
    return form == WeightForm.NIBBLES || form == WeightForm.BYTES && bytesToo
        ? WeightTiles.elements(WeightPacker.padded(outputs), parts.getFirst().columns())
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
