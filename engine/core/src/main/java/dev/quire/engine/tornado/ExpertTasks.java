package dev.quire.engine.tornado;

import dev.quire.engine.model.FeedForwardSpec;
import dev.quire.kernels.Activations;
import dev.quire.kernels.ExpertProduct;
import dev.quire.kernels.ExpertProductQ4;
import dev.quire.kernels.ExpertProductQ8;
import dev.quire.kernels.Experts;
import dev.quire.kernels.Router;
import dev.quire.kernels.Rows;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;

/**
 * Writes down feed-forward networks of experts: the routing, the chosen experts, and their mixture.
 */
final class ExpertTasks {
  private final StepContext step;
  private final KernelContext context;
  private final Scratch scratch;
  private final StepInputs inputs;
  private final Segments segments;
  private final ProductTasks products;
  private final int rows;
  private final int hidden;
  private final FeedForwardTasks dense;

  ExpertTasks(StepContext step, FeedForwardTasks dense) {
    this.step = step;
    this.context = step.context();
    this.scratch = step.scratch();
    this.inputs = step.inputs();
    this.segments = step.segments();
    this.products = step.products();
    this.rows = step.rows();
    this.hidden = step.spec().hiddenSize();
    this.dense = dense;
  }

  /** Leaves the result, in one part, where {@link ResidualTasks#join} takes it. */
  void add(String id, DeviceLayer layer, DeviceLayer.FeedForward.Experts experts) {
    FeedForwardSpec.Experts shape = (FeedForwardSpec.Experts) layer.spec().feedForward();
    int count = shape.count();
    int used = shape.used();
    int inner = shape.innerSize();
    int normalised = shape.normalised() ? 1 : 0;
    FloatArray norm = layer.beforeFeedForward();
    FloatArray weights = norm == null ? experts.router() : norm;
    int norms = norm == null ? 0 : 1;
    float epsilon = step.spec().normEpsilon();
    segments.add(
        id + "router",
        10,
        Router.logitsGrid(rows, count),
        g ->
            g.task(
                id + "router",
                Router::logits,
                context,
                inputs.counts,
                scratch.residual,
                weights,
                experts.router(),
                scratch.routing,
                count,
                hidden,
                epsilon,
                norms),
        inputs.counts);
    segments.add(
        id + "route",
        8,
        Router.routeGrid(rows),
        g ->
            g.task(
                id + "route",
                Router::route,
                context,
                inputs.counts,
                scratch.routing,
                scratch.chosen,
                scratch.shares,
                count,
                used,
                normalised),
        inputs.counts);
    product(
        id + "gateUp",
        experts.gateUp(),
        scratch.normed,
        2 * inner,
        used,
        used,
        FeedForwardTasks.activation(layer));
    convert(id + "convert", experts, inner, used);
    product(id + "down", experts.down(), scratch.activated, hidden, 1, used, Activations.NONE);
    segments.add(
        id + "mix",
        7,
        Experts.combineGrid(rows),
        g ->
            g.task(
                id + "mix",
                Experts::combine,
                context,
                inputs.counts,
                scratch.shares,
                scratch.parts,
                scratch.delta,
                used,
                hidden),
        inputs.counts);
    DeviceLayer.FeedForward.Dense shared = experts.shared();
    FloatArray sharedGate = experts.sharedGate();
    if (shared != null && sharedGate != null) {
      shared(id + "shared", layer, shared, sharedGate);
    }
  }

  /** Where a file has one of the two matrices in halves and the other not. */
  private void convert(String id, DeviceLayer.FeedForward.Experts experts, int inner, int used) {
    boolean floats = experts.gateUp() instanceof DeviceMatrix.Halves;
    if (floats == experts.down() instanceof DeviceMatrix.Halves) {
      return;
    }
    segments.add(
        id,
        5,
        Rows.grid(rows * used),
        g ->
            floats
                ? g.task(
                    id,
                    Rows::toHalf,
                    context,
                    inputs.pairCounts,
                    scratch.gated,
                    scratch.activated,
                    inner)
                : g.task(
                    id,
                    Rows::toFloat,
                    context,
                    inputs.pairCounts,
                    scratch.activated,
                    scratch.gated,
                    inner),
        inputs.pairCounts);
  }

  /** The network that every token passes, beside the experts of its own. */
  private void shared(
      String id, DeviceLayer layer, DeviceLayer.FeedForward.Dense shared, FloatArray gate) {
    dense.gateUp(id, layer, shared);
    products.add(
        id + "down", inputs.counts, shared.down(), scratch.activated, scratch.parts, hidden);
    segments.add(
        id + "add",
        7,
        Experts.combineGrid(rows),
        g ->
            g.task(
                id + "add",
                Experts::addShared,
                context,
                inputs.counts,
                scratch.normed,
                gate,
                scratch.parts,
                scratch.delta,
                hidden),
        inputs.counts);
  }

  /**
   * The chosen experts' products: sums to {@link Scratch#parts}, activated elements where the next
   * product takes them; of experts in halves that is {@link Scratch#gated}.
   *
   * @param outputs of an expert
   * @param perRow pairs that share a row of x
   */
  private void product(
      String id,
      DeviceMatrix matrix,
      HalfFloatArray x,
      int outputs,
      int perRow,
      int used,
      int activation) {
    int width = matrix.inputs();
    WorkerGrid grid = ExpertProduct.grid(rows * used, outputs, activation);
    switch (matrix) {
      case DeviceMatrix.Halves halves ->
          segments.add(
              id,
              11,
              grid,
              g ->
                  g.task(
                      id,
                      ExpertProduct::multiply,
                      context,
                      inputs.pairCounts,
                      scratch.chosen,
                      halves.weights(),
                      x,
                      scratch.parts,
                      scratch.gated,
                      outputs,
                      width,
                      perRow,
                      activation),
              inputs.pairCounts);
      case DeviceMatrix.Quants quants ->
          segments.add(
              id,
              12,
              grid,
              g ->
                  g.task(
                      id,
                      ExpertProductQ8::multiply,
                      context,
                      inputs.pairCounts,
                      scratch.chosen,
                      quants.quants(),
                      quants.scales(),
                      x,
                      scratch.parts,
                      scratch.activated,
                      outputs,
                      width,
                      perRow,
                      activation),
              inputs.pairCounts);
      case DeviceMatrix.Nibbles nibbles ->
          segments.add(
              id,
              12,
              grid,
              g ->
                  g.task(
                      id,
                      ExpertProductQ4::multiply,
                      context,
                      inputs.pairCounts,
                      scratch.chosen,
                      nibbles.nibbles(),
                      nibbles.steps(),
                      x,
                      scratch.parts,
                      scratch.activated,
                      outputs,
                      width,
                      perRow,
                      activation),
              inputs.pairCounts);
      case DeviceMatrix.Brains _ -> throw new IllegalArgumentException(id);
    }
  }
}
