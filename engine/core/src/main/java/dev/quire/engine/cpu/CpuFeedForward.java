package dev.quire.engine.cpu;

import dev.quire.engine.cpu.math.Activation;
import dev.quire.engine.cpu.math.Matrix;
import dev.quire.engine.cpu.math.WeightPacking;
import dev.quire.engine.model.FeedForwardSpec;
import dev.quire.engine.model.FeedForwardWeights;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A layer's feed-forward part ready to run. */
sealed interface CpuFeedForward {

  /** The gated network; {@code gateUp} are the two matrices that share its input. */
  record Dense(
      FeedForwardWeights.Dense weights, List<Matrix> gateUp, Matrix down, Activation activation)
      implements CpuFeedForward {

    int innerSize() {
      return down.inputs();
    }

    static Dense of(
        FeedForwardWeights.Dense weights, Activation activation, WeightPacking packing) {
      return new Dense(
          weights,
          List.of(packing.of(weights.gate().weight()), packing.of(weights.up().weight())),
          packing.of(weights.down().weight()),
          activation);
    }
  }

  record Experts(
      FeedForwardSpec.Experts spec,
      Matrix router,
      List<Dense> networks,
      @Nullable Dense shared,
      @Nullable Matrix sharedGate)
      implements CpuFeedForward {}

  static CpuFeedForward of(
      FeedForwardSpec spec, FeedForwardWeights weights, WeightPacking packing) {
    Activation activation =
        switch (spec.activation()) {
          case SILU -> Activation.SILU;
          case GELU_TANH -> Activation.GELU_TANH;
          case GELU -> Activation.GELU;
        };
    if (spec instanceof FeedForwardSpec.Experts mixture
        && weights instanceof FeedForwardWeights.Experts experts) {
      FeedForwardWeights.Dense shared = experts.shared();
      return new Experts(
          mixture,
          packing.of(experts.router()),
          experts.experts().stream()
              .map(network -> Dense.of(network, activation, packing))
              .toList(),
          shared == null ? null : Dense.of(shared, activation, packing),
          experts.sharedGate() == null ? null : packing.of(experts.sharedGate()));
    }
    if (weights instanceof FeedForwardWeights.Dense dense) {
      return Dense.of(dense, activation, packing);
    }
    throw new IllegalArgumentException("weights of another kind than " + spec);
  }
}
