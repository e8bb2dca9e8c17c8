package dev.quire.engine.tornado;

import dev.quire.engine.model.Activation;
import dev.quire.kernels.Activations;
import dev.quire.kernels.GeluMultiply;
import dev.quire.kernels.SiluMultiply;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Writes down dense feed-forward networks: gate and up, their activation, and down. */
final class FeedForwardTasks {
  private final KernelContext context;
  private final Scratch scratch;
  private final StepInputs inputs;
  private final Segments segments;
  private final ProductTasks products;
  private final int rows;
  private final int hidden;
  private final float epsilon;
  private final ResidualTasks residual;

  FeedForwardTasks(StepContext step, ResidualTasks residual) {
    this.context = step.context();
    this.scratch = step.scratch();
    this.inputs = step.inputs();
    this.segments = step.segments();
    this.products = step.products();
    this.rows = step.rows();
    this.hidden = step.spec().hiddenSize();
    this.epsilon = step.spec().normEpsilon();
    this.residual = residual;
  }

  /** Leaves the result where {@link ResidualTasks#join} takes it; says in how many parts. */
  ProductShape add(
      String id, DeviceLayer layer, DeviceLayer.FeedForward.Dense dense, ResidualTasks.Join join) {
    gateUp(id, layer, dense);
    boolean bias = dense.downBias() != null;
    ProductShape shape = residual.delta(id + "down", dense.down(), scratch.activated, join, bias);
    products.addBias(id + "downBias", inputs.counts, scratch.delta, dense.downBias(), hidden);
    return shape;
  }

  /** The activated elements between a network's two halves. */
  void gateUp(String id, DeviceLayer layer, DeviceLayer.FeedForward.Dense dense) {
    int inner = dense.down().inputs();
    if (residual.streamed()) {
      products.addNormedGated(
          id + "gateUp", dense.gateUp(), scratch.activated, activation(layer), epsilon);
      return;
    }
    if (dense.interleaved()) {
      products.addGated(
          id + "gateUp",
          inputs.counts,
          dense.gateUp(),
          scratch.normed,
          scratch.gateUp,
          scratch.activated,
          activation(layer));
      return;
    }
    products.add(
        id + "gateUp", inputs.counts, dense.gateUp(), scratch.normed, scratch.gateUp, 2 * inner);
    products.addBias(
        id + "gateUpBias", inputs.counts, scratch.gateUp, dense.gateUpBias(), 2 * inner);
    activate(id + "activate", layer, inputs.counts, rows, inner);
  }

  void activate(String id, DeviceLayer layer, IntArray counts, int most, int inner) {
    Activation activation = layer.spec().feedForward().activation();
    segments.add(
        id,
        5,
        SiluMultiply.grid(most, inner),
        g ->
            switch (activation) {
              case SILU ->
                  g.task(
                      id,
                      SiluMultiply::apply,
                      context,
                      counts,
                      scratch.gateUp,
                      scratch.activated,
                      inner);
              case GELU_TANH ->
                  g.task(
                      id,
                      GeluMultiply::apply,
                      context,
                      counts,
                      scratch.gateUp,
                      scratch.activated,
                      inner);
              case GELU ->
                  g.task(
                      id,
                      GeluMultiply::applyExact,
                      context,
                      counts,
                      scratch.gateUp,
                      scratch.activated,
                      inner);
            },
        counts);
  }

  /** The activation of a layer, as {@link Activations} names it. */
  static int activation(DeviceLayer layer) {
    return switch (layer.spec().feedForward().activation()) {
      case SILU -> Activations.SILU;
      case GELU_TANH -> Activations.GELU;
      case GELU -> Activations.EXACT_GELU;
    };
  }
}
