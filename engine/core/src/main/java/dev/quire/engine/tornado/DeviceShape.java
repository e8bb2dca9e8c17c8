package dev.quire.engine.tornado;

import dev.quire.engine.model.AttentionSpec;
import dev.quire.engine.model.DecoderSpec;
import dev.quire.engine.model.FeedForwardSpec;
import dev.quire.engine.model.LayerSpec;
import java.util.List;

/**
 * A model's dimensions on the device. The kernels take heads whose elements 16 divides, and hidden
 * and feed-forward sizes that 8 divides; what a model has less is filled up with zeros, which stay
 * zeros through every layer.
 *
 * <p>A norm of n elements among p takes its mean over all p: {@code x / sqrt(mean(x²) + e)} is
 * {@code sqrt(n/p) · x / sqrt(sum(x²)/p + e · n/p)}. So its weights are multiplied by the root of
 * n/p, and its epsilon is by n/p.
 *
 * @param model as the file has it
 * @param device with the sizes on the device, and the epsilon of norms over the hidden elements
 */
record DeviceShape(DecoderSpec model, DecoderSpec device) {
  private static final int HEAD_ELEMENTS = 16;
  private static final int ELEMENTS = 8;

  /** The shape of a model. */
  static DeviceShape of(DecoderSpec model) {
    int hidden = up(model.hiddenSize(), ELEMENTS);
    List<LayerSpec> layers = model.layers().stream().map(DeviceShape::padded).toList();
    return new DeviceShape(
        model,
        new DecoderSpec(
            model.architecture(),
            model.vocabularySize(),
            hidden,
            model.contextLength(),
            (float) ((double) model.normEpsilon() * model.hiddenSize() / hidden),
            model.embeddingScale(),
            model.residualScale(),
            model.logitScale(),
            model.logitSoftCap(),
            model.tiedHead(),
            model.cacheGroups(),
            layers));
  }

  private static LayerSpec padded(LayerSpec layer) {
    AttentionSpec a = layer.attention();
    FeedForwardSpec feedForward =
        switch (layer.feedForward()) {
          case FeedForwardSpec.Dense dense ->
              new FeedForwardSpec.Dense(
                  up(dense.innerSize(), ELEMENTS), dense.activation(), dense.bias());
          case FeedForwardSpec.Experts experts ->
              new FeedForwardSpec.Experts(
                  experts.count(),
                  experts.used(),
                  up(experts.innerSize(), ELEMENTS),
                  experts.normalised(),
                  up(experts.sharedInnerSize(), ELEMENTS),
                  experts.activation());
        };
    return new LayerSpec(
        layer.cacheGroup(),
        layer.normPlacement(),
        new AttentionSpec(
            a.heads(),
            a.kvHeads(),
            up(a.headSize(), HEAD_ELEMENTS),
            a.scale(),
            a.softCap(),
            a.window(),
            a.rope(),
            a.norm(),
            a.inputBias(),
            a.outputBias()),
        feedForward);
  }

  private static int up(int size, int multiple) {
    return Math.ceilDiv(size, multiple) * multiple;
  }

  /** The elements between layers. */
  Extent hidden() {
    return new Extent(1, model.hiddenSize(), device.hiddenSize());
  }

  /** All query heads of a layer. */
  Extent queries(int layer) {
    return heads(layer, model.layers().get(layer).attention().heads());
  }

  /** All key or value heads of a layer. */
  Extent keys(int layer) {
    return heads(layer, model.layers().get(layer).attention().kvHeads());
  }

  /** One head of a layer. */
  Extent head(int layer) {
    return heads(layer, 1);
  }

  private Extent heads(int layer, int count) {
    return new Extent(
        count,
        model.layers().get(layer).attention().headSize(),
        device.layers().get(layer).attention().headSize());
  }

  /** The elements between a network's halves, of {@code size} in the model. */
  static Extent inner(int size) {
    return new Extent(1, size, up(size, ELEMENTS));
  }

  /** What the weights of a norm over an extent are multiplied by. */
  static float normFactor(Extent extent) {
    return (float) Math.sqrt((double) extent.size() / extent.padded());
  }

  /** The epsilon of norms of a layer's queries and keys, single heads or all together. */
  float headEpsilon(int layer) {
    Extent head = head(layer);
    return (float) ((double) model.normEpsilon() * head.size() / head.padded());
  }

  /** What is filled up, for people; empty if nothing is. */
  String padding() {
    StringBuilder text = new StringBuilder();
    if (device.hiddenSize() != model.hiddenSize()) {
      text.append(
          ", %d hidden elements filled up to %d"
              .formatted(model.hiddenSize(), device.hiddenSize()));
    }
    for (int i = 0; i < model.layers().size(); i++) {
      Extent head = head(i);
      if (!head.isWhole()) {
        return text.append(
                ", heads of %d elements filled up to %d".formatted(head.size(), head.padded()))
            .toString();
      }
    }
    return text.toString();
  }
}
