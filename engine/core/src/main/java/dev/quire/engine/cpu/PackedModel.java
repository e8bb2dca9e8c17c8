package dev.quire.engine.cpu;

import dev.quire.engine.cpu.math.WeightPacking;
import dev.quire.engine.model.DecoderModel;
import dev.quire.engine.model.FeedForwardWeights;
import dev.quire.engine.model.LayerWeights;

/** Which matrices of a model are worth laying out: all that every step multiplies by. */
final class PackedModel {
  private PackedModel() {}

  static void announce(DecoderModel model, WeightPacking packing) {
    for (LayerWeights layer : model.layers()) {
      packing.announce(layer.query().weight());
      packing.announce(layer.key().weight());
      packing.announce(layer.value().weight());
      packing.announce(layer.output().weight());
      switch (layer.feedForward()) {
        case FeedForwardWeights.Dense dense -> announce(dense, packing);
        case FeedForwardWeights.Experts experts -> {
          packing.announce(experts.router());
          experts.experts().forEach(expert -> announce(expert, packing));
          if (experts.shared() != null) {
            announce(experts.shared(), packing);
          }
          if (experts.sharedGate() != null) {
            packing.announce(experts.sharedGate());
          }
        }
      }
    }
    packing.announce(model.head());
  }

  private static void announce(FeedForwardWeights.Dense dense, WeightPacking packing) {
    packing.announce(dense.gate().weight());
    packing.announce(dense.up().weight());
    packing.announce(dense.down().weight());
  }
}
