package dev.quire.engine.tornado;

import dev.quire.engine.model.AttentionSpec;
import dev.quire.engine.model.DecoderSpec;
import dev.quire.engine.model.FeedForwardSpec;
import dev.quire.engine.model.LayerSpec;
import dev.quire.kernels.ChunkTiles;
import dev.quire.kernels.PagedAttention;
import dev.quire.kernels.RmsNorm;
import dev.quire.kernels.Router;
import dev.quire.kernels.RowAttention;
import dev.quire.kernels.Sampling;
import org.jspecify.annotations.Nullable;

/** What the kernels can't compute. */
final class SpecLimits {
  private SpecLimits() {}

  /** Why a model can't run, naming what it needs; null if it can. */
  static @Nullable String refusal(DecoderSpec spec) {
    if (spec.vocabularySize() > Sampling.MOST_TOKENS) {
      return "the GPU kernels take vocabularies of at most %d tokens, not %d; --device cpu takes all"
          .formatted(Sampling.MOST_TOKENS, spec.vocabularySize());
    }
    for (int i = 0; i < spec.layers().size(); i++) {
      String reason = refusal(spec, spec.layers().get(i));
      if (reason != null) {
        return "the GPU kernels can't run this %s model: layer %d %s; --device cpu runs it"
            .formatted(spec.architecture(), i, reason);
      }
    }
    return null;
  }

  private static @Nullable String refusal(DecoderSpec spec, LayerSpec layer) {
    AttentionSpec attention = layer.attention();
    if (attention.headSize() > RowAttention.MAX_HEAD) {
      return "has heads of %d elements; they must be at most %d"
          .formatted(attention.headSize(), RowAttention.MAX_HEAD);
    }
    if (spec.hiddenSize() > RmsNorm.MAX_WIDTH) {
      return "has %d hidden elements; they must be at most %d"
          .formatted(spec.hiddenSize(), RmsNorm.MAX_WIDTH);
    }
    return switch (layer.feedForward()) {
      case FeedForwardSpec.Experts experts when experts.count() > Router.MOST_EXPERTS ->
          "has %d experts; they must be at most %d".formatted(experts.count(), Router.MOST_EXPERTS);
      case FeedForwardSpec.Experts experts
          when 2L * experts.count() * experts.innerSize() * spec.hiddenSize() > Integer.MAX_VALUE ->
          "has experts of more than 2^31 weights together";
      case FeedForwardSpec _ -> null;
    };
  }

  /** Whether the kernel of single queries that share keys takes a layer's heads. */
  static boolean shared(AttentionSpec attention) {
    return attention.headSize() <= PagedAttention.MAX_HEAD;
  }

  /** Queries of a tile that suits the heads of every layer. */
  static int tileQueries(DecoderSpec spec) {
    return spec.layers().stream()
        .map(LayerSpec::attention)
        .mapToInt(attention -> ChunkTiles.queries(attention.heads(), attention.kvHeads()))
        .min()
        .orElse(1);
  }

  /** Whether the kernel of query tiles takes a layer's heads; else rows attend one by one. */
  static boolean tiled(AttentionSpec attention) {
    return attention.headSize() <= ChunkTiles.MAX_HEAD;
  }
}
