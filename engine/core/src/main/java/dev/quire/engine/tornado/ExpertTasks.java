package dev.quire.engine.tornado;

import dev.quire.engine.model.FeedForwardSpec;
import dev.quire.kernels.Experts;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;

/**
 * Writes down feed-forward networks of experts: the routing, the chosen experts, and their mixture.
 */
final class ExpertTasks {
  private final KernelContext context;
  private final Scratch scratch;
  private final StepInputs inputs;
  private final Segments segments;
  private final ProductTasks products;
  private final int rows;
  private final int hidden;
  private final FeedForwardTasks dense;

  ExpertTasks(StepContext step, FeedForwardTasks dense) {
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
    int stride = experts.router().outputs();
    products.add(
        id + "router", inputs.counts, experts.router(), scratch.normed, scratch.routing, stride);
    segments.add(
        id + "route",
        9,
        Experts.routeGrid(rows),
        g ->
            g.task(
                id + "route",
                Experts::route,
                context,
                inputs.counts,
                scratch.routing,
                scratch.chosen,
                scratch.shares,
                count,
                stride,
                used,
                normalised),
        inputs.counts);
    expertProduct(
        id + "gateUp",
        experts.gateUp(),
        scratch.normed,
        scratch.gateUp,
        2 * inner,
        hidden,
        used,
        used);
    dense.activate(id + "activate", layer, inputs.pairCounts, rows * used, inner);
    expertProduct(
        id + "down", experts.down(), scratch.activated, scratch.parts, hidden, inner, 1, used);
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

  private void expertProduct(
      String id,
      HalfFloatArray matrices,
      HalfFloatArray x,
      FloatArray out,
      int outputs,
      int width,
      int perRow,
      int used) {
    segments.add(
        id,
        9,
        Experts.grid(rows * used, outputs),
        g ->
            g.task(
                id,
                Experts::multiply,
                context,
                inputs.pairCounts,
                scratch.chosen,
                matrices,
                x,
                out,
                outputs,
                width,
                perRow),
        inputs.pairCounts);
  }
}
