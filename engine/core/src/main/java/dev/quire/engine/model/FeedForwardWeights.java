package dev.quire.engine.model;

import dev.quire.weights.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The weights of a {@link FeedForwardSpec}. */
public sealed interface FeedForwardWeights {

  /**
   * {@code gate} and {@code up}: {@code [inner, hidden]}; {@code down}: {@code [hidden, inner]}.
   */
  record Dense(Projection gate, Projection up, Projection down) implements FeedForwardWeights {}

  /**
   * @param router {@code [experts, hidden]}
   * @param shared the network that every token passes, or null
   * @param sharedGate {@code [1, hidden]}, present with {@code shared}
   */
  record Experts(
      Tensor router, List<Dense> experts, @Nullable Dense shared, @Nullable Tensor sharedGate)
      implements FeedForwardWeights {}
}
