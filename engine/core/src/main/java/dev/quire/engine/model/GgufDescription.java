package dev.quire.engine.model;

import dev.quire.weights.WeightsException;
import dev.quire.weights.gguf.MetadataBuilder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Writes what a {@link DecoderSpec} says as a GGUF file's metadata: {@link GgufSpec} reads it. */
public final class GgufDescription {
  private final DecoderSpec spec;
  private final Architecture architecture;
  private final String prefix;
  private final MetadataBuilder metadata;

  private GgufDescription(DecoderSpec spec, MetadataBuilder metadata) {
    this.spec = spec;
    this.architecture = architecture(spec);
    String name = architecture.ggufName();
    this.prefix = name + ".";
    this.metadata = metadata;
    metadata.string("general.architecture", name);
  }

  /**
   * @param spec read from a {@code config.json}
   * @throws WeightsException naming what GGUF has no word for
   */
  public static void write(DecoderSpec spec, MetadataBuilder metadata) {
    new GgufDescription(spec, metadata).write();
  }

  static Architecture architecture(DecoderSpec spec) {
    return Architecture.ofHuggingFace(spec.architecture())
        .orElseThrow(() -> unsayable("architecture " + spec.architecture()));
  }

  private static WeightsException unsayable(String what) {
    return new WeightsException("GGUF can't say what this model has: " + what);
  }

  private void write() {
    LayerSpec first = spec.layers().getFirst();
    AttentionSpec attention = first.attention();
    integer("block_count", spec.layers().size());
    integer("context_length", spec.contextLength());
    integer("embedding_length", spec.hiddenSize());
    integer("vocab_size", spec.vocabularySize());
    integer("attention.head_count", attention.heads());
    integer("attention.head_count_kv", attention.kvHeads());
    integer("attention.key_length", attention.headSize());
    integer("attention.value_length", attention.headSize());
    number("attention.layer_norm_rms_epsilon", spec.normEpsilon());
    number("attention.scale", attention.scale());
    positive("attn_logit_softcapping", attention.softCap());
    positive("final_logit_softcapping", spec.logitSoftCap());
    if (!architecture.isGemma()) {
      number("embedding_scale", spec.embeddingScale());
    }
    number("residual_scale", spec.residualScale());
    number("logit_scale", 1 / spec.logitScale());
    windows();
    feedForward();
    ropes();
  }

  private void integer(String key, int value) {
    metadata.integer(prefix + key, value);
  }

  private void number(String key, double value) {
    metadata.number(prefix + key, (float) value);
  }

  private void positive(String key, float value) {
    if (value > 0) {
      number(key, value);
    }
  }

  private void windows() {
    int[] windows = spec.layers().stream().mapToInt(layer -> layer.attention().window()).toArray();
    int[] slides = new int[windows.length];
    int window = 0;
    for (int i = 0; i < windows.length; i++) {
      if (windows[i] > 0 && window > 0 && windows[i] != window) {
        throw unsayable("windows of several sizes");
      }
      window = Math.max(window, windows[i]);
      slides[i] = windows[i] > 0 ? 1 : 0;
    }
    if (window > 0) {
      if (windows.length == 1) {
        throw unsayable("a window in its only layer");
      }
      integer("attention.sliding_window", window);
      metadata.integers(prefix + "attention.sliding_window_pattern", slides);
    }
  }

  private void feedForward() {
    int dense = 0;
    for (LayerSpec layer : spec.layers()) {
      if (layer.feedForward().activation() != architecture.activation()) {
        throw unsayable("an activation other than the architecture's");
      }
      switch (layer.feedForward()) {
        case FeedForwardSpec.Dense plain -> dense = plain.innerSize();
        case FeedForwardSpec.Experts experts -> {
          integer("expert_count", experts.count());
          integer("expert_used_count", experts.used());
          integer("expert_feed_forward_length", experts.innerSize());
          metadata.flag(prefix + "expert_weights_norm", experts.normalised());
          if (experts.sharedInnerSize() > 0) {
            integer("expert_shared_feed_forward_length", experts.sharedInnerSize());
          }
          dense = dense == 0 ? experts.innerSize() : dense;
        }
      }
    }
    integer("feed_forward_length", dense);
  }

  private void ropes() {
    int interval = architecture.noRopeInterval();
    for (int i = 0; i < spec.layers().size(); i++) {
      boolean none = spec.layers().get(i).attention().rope() == null;
      if (none != (interval > 0 && (i + 1) % interval == 0)) {
        throw unsayable("rotation in other layers than is usual");
      }
    }
    RopeSpec windowed = rope(true);
    RopeSpec full = Objects.requireNonNullElse(rope(false), windowed);
    if (full == null) {
      return;
    }
    integer("rope.dimension_count", full.rotarySize());
    number("rope.freq_base", full.base());
    if (architecture == Architecture.GEMMA3 && windowed != null) {
      number("rope.freq_base_swa", windowed.base());
      if (!(windowed.scaling() instanceof RopeScaling.None)) {
        throw unsayable("scaled rotation in windowed layers");
      }
    } else if (windowed != null && !windowed.equals(full)) {
      throw unsayable("a rotation of its own in windowed layers");
    }
    switch (full.scaling()) {
      case RopeScaling.Linear linear -> {
        metadata.string(prefix + "rope.scaling.type", "linear");
        number("rope.scaling.factor", linear.factor());
      }
      case RopeScaling.Yarn yarn -> yarn(yarn);
      case RopeScaling.LongRope longRope -> {
        integer("rope.scaling.original_context_length", longRope.originalContext());
        number("rope.scaling.attn_factor", longRope.magnitude());
      }
      case RopeScaling.None _, RopeScaling.Llama3 _, RopeScaling.Divisors _ -> {}
    }
  }

  private void yarn(RopeScaling.Yarn yarn) {
    if (!yarn.truncate()) {
      throw unsayable("YaRN whose ramp ends between dimensions");
    }
    metadata.string(prefix + "rope.scaling.type", "yarn");
    number("rope.scaling.factor", yarn.factor());
    integer("rope.scaling.original_context_length", yarn.originalContext());
    number("rope.scaling.yarn_beta_fast", yarn.betaFast());
    number("rope.scaling.yarn_beta_slow", yarn.betaSlow());
    number(
        "rope.scaling.attn_factor",
        yarn.magnitude() / RopeScaling.Yarn.suggestedMagnitude(yarn.factor()));
  }

  private @Nullable RopeSpec rope(boolean windowed) {
    return spec.layers().stream()
        .map(LayerSpec::attention)
        .filter(attention -> attention.window() > 0 == windowed && attention.rope() != null)
        .map(AttentionSpec::rope)
        .findFirst()
        .orElse(null);
  }

  /** The tensors that say how frequencies are divided. */
  static Map<String, float[]> ropeTensors(DecoderSpec spec) {
    Map<String, float[]> tensors = new LinkedHashMap<>();
    for (RopeSpec rope : spec.ropes()) {
      switch (rope.scaling()) {
        case RopeScaling.Llama3 _ -> tensors.put("rope_freqs.weight", divisors(rope));
        case RopeScaling.Divisors divisors ->
            tensors.put("rope_freqs.weight", floats(divisors.divisors()));
        case RopeScaling.LongRope longRope -> {
          tensors.put("rope_factors_short.weight", floats(longRope.shortDivisors()));
          tensors.put("rope_factors_long.weight", floats(longRope.longDivisors()));
        }
        case RopeScaling.None _, RopeScaling.Linear _, RopeScaling.Yarn _ -> {}
      }
    }
    return tensors;
  }

  private static float[] divisors(RopeSpec rope) {
    float[] scaled = rope.frequencies(0);
    float[] plain =
        new RopeSpec(rope.layout(), rope.rotarySize(), rope.base(), new RopeScaling.None())
            .frequencies(0);
    for (int i = 0; i < plain.length; i++) {
      plain[i] /= scaled[i];
    }
    return plain;
  }

  private static float[] floats(List<Float> values) {
    float[] floats = new float[values.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values.get(i);
    }
    return floats;
  }
}
