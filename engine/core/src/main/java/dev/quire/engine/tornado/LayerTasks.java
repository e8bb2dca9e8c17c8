package dev.quire.engine.tornado;

import dev.quire.engine.model.DecoderSpec;
import java.util.List;
import uk.ac.manchester.tornado.api.KernelContext;

/** Writes the kernels of all layers down, for steps of one bucket. */
final class LayerTasks {
  private final List<DeviceLayer> layers;
  private final EmbeddingTasks embedding;
  private final ResidualTasks residual;
  private final AttentionTasks attention;
  private final FeedForwardTasks dense;
  private final ExpertTasks experts;

  /**
   * @param rows the most tokens of a step
   * @param tiles the most tiles of queries; 0 where every sequence of a step has one token
   * @param longest context of a step, in positions
   */
  LayerTasks(
      DecoderSpec spec,
      DeviceWeights weights,
      Scratch scratch,
      TornadoOptions options,
      StepInputs inputs,
      Segments segments,
      int rows,
      int tiles,
      int longest) {
    var context = new KernelContext();
    var products = new ProductTasks(context, segments, scratch, rows);
    var step = new StepContext(context, spec, scratch, options, inputs, segments, products, rows);
    this.layers = weights.layers;
    this.embedding = new EmbeddingTasks(step, weights);
    boolean streamed = rows == 1 && streams(spec, weights);
    this.residual = new ResidualTasks(step, streamed, weights.finalNorm);
    this.attention = new AttentionTasks(step, tiles, longest, residual);
    this.dense = new FeedForwardTasks(step, residual);
    this.experts = new ExpertTasks(step, dense);
  }

  /** Embedding and all layers: leaves the residual stream of every row. */
  void addAll() {
    embedding.add();
    residual.prepare("first", layers.getFirst().beforeAttention());
    for (int i = 0; i < layers.size(); i++) {
      DeviceLayer layer = layers.get(i);
      String id = "layer" + i;
      boolean last = i == layers.size() - 1;
      var afterAttention =
          new ResidualTasks.Join(layer.afterAttention(), true, layer.beforeFeedForward());
      var afterFeedForward =
          new ResidualTasks.Join(
              layer.afterFeedForward(), !last, last ? null : layers.get(i + 1).beforeAttention());
      ProductShape output = attention.add(id, layer, afterAttention);
      residual.join(id + "attention", afterAttention, output);
      ProductShape down = feedForward(id, layer, afterFeedForward);
      residual.join(id + "feedForward", afterFeedForward, down);
    }
  }

  /**
   * Whether the products of one row read the residual stream normalised and add to it themselves,
   * so that there are no kernels between them. The property quire.norms.apart leaves these there,
   * to compare.
   */
  static boolean streams(DecoderSpec spec, DeviceWeights weights) {
    return !Boolean.getBoolean("quire.norms.apart")
        && spec.residualScale() == 1
        && weights.layers.stream().allMatch(LayerTasks::streams);
  }

  private static boolean streams(DeviceLayer layer) {
    return layer.beforeAttention() != null
        && layer.afterAttention() == null
        && layer.beforeFeedForward() != null
        && layer.afterFeedForward() == null
        && layer.outputBias() == null
        && VectorProducts.streams(layer.queryKeyValue())
        && VectorProducts.streams(layer.output())
        && layer.feedForward() instanceof DeviceLayer.FeedForward.Dense dense
        && dense.interleaved()
        && dense.downBias() == null
        && VectorProducts.streams(dense.gateUp())
        && VectorProducts.streams(dense.down());
  }

  private ProductShape feedForward(String id, DeviceLayer layer, ResidualTasks.Join join) {
    return switch (layer.feedForward()) {
      case DeviceLayer.FeedForward.Dense network -> dense.add(id, layer, network, join);
      case DeviceLayer.FeedForward.Experts network -> {
        experts.add(id, layer, network);
        yield ProductShape.WHOLE;
      }
    };
  }
}
