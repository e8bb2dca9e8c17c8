package dev.quire.engine.tornado;

import dev.quire.engine.model.DecoderSpec;
import dev.quire.kernels.PartSums;
import dev.quire.kernels.ResidualStream;
import dev.quire.kernels.RmsNorm;
import dev.quire.kernels.Rows;
import dev.quire.kernels.SandwichNorm;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;

/** Writes down what joins the parts of a layer: norms, and sums into the residual stream. */
final class ResidualTasks {
  /**
   * How a part's result comes to the residual stream.
   *
   * @param after what normalises the result first, or null
   * @param more whether a part follows
   * @param before what normalises that part's input, or null
   */
  record Join(@Nullable FloatArray after, boolean more, @Nullable FloatArray before) {}

  private final KernelContext context;
  private final DecoderSpec spec;
  private final Scratch scratch;
  private final StepInputs inputs;
  private final Segments segments;
  private final ProductTasks products;
  private final int rows;
  private final int hidden;
  private final boolean streamed;
  private final FloatArray finalNorm;

  /**
   * @param streamed whether products read the stream normalised and add to it themselves
   * @param finalNorm of the head, which reads the stream after the last layer
   */
  ResidualTasks(StepContext step, boolean streamed, FloatArray finalNorm) {
    this.context = step.context();
    this.spec = step.spec();
    this.scratch = step.scratch();
    this.inputs = step.inputs();
    this.segments = step.segments();
    this.products = step.products();
    this.rows = step.rows();
    this.hidden = step.spec().hiddenSize();
    this.streamed = streamed;
    this.finalNorm = finalNorm;
  }

  /** Whether products read the stream normalised and add to it themselves. */
  boolean streamed() {
    return streamed;
  }

  /** Whether a result is only added before the next norm: then its sums may come in parts. */
  boolean plain(Join join) {
    return join.after() == null && spec.residualScale() == 1 && join.before() != null;
  }

  /**
   * A product whose result goes to the residual stream.
   *
   * @param join how
   * @param bias whether something is added to it first
   */
  ProductShape delta(String id, DeviceMatrix matrix, HalfFloatArray x, Join join, boolean bias) {
    if (streamed) {
      FloatArray next = join.before();
      products.addToStream(id, matrix, x, next == null ? finalNorm : next);
      return ProductShape.WHOLE;
    }
    if (plain(join) && !bias) {
      return products.addParts(id, inputs.counts, matrix, x, scratch.delta, hidden);
    }
    products.add(id, inputs.counts, matrix, x, scratch.delta, hidden);
    return ProductShape.WHOLE;
  }

  /** A part's input: the residual stream, normalised or as it is, in halves. */
  void prepare(String id, @Nullable FloatArray norm) {
    if (streamed && norm != null) {
      segments.add(
          id + "Weigh",
          6,
          ResidualStream.grid(hidden),
          g ->
              g.task(
                  id + "Weigh",
                  ResidualStream::weigh,
                  context,
                  scratch.residual,
                  norm,
                  scratch.weighted,
                  scratch.squares,
                  hidden));
      return;
    }
    if (norm == null) {
      segments.add(
          id + "Round",
          5,
          Rows.grid(rows),
          g ->
              g.task(
                  id + "Round",
                  Rows::toHalf,
                  context,
                  inputs.counts,
                  scratch.residual,
                  scratch.normed,
                  hidden),
          inputs.counts);
      return;
    }
    float epsilon = spec.normEpsilon();
    segments.add(
        id + "Norm",
        7,
        RmsNorm.grid(rows),
        g ->
            g.task(
                id + "Norm",
                RmsNorm::normalizeRows,
                context,
                inputs.counts,
                scratch.residual,
                norm,
                scratch.normed,
                hidden,
                epsilon),
        inputs.counts);
  }

  /**
   * Adds a part's result to the residual stream and prepares the next part's input.
   *
   * @param result of the product that computed it
   */
  void join(String id, Join join, ProductShape result) {
    if (streamed) {
      return;
    }
    FloatArray after = join.after();
    FloatArray before = join.before();
    float epsilon = spec.normEpsilon();
    float factor = spec.residualScale();
    if (result.splits() > 1 && before != null) {
      int splits = result.splits();
      int partRows = result.partRows();
      segments.add(
          id + "AddNorm",
          10,
          PartSums.normGrid(rows),
          g ->
              g.task(
                  id + "AddNorm",
                  PartSums::addNormalize,
                  context,
                  inputs.counts,
                  scratch.residual,
                  scratch.partSums,
                  before,
                  scratch.normed,
                  hidden,
                  epsilon,
                  splits,
                  partRows),
          inputs.counts);
      return;
    }
    if (after == null && factor == 1 && before != null) {
      segments.add(
          id + "AddNorm",
          8,
          RmsNorm.grid(rows),
          g ->
              g.task(
                  id + "AddNorm",
                  RmsNorm::addNormalize,
                  context,
                  inputs.counts,
                  scratch.residual,
                  scratch.delta,
                  before,
                  scratch.normed,
                  hidden,
                  epsilon),
          inputs.counts);
      return;
    }
    if (after == null) {
      segments.add(
          id + "Add",
          6,
          SandwichNorm.grid(rows),
          g ->
              g.task(
                  id + "Add",
                  SandwichNorm::scaleAndAdd,
                  context,
                  inputs.counts,
                  scratch.residual,
                  scratch.delta,
                  hidden,
                  factor),
          inputs.counts);
    } else {
      segments.add(
          id + "NormAdd",
          8,
          SandwichNorm.grid(rows),
          g ->
              g.task(
                  id + "NormAdd",
                  SandwichNorm::normalizeAndAdd,
                  context,
                  inputs.counts,
                  scratch.residual,
                  scratch.delta,
                  after,
                  hidden,
                  epsilon,
                  factor),
          inputs.counts);
    }
    if (join.more()) {
      prepare(id, before);
    }
  }
}
