package dev.quire.engine.model;

/** A layer's feed-forward part: {@code down(activation(gate(x)) ⊙ up(x))}, once or by experts. */
public sealed interface FeedForwardSpec {

  Activation activation();

  /**
   * One such network.
   *
   * @param innerSize elements between up and down
   * @param bias whether the three projections have biases
   */
  record Dense(int innerSize, Activation activation, boolean bias) implements FeedForwardSpec {}

  /**
   * A mixture: a router picks {@code used} of {@code count} networks for each token by the softmax
   * of its outputs, which also weighs their results.
   *
   * @param innerSize of each expert
   * @param normalised whether the weights of those picked are scaled to sum to one
   * @param sharedInnerSize of a network that every token passes, its result weighed by a sigmoid
   *     gate; 0: none
   */
  record Experts(
      int count,
      int used,
      int innerSize,
      boolean normalised,
      int sharedInnerSize,
      Activation activation)
      implements FeedForwardSpec {}
}
