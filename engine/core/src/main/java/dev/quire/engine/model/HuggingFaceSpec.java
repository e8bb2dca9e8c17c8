package dev.quire.engine.model;

import dev.quire.paging.CacheGroup;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads a {@link DecoderSpec} from a Hugging Face {@code config.json}. */
final class HuggingFaceSpec {
  static final int MOST_LAYERS = 4096;
  static final int LARGEST_SIZE = 1 << 24;
  private static final int LONGEST_CONTEXT = 1 << 30;

  private final ConfigJson config;
  private final Architecture architecture;
  private final Predicate<String> hasTensor;
  private final int layers;
  private final int hidden;
  private final int heads;
  private final int headSize;
  private final int contextLength;

  private HuggingFaceSpec(
      ConfigJson config, Architecture architecture, Predicate<String> hasTensor) {
    this.config = config;
    this.architecture = architecture;
    this.hasTensor = hasTensor;
    this.layers = config.integer("num_hidden_layers", 1, MOST_LAYERS);
    this.hidden = config.integer("hidden_size", 1, LARGEST_SIZE);
    this.heads = size("num_attention_heads", LARGEST_SIZE);
    this.headSize = headSize();
    this.contextLength = size("max_position_embeddings", LONGEST_CONTEXT);
  }

  /** The part of a config that describes the text model. */
  static ConfigJson textConfig(Path file, JsonNode json) {
    var config = new ConfigJson(file, json);
    return config.hasObject("text_config") ? config.object("text_config") : config;
  }

  /**
   * The architecture that a config names.
   *
   * @throws dev.quire.weights.WeightsException if it isn't known
   */
  static Architecture architecture(ConfigJson config) {
    String type = config.string("model_type");
    return Architecture.ofHuggingFace(type)
        .orElseThrow(
            () ->
                config.refusal(
                    "model_type",
                    "is '%s', an architecture that isn't supported; known: %s"
                        .formatted(type, Architecture.huggingFaceNames())));
  }

  /**
   * @param hasTensor whether the weights contain a tensor of this name, less the part before {@code
   *     layers}
   */
  static DecoderSpec read(ConfigJson config, Predicate<String> hasTensor) {
    return new HuggingFaceSpec(config, architecture(config), hasTensor).spec();
  }

  /** A field that an architecture may leave out where it has the value of its first model. */
  private int size(String field, int most) {
    int fallback = architecture.defaultSize(field);
    return fallback > 0 ? config.integer(field, 1, most, fallback) : config.integer(field, 1, most);
  }

  private int headSize() {
    if (config.has("head_dim")) {
      return config.integer("head_dim", 1, LARGEST_SIZE);
    }
    return architecture.defaultHeadSize() > 0 ? architecture.defaultHeadSize() : hidden / heads;
  }

  private DecoderSpec spec() {
    boolean tied =
        config.flag(
            "tie_word_embeddings", architecture.isGemma() || !hasTensor.test("lm_head.weight"));
    String[] types = layerTypes();
    int[] windows = new int[layers];
    for (int i = 0; i < layers; i++) {
      windows[i] =
          types[i].equals("sliding_attention") ? config.integer("sliding_window", 1, 1 << 30) : 0;
    }
    List<CacheGroup> groups = DecoderSpec.groupsOf(windows);
    List<LayerSpec> specs = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      specs.add(
          new LayerSpec(
              DecoderSpec.groupOf(groups, windows[i]),
              architecture.normPlacement(),
              attention(i, types[i], windows[i]),
              feedForward(i)));
    }
    return new DecoderSpec(
        config.string("model_type"),
        size("vocab_size", LARGEST_SIZE),
        hidden,
        contextLength,
        (float) config.positive("rms_norm_eps", 1e-6),
        architecture.isGemma()
            ? (float) Math.sqrt(hidden)
            : (float) config.positive("embedding_multiplier", 1),
        (float) config.positive("residual_multiplier", 1),
        (float) (1 / config.positive("logits_scaling", 1)),
        (float)
            (config.has("final_logit_softcapping")
                ? config.positive("final_logit_softcapping")
                : 0),
        tied,
        groups,
        specs);
  }

  /** {@code full_attention} or {@code sliding_attention} for each layer. */
  private String[] layerTypes() {
    String[] types = new String[layers];
    if (architecture.namesLayerTypes() && config.has("layer_types")) {
      List<String> given = config.strings("layer_types");
      if (given.size() < layers) {
        throw config.refusal(
            "layer_types", "names %d layers of %d".formatted(given.size(), layers));
      }
      for (int i = 0; i < layers; i++) {
        types[i] = given.get(i);
        if (!types[i].equals("full_attention") && !types[i].equals("sliding_attention")) {
          throw config.refusal(
              "layer_types",
              "contains '%s'; known: full_attention, sliding_attention".formatted(types[i]));
        }
      }
      return types;
    }
    for (int i = 0; i < layers; i++) {
      types[i] = slides(i) ? "sliding_attention" : "full_attention";
    }
    return types;
  }

  private boolean slides(int layer) {
    if (!config.has("sliding_window")) {
      return false;
    }
    return switch (architecture) {
      case LLAMA, GRANITE, OLMO2 -> false;
      case MISTRAL, MIXTRAL, PHI3 -> true;
      case QWEN3_MOE -> config.flag("use_sliding_window", false);
      case QWEN2, QWEN3 -> config.flag("use_sliding_window", false) && layer >= windowedLayers();
      case QWEN2_MOE ->
          config.flag("use_sliding_window", false) && layer % 2 == 0 && layer < windowedLayers();
      case SMOLLM3 -> config.flag("use_sliding_window", false) && !rotates(layer);
      case GEMMA2 -> (layer + 1) % architecture.fullAttentionInterval() != 0;
      case GEMMA3 ->
          (layer + 1)
                  % config.integer(
                      config.has("sliding_window_pattern")
                          ? "sliding_window_pattern"
                          : "_sliding_window_pattern",
                      1,
                      MOST_LAYERS,
                      architecture.fullAttentionInterval())
              != 0;
    };
  }

  /** The layer from which windows begin in Qwen's dense models, and end in those with experts. */
  private int windowedLayers() {
    return config.integer("max_window_layers", 0, Integer.MAX_VALUE, 28);
  }

  private AttentionSpec attention(int layer, String type, int window) {
    int kvHeads =
        config.has("num_key_value_heads") || architecture.defaultSize("num_key_value_heads") > 0
            ? size("num_key_value_heads", LARGEST_SIZE)
            : heads;
    if (heads % kvHeads != 0) {
      throw config.refusal(
          "num_key_value_heads", "is %d, which doesn't divide %d heads".formatted(kvHeads, heads));
    }
    double scale =
        config.has("attention_multiplier")
            ? config.positive("attention_multiplier")
            : 1
                / Math.sqrt(
                    architecture.isGemma()
                        ? config.positive("query_pre_attn_scalar", 256)
                        : headSize);
    String prefix = "layers." + layer + ".self_attn.";
    boolean bias = config.flag("attention_bias", false);
    return new AttentionSpec(
        heads,
        kvHeads,
        headSize,
        (float) scale,
        (float)
            (architecture.capsAttention() && config.has("attn_logit_softcapping")
                ? config.positive("attn_logit_softcapping")
                : 0),
        window,
        rope(layer, type),
        architecture.queryKeyNorm(),
        bias || hasTensor.test(prefix + "q_proj.bias") || hasTensor.test(prefix + "qkv_proj.bias"),
        bias || hasTensor.test(prefix + "o_proj.bias"));
  }

  private @Nullable RopeSpec rope(int layer, String type) {
    return rotates(layer)
        ? new HuggingFaceRope(config, architecture, headSize, contextLength).of(type)
        : null;
  }

  private boolean rotates(int layer) {
    if (architecture.noRopeInterval() == 0) {
      return true;
    }
    if (config.has("no_rope_layers")) {
      List<Integer> uses = config.integers("no_rope_layers");
      if (uses.size() < layers) {
        throw config.refusal(
            "no_rope_layers", "names %d layers of %d".formatted(uses.size(), layers));
      }
      return uses.get(layer) != 0;
    }
    int interval =
        config.integer("no_rope_layer_interval", 1, MOST_LAYERS, architecture.noRopeInterval());
    return (layer + 1) % interval != 0;
  }

  private FeedForwardSpec feedForward(int layer) {
    Activation activation = activation();
    if (!hasExperts(layer)) {
      boolean bias =
          config.flag("mlp_bias", false)
              || hasTensor.test("layers." + layer + ".mlp.down_proj.bias");
      return new FeedForwardSpec.Dense(
          config.integer("intermediate_size", 1, LARGEST_SIZE), activation, bias);
    }
    int count =
        config.integer(
            config.has("num_local_experts") ? "num_local_experts" : "num_experts", 1, MOST_LAYERS);
    return new FeedForwardSpec.Experts(
        count,
        config.integer("num_experts_per_tok", 1, count),
        config.integer(
            architecture == Architecture.MIXTRAL ? "intermediate_size" : "moe_intermediate_size",
            1,
            LARGEST_SIZE),
        architecture == Architecture.MIXTRAL || config.flag("norm_topk_prob", false),
        architecture == Architecture.QWEN2_MOE
            ? config.integer("shared_expert_intermediate_size", 1, LARGEST_SIZE)
            : 0,
        activation);
  }

  private boolean hasExperts(int layer) {
    return switch (architecture) {
      case MIXTRAL -> true;
      case QWEN2_MOE, QWEN3_MOE ->
          (layer + 1) % config.integer("decoder_sparse_step", 1, MOST_LAYERS, 1) == 0
              && !(config.has("mlp_only_layers")
                  && config.integers("mlp_only_layers").contains(layer));
      default -> false;
    };
  }

  private Activation activation() {
    String field = config.has("hidden_activation") ? "hidden_activation" : "hidden_act";
    String name = config.string(field, architecture.isGemma() ? "gelu_pytorch_tanh" : "silu");
    return switch (name) {
      case "silu", "swish" -> Activation.SILU;
      case "gelu_pytorch_tanh", "gelu_new", "gelu_fast" -> Activation.GELU_TANH;
      case "gelu" -> architecture.isGemma() ? Activation.GELU_TANH : Activation.GELU;
      default ->
          throw config.refusal(
              field,
              "is '%s', which isn't supported; known: silu, gelu, gelu_pytorch_tanh"
                  .formatted(name));
    };
  }
}
