package dev.quire.engine.model;

import dev.quire.paging.CacheGroup;
import dev.quire.weights.GgufFile;
import dev.quire.weights.WeightsException;
import dev.quire.weights.gguf.Metadata;
import dev.quire.weights.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads a {@link DecoderSpec} from a GGUF file's metadata. */
final class GgufSpec {
  private final GgufFile file;
  private final Metadata metadata;
  private final Architecture architecture;
  private final String prefix;
  private final int layers;
  private final int hidden;
  private final int[] windows;

  private GgufSpec(GgufFile file, Architecture architecture) {
    this.file = file;
    this.metadata = file.metadata();
    this.architecture = architecture;
    this.prefix = metadata.string("general.architecture") + ".";
    this.layers = integer("block_count", 1, HuggingFaceSpec.MOST_LAYERS);
    this.hidden = integer("embedding_length", 1, HuggingFaceSpec.LARGEST_SIZE);
    this.windows = windows();
  }

  /**
   * The architecture that a file names.
   *
   * @throws WeightsException if it isn't known
   */
  static Architecture architecture(GgufFile file) {
    String name = file.metadata().string("general.architecture");
    return Architecture.ofGguf(name)
        .orElseThrow(
            () ->
                WeightsException.in(
                    file.path(),
                    "metadata 'general.architecture' is '%s', which isn't supported; known: %s"
                        .formatted(name, Architecture.ggufNames())));
  }

  static DecoderSpec read(GgufFile file) {
    return new GgufSpec(file, architecture(file)).spec();
  }

  private DecoderSpec spec() {
    if (file.tensors().isEmpty()) {
      throw WeightsException.in(
          file.path(), "holds no tensors: a vocabulary without weights turns text to ids, no more");
    }
    Tensor embedding = file.tensor("token_embd.weight");
    if (embedding == null) {
      throw WeightsException.in(file.path(), "tensor 'token_embd.weight' is missing");
    }
    List<CacheGroup> groups = DecoderSpec.groupsOf(windows);
    List<LayerSpec> specs = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      specs.add(
          new LayerSpec(
              DecoderSpec.groupOf(groups, windows[i]),
              architecture.normPlacement(),
              attention(i),
              feedForward(i)));
    }
    return new DecoderSpec(
        metadata.string("general.architecture"),
        embedding.rows(),
        hidden,
        integer("context_length", 1, 1 << 30),
        positive("attention.layer_norm_rms_epsilon"),
        architecture.isGemma() ? (float) Math.sqrt(hidden) : positive("embedding_scale", 1),
        positive("residual_scale", 1),
        1 / positive("logit_scale", 1),
        optionalPositive("final_logit_softcapping"),
        file.tensor("output.weight") == null,
        groups,
        specs);
  }

  /** Each layer's window; 0 for full attention. */
  private int[] windows() {
    int[] result = new int[layers];
    int window = integer("attention.sliding_window", 0, 1 << 30, 0);
    if (window == 0) {
      return result;
    }
    String patternKey = prefix + "attention.sliding_window_pattern";
    int[] pattern = metadata.has(patternKey) ? metadata.integers(patternKey) : new int[0];
    if (pattern.length > 1 && pattern.length < layers) {
      throw refusal(
          "attention.sliding_window_pattern",
          "names %d layers of %d".formatted(pattern.length, layers));
    }
    for (int i = 0; i < layers; i++) {
      boolean slides;
      if (pattern.length > 1) {
        slides = pattern[i] != 0;
      } else {
        int interval = pattern.length == 1 ? pattern[0] : architecture.fullAttentionInterval();
        slides = interval > 0 ? (i + 1) % interval != 0 : architecture.windowsEveryLayer();
      }
      result[i] = slides ? window : 0;
    }
    return result;
  }

  private AttentionSpec attention(int layer) {
    int heads = ofLayer("attention.head_count", layer);
    int kvHeads =
        metadata.has(prefix + "attention.head_count_kv")
            ? ofLayer("attention.head_count_kv", layer)
            : heads;
    if (heads % kvHeads != 0) {
      throw refusal(
          "attention.head_count_kv",
          "is %d, which doesn't divide %d heads".formatted(kvHeads, heads));
    }
    int headSize = integer("attention.key_length", 1, HuggingFaceSpec.LARGEST_SIZE, hidden / heads);
    if (headSize < 1) {
      throw refusal(
          "attention.head_count", "is %d where a token has %d elements".formatted(heads, hidden));
    }
    int valueSize = integer("attention.value_length", 1, HuggingFaceSpec.LARGEST_SIZE, headSize);
    if (valueSize != headSize) {
      throw refusal(
          "attention.value_length",
          "is %d where keys have %d elements, which isn't supported"
              .formatted(valueSize, headSize));
    }
    String block = "blk." + layer + ".";
    return new AttentionSpec(
        heads,
        kvHeads,
        headSize,
        attentionScale(heads, headSize),
        architecture.capsAttention() ? optionalPositive("attn_logit_softcapping") : 0,
        windows[layer],
        rope(layer, headSize),
        architecture.queryKeyNorm(),
        file.tensor(block + "attn_q.bias") != null || file.tensor(block + "attn_qkv.bias") != null,
        file.tensor(block + "attn_output.bias") != null);
  }

  private float attentionScale(int heads, int headSize) {
    // The 27B models of Gemma 2 and 3 scale by the hidden size a head; their files don't say so.
    boolean byHidden =
        (architecture == Architecture.GEMMA2 && layers == 46)
            || (architecture == Architecture.GEMMA3 && layers == 62);
    return positive(
        "attention.scale", (float) (1 / Math.sqrt(byHidden ? (double) hidden / heads : headSize)));
  }

  private @Nullable RopeSpec rope(int layer, int headSize) {
    int interval = architecture.noRopeInterval();
    if (interval > 0 && (layer + 1) % interval == 0) {
      return null;
    }
    int size = integer("rope.dimension_count", 2, headSize, headSize);
    if (size % 2 != 0) {
      throw refusal("rope.dimension_count", "is %d; elements rotate in pairs".formatted(size));
    }
    if (architecture == Architecture.GEMMA3 && windows[layer] > 0) {
      float base = positive("rope.freq_base_swa", 10_000);
      return new RopeSpec(architecture.ggufLayout(), size, base, new RopeScaling.None());
    }
    float base = positive("rope.freq_base", 10_000);
    return new RopeSpec(architecture.ggufLayout(), size, base, scaling(size));
  }

  private RopeScaling scaling(int size) {
    Tensor divisors = file.tensor("rope_freqs.weight");
    if (divisors != null) {
      return new RopeScaling.Divisors(divisors(divisors, size));
    }
    int context = integer("context_length", 1, 1 << 30);
    int original = integer("rope.scaling.original_context_length", 1, 1 << 30, context);
    Tensor shortDivisors = file.tensor("rope_factors_short.weight");
    Tensor longDivisors = file.tensor("rope_factors_long.weight");
    if (shortDivisors != null && longDivisors != null) {
      return new RopeScaling.LongRope(
          divisors(shortDivisors, size),
          divisors(longDivisors, size),
          original,
          positive(
              "rope.scaling.attn_factor",
              (float)
                  RopeScaling.LongRope.suggestedMagnitude((double) context / original, original)));
    }
    String type = metadata.string(prefix + "rope.scaling.type", "none");
    return switch (type) {
      case "none" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(positive("rope.scaling.factor", 1));
      case "yarn" -> yarn(original);
      default ->
          throw refusal(
              "rope.scaling.type",
              "is '%s', which isn't supported here; known: none, linear, yarn, and longrope with"
                      .formatted(type)
                  + " its tensors rope_factors_short.weight and rope_factors_long.weight");
    };
  }

  private RopeScaling yarn(int original) {
    float factor = positive("rope.scaling.factor");
    double magnitude =
        positive("rope.scaling.attn_factor", 1) * RopeScaling.Yarn.suggestedMagnitude(factor);
    return new RopeScaling.Yarn(
        factor,
        original,
        positive("rope.scaling.yarn_beta_fast", 32),
        positive("rope.scaling.yarn_beta_slow", 1),
        true,
        magnitude);
  }

  private List<Float> divisors(Tensor tensor, int size) {
    if (tensor.elements() != size / 2) {
      throw WeightsException.in(
          file.path(),
          "tensor '%s' has shape %s where %d rotated elements need %d divisors"
              .formatted(tensor.name(), Arrays.toString(tensor.shape()), size, size / 2));
    }
    List<Float> divisors = new ArrayList<>();
    for (float divisor : tensor.toFloats()) {
      if (!(divisor > 0) || divisor == Float.POSITIVE_INFINITY) {
        throw WeightsException.in(
            file.path(),
            "tensor '%s' contains %s; it must hold finite numbers above zero"
                .formatted(tensor.name(), divisor));
      }
      divisors.add(divisor);
    }
    return divisors;
  }

  private FeedForwardSpec feedForward(int layer) {
    Activation activation = architecture.activation();
    int experts = integer("expert_count", 0, HuggingFaceSpec.MOST_LAYERS, 0);
    // Mixtures may have plain layers among them; the router's tensor tells.
    if (experts == 0 || file.tensor("blk." + layer + ".ffn_gate_inp.weight") == null) {
      boolean bias = file.tensor("blk." + layer + ".ffn_down.bias") != null;
      return new FeedForwardSpec.Dense(ofLayer("feed_forward_length", layer), activation, bias);
    }
    String size = "expert_feed_forward_length";
    return new FeedForwardSpec.Experts(
        experts,
        integer("expert_used_count", 1, experts),
        metadata.has(prefix + size)
            ? integer(size, 1, HuggingFaceSpec.LARGEST_SIZE)
            : ofLayer("feed_forward_length", layer),
        metadata.flag(prefix + "expert_weights_norm", architecture.normalisesExperts()),
        architecture == Architecture.QWEN2_MOE
            ? integer("expert_shared_feed_forward_length", 1, HuggingFaceSpec.LARGEST_SIZE)
            : 0,
        activation);
  }

  /** A positive integer that a file gives once, or for each layer. */
  private int ofLayer(String key, int layer) {
    int[] values = metadata.integers(prefix + key);
    if (values.length != 1 && values.length < layers) {
      throw refusal(key, "names %d layers of %d".formatted(values.length, layers));
    }
    int value = values[values.length == 1 ? 0 : layer];
    if (value < 1 || value > HuggingFaceSpec.LARGEST_SIZE) {
      throw refusal(key, "is %d, not in [1, %d]".formatted(value, HuggingFaceSpec.LARGEST_SIZE));
    }
    return value;
  }

  private int integer(String key, int least, int most) {
    int value = metadata.integer(prefix + key);
    if (value < least || value > most) {
      throw refusal(key, "is %d, not in [%d, %d]".formatted(value, least, most));
    }
    return value;
  }

  private int integer(String key, int least, int most, int fallback) {
    return metadata.has(prefix + key) ? integer(key, least, most) : fallback;
  }

  private float positive(String key) {
    float value = metadata.number(prefix + key);
    if (!(value > 0) || value == Float.POSITIVE_INFINITY) {
      throw refusal(key, "is " + value + "; it must be a finite number above zero");
    }
    return value;
  }

  private float positive(String key, float fallback) {
    return metadata.has(prefix + key) ? positive(key) : fallback;
  }

  /** Zero where left out. */
  private float optionalPositive(String key) {
    return positive(key, 0);
  }

  private WeightsException refusal(String key, String message) {
    return WeightsException.in(file.path(), "metadata '%s%s' %s".formatted(prefix, key, message));
  }
}
