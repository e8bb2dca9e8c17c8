package dev.quire.engine.tornado;

import dev.quire.engine.model.DecoderSpec;
import dev.quire.kernels.Argmax;
import dev.quire.kernels.RmsNorm;
import dev.quire.kernels.Rows;
import dev.quire.kernels.Sampling;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Writes down the kernels from the residual stream to the logits and tokens of wanted rows. */
final class HeadTasks {
  private HeadTasks() {}

  /**
   * @param counts how many rows are wanted
   * @param wanted which rows
   * @param rows the most wanted rows; 1 means exactly one
   * @param tokens the most probable token of each wanted row
   * @param streamed whether the last layer left the stream of the one row for the head
   */
  static void add(
      Segments segments,
      DecoderSpec spec,
      DeviceWeights weights,
      Scratch scratch,
      IntArray counts,
      IntArray wanted,
      int rows,
      FloatArray draws,
      IntArray tokens,
      boolean streamed) {
    KernelContext context = new KernelContext();
    int hidden = spec.hiddenSize();
    int stride = weights.head.outputs();
    int vocabulary = spec.vocabularySize();
    float epsilon = spec.normEpsilon();
    float factor = spec.logitScale();
    float softCap = spec.logitSoftCap();
    var products = new ProductTasks(context, segments, scratch, rows);
    if (streamed && VectorProducts.streams(weights.head)) {
      products.addNormed("head", weights.head, scratch.logits, epsilon);
    } else {
      addNorm(segments, context, weights, scratch, counts, wanted, rows, hidden, epsilon);
      products.add("head", counts, weights.head, scratch.pickedNormed, scratch.logits, stride);
    }
    if (factor != 1 || softCap != 0 || stride != vocabulary) {
      segments.add(
          "finish",
          7,
          Rows.grid(rows),
          g ->
              g.task(
                  "finish",
                  Rows::finishLogits,
                  context,
                  counts,
                  scratch.logits,
                  vocabulary,
                  stride,
                  factor,
                  softCap),
          counts);
    }
    int slices = Argmax.slices(stride);
    segments.add(
        "slice",
        7,
        Argmax.grid(rows, stride),
        g ->
            g.task(
                "slice",
                Argmax::slice,
                context,
                counts,
                scratch.logits,
                scratch.sliceBest,
                scratch.sliceTokens,
                stride,
                slices),
        counts);
    segments.add(
        "draw",
        9,
        Sampling.grid(rows),
        g ->
            g.task(
                "draw",
                Sampling::draw,
                context,
                counts,
                scratch.logits,
                scratch.sliceBest,
                scratch.sliceTokens,
                draws,
                tokens,
                stride,
                slices),
        counts,
        draws);
  }

  private static void addNorm(
      Segments segments,
      KernelContext context,
      DeviceWeights weights,
      Scratch scratch,
      IntArray counts,
      IntArray wanted,
      int rows,
      int hidden,
      float epsilon) {
    segments.add(
        "pick",
        6,
        Rows.grid(rows),
        g ->
            g.task(
                "pick",
                Rows::gather,
                context,
                counts,
                wanted,
                scratch.residual,
                scratch.picked,
                hidden),
        counts,
        wanted);
    segments.add(
        "finalNorm",
        7,
        RmsNorm.grid(rows),
        g ->
            g.task(
                "finalNorm",
                RmsNorm::normalizeRows,
                context,
                counts,
                scratch.picked,
                weights.finalNorm,
                scratch.pickedNormed,
                hidden,
                epsilon),
        counts);
  }

  /** What brings the logits of the wanted rows to the host. */
  static void addLogits(
      Segments segments, Scratch scratch, IntArray counts, int rows, FloatArray out, int stride) {
    segments.add(
        "bring",
        5,
        Rows.grid(rows),
        g -> g.task("bring", Rows::copy, new KernelContext(), counts, scratch.logits, out, stride),
        counts);
  }
}
