package dev.quire.engine.tornado;

import dev.quire.engine.model.DecoderModel;
import dev.quire.engine.model.FeedForwardWeights;
import dev.quire.engine.model.LayerWeights;
import dev.quire.kernels.WeightTiles;
import dev.quire.weights.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Which tensors of a model form each matrix of the device, and the memory that they take there. */
record ModelParts(DecoderModel model, DeviceShape shape) {
  List<MatrixPart> embedding() {
    return vocabulary(model.embedding());
  }

  List<MatrixPart> head() {
    return vocabulary(model.head());
  }

  /** Whether the head is not the embedding. */
  @SuppressWarnings("ReferenceEquality") // a tied head is the embedding itself
  boolean ownHead() {
    return model.head() != model.embedding();
  }

  private List<MatrixPart> vocabulary(Tensor tensor) {
    return List.of(new MatrixPart(tensor, Extent.whole(tensor.rows()), shape.hidden()));
  }

  /** The three projections of a layer, one above the other. */
  List<MatrixPart> queryKeyValue(int layer) {
    LayerWeights weights = model.layers().get(layer);
    Extent keys = shape.keys(layer);
    return List.of(
        new MatrixPart(weights.query().weight(), shape.queries(layer), shape.hidden()),
        new MatrixPart(weights.key().weight(), keys, shape.hidden()),
        new MatrixPart(weights.value().weight(), keys, shape.hidden()));
  }

  List<MatrixPart> output(int layer) {
    Tensor output = model.layers().get(layer).output().weight();
    return List.of(new MatrixPart(output, shape.hidden(), shape.queries(layer)));
  }

  /** The network's first half, gate above up. */
  List<MatrixPart> gateUp(FeedForwardWeights.Dense dense) {
    return List.of(first(dense.gate().weight()), first(dense.up().weight()));
  }

  private MatrixPart first(Tensor tensor) {
    return new MatrixPart(tensor, DeviceShape.inner(tensor.rows()), shape.hidden());
  }

  List<MatrixPart> down(FeedForwardWeights.Dense dense) {
    Tensor down = dense.down().weight();
    return List.of(new MatrixPart(down, shape.hidden(), DeviceShape.inner(down.columns())));
  }

  MatrixPart router(FeedForwardWeights.Experts experts) {
    return vocabulary(experts.router()).getFirst();
  }

  /** All experts' first halves, each gate above up. */
  List<MatrixPart> gatesAndUps(FeedForwardWeights.Experts experts) {
    return experts.experts().stream().flatMap(expert -> gateUp(expert).stream()).toList();
  }

  /** All experts' second halves. */
  List<MatrixPart> downs(FeedForwardWeights.Experts experts) {
    return experts.experts().stream().flatMap(expert -> down(expert).stream()).toList();
  }

  /** Bytes of all matrices on the device, before anything is made. */
  long bytes() {
    long bytes = WeightPacker.bytes(head());
    if (ownHead()) {
      bytes += WeightPacker.bytes(embedding());
    }
    bytes += ofLayers().mapToLong(WeightPacker::bytes).sum();
    for (LayerWeights layer : model.layers()) {
      if (layer.feedForward() instanceof FeedForwardWeights.Experts experts) {
        bytes += Float.BYTES * router(experts).elements();
        bytes += WeightPacker.bytes(gatesAndUps(experts)) + WeightPacker.bytes(downs(experts));
      }
    }
    return bytes;
  }

  /** The layers' matrices that every token passes. */
  private Stream<List<MatrixPart>> ofLayers() {
    List<List<MatrixPart>> all = new ArrayList<>();
    for (int i = 0; i < model.layers().size(); i++) {
      all.add(queryKeyValue(i));
      all.add(output(i));
      FeedForwardWeights.Dense dense = everyTokens(model.layers().get(i).feedForward());
      if (dense != null) {
        all.add(gateUp(dense));
        all.add(down(dense));
      }
    }
    return all.stream();
  }

  /** The network that every token passes, or null. */
  private static FeedForwardWeights.@Nullable Dense everyTokens(FeedForwardWeights weights) {
    return switch (weights) {
      case FeedForwardWeights.Dense dense -> dense;
      case FeedForwardWeights.Experts experts -> experts.shared();
    };
  }

  /**
   * Elements of the largest matrix that a step of many rows turns into halves first; 0 if none is.
   * The head, which few rows want, is read as it is.
   */
  long unpackedElements() {
    return ofLayers().mapToLong(ModelParts::unpackedElements).max().orElse(0);
  }

  private static long unpackedElements(List<MatrixPart> parts) {
    int outputs = parts.stream().mapToInt(part -> part.rows().total()).sum();
    return switch (WeightForm.of(parts)) {
      case HALVES, BRAINS -> 0;
      case BYTES, NIBBLES ->
          WeightTiles.elements(WeightPacker.padded(outputs), parts.getFirst().columns().total());
    };
  }

  /**
   * Gives the memory of a mapped model file's matrices back to the system, once the device has
   * them; whoever reads them again reads the file.
   */
  void unload(HostMirror mirror) {
    List<Tensor> all = new ArrayList<>(List.of(model.embedding(), model.head()));
    for (LayerWeights layer : model.layers()) {
      Stream.of(layer.query(), layer.key(), layer.value(), layer.output())
          .forEach(projection -> all.add(projection.weight()));
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
}
