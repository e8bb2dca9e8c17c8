package dev.quire.engine.tornado;

import dev.quire.engine.model.DecoderSpec;
import dev.quire.kernels.Embedding;
import dev.quire.kernels.Rows;
import uk.ac.manchester.tornado.api.KernelContext;

/**
 * Writes down the kernels that gather the embeddings of a step's tokens into the residual stream.
 */
final class EmbeddingTasks {
  private final KernelContext context;
  private final DecoderSpec spec;
  private final Scratch scratch;
  private final StepInputs inputs;
  private final Segments segments;
  private final int rows;
  private final int hidden;
  private final DeviceWeights weights;

  EmbeddingTasks(StepContext step, DeviceWeights weights) {
    this.context = step.context();
    this.spec = step.spec();
    this.scratch = step.scratch();
    this.inputs = step.inputs();
    this.segments = step.segments();
    this.rows = step.rows();
    this.hidden = step.spec().hiddenSize();
    this.weights = weights;
  }

  /** Adds them, and the scale if the model has one. */
  void add() {
    switch (weights.embedding) {
      case DeviceMatrix.Halves halves ->
          segments.add(
              "embed",
              6,
              Embedding.grid(rows),
              g ->
                  g.task(
                      "embed",
                      Embedding::gather,
                      context,
                      inputs.counts,
                      inputs.tokens,
                      halves.weights(),
                      scratch.residual,
                      hidden),
              inputs.counts,
              inputs.tokens);
      case DeviceMatrix.Brains brains ->
          segments.add(
              "embed",
              7,
              Embedding.grid(rows),
              g ->
                  g.task(
                      "embed",
                      Embedding::gatherBf16,
                      context,
                      inputs.counts,
                      inputs.tokens,
                      brains.weights(),
                      brains.scales(),
                      scratch.residual,
                      hidden),
              inputs.counts,
              inputs.tokens);
      case DeviceMatrix.Quants quants ->
          segments.add(
              "embed",
              7,
              Embedding.grid(rows),
              g ->
                  g.task(
                      "embed",
                      Embedding::gatherQ8,
                      context,
                      inputs.counts,
                      inputs.tokens,
                      quants.quants(),
                      quants.scales(),
                      scratch.residual,
                      hidden),
              inputs.counts,
              inputs.tokens);
      case DeviceMatrix.Nibbles nibbles ->
          segments.add(
              "embed",
              7,
              Embedding.grid(rows),
              g ->
                  g.task(
                      "embed",
                      Embedding::gatherQ4,
                      context,
                      inputs.counts,
                      inputs.tokens,
                      nibbles.nibbles(),
                      nibbles.steps(),
                      scratch.residual,
                      hidden),
              inputs.counts,
              inputs.tokens);
    }
    float scale = spec.embeddingScale();
    if (scale != 1) {
      segments.add(
          "embedScale",
          5,
          Rows.grid(rows),
          g ->
              g.task(
                  "embedScale",
                  Rows::scale,
                  context,
                  inputs.counts,
                  scratch.residual,
                  hidden,
                  scale),
          inputs.counts);
    }
  }
}
