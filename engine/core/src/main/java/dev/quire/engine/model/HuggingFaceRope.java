package dev.quire.engine.model;

/** Reads rotary embeddings from {@code rope_parameters}, or the older {@code rope_scaling}. */
final class HuggingFaceRope {
  private static final int LONGEST_CONTEXT = 1 << 30;

  private final ConfigJson config;
  private final Architecture architecture;
  private final int headSize;
  private final int contextLength;

  HuggingFaceRope(ConfigJson config, Architecture architecture, int headSize, int contextLength) {
    this.config = config;
    this.architecture = architecture;
    this.headSize = headSize;
    this.contextLength = contextLength;
  }

  /** The rotary embedding of a layer type, {@code full_attention} or {@code sliding_attention}. */
  RopeSpec of(String layerType) {
    if (config.hasObject("rope_parameters")) {
      ConfigJson parameters = config.object("rope_parameters");
      return read(parameters.hasObject(layerType) ? parameters.object(layerType) : parameters);
    }
    if (architecture == Architecture.GEMMA3 && layerType.equals("sliding_attention")) {
      double base = config.positive("rope_local_base_freq", 10_000);
      return new RopeSpec(RopeLayout.HALVES, headSize, base, new RopeScaling.None());
    }
    return read(config.hasObject("rope_scaling") ? config.object("rope_scaling") : config);
  }

  private RopeSpec read(ConfigJson parameters) {
    double base =
        parameters.positive(
            "rope_theta", config.positive("rope_theta", architecture.defaultRopeBase()));
    double share =
        architecture.rotatesPartially()
            ? parameters.positive(
                "partial_rotary_factor", config.positive("partial_rotary_factor", 1))
            : 1;
    int size = (int) (headSize * share);
    if (size < 2 || size % 2 != 0 || size > headSize) {
      throw config.refusal(
          "partial_rotary_factor",
          "is %s: %d of a head's %d elements can't be rotated in pairs"
              .formatted(share, size, headSize));
    }
    return new RopeSpec(RopeLayout.HALVES, size, base, scaling(parameters, size));
  }

  private RopeScaling scaling(ConfigJson parameters, int size) {
    String type = parameters.string("rope_type", parameters.string("type", "default"));
    return switch (type) {
      // "dynamic" changes nothing up to the trained context, and Quire never goes beyond it.
      case "default", "dynamic" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(parameters.positive("factor"));
      case "llama3" ->
          new RopeScaling.Llama3(
              parameters.positive("factor"),
              parameters.positive("low_freq_factor"),
              parameters.positive("high_freq_factor"),
              originalContext(parameters));
      case "yarn" -> yarn(parameters);
      case "longrope", "su" -> longRope(parameters, size);
      default ->
          throw parameters.refusal(
              "rope_type",
              "is '%s', which isn't supported; known: default, dynamic, linear, llama3, yarn, longrope"
                  .formatted(type));
    };
  }

  private int originalContext(ConfigJson parameters) {
    String field = "original_max_position_embeddings";
    return config.integer(
        field, 1, LONGEST_CONTEXT, parameters.integer(field, 1, LONGEST_CONTEXT, contextLength));
  }

  private double factor(ConfigJson parameters, int originalContext) {
    return parameters.positive("factor", (double) contextLength / originalContext);
  }

  private RopeScaling yarn(ConfigJson parameters) {
    int original = originalContext(parameters);
    double factor = factor(parameters, original);
    double magnitude = RopeScaling.Yarn.suggestedMagnitude(factor);
    if (parameters.has("attention_factor")) {
      magnitude = parameters.positive("attention_factor");
    } else if (parameters.has("mscale") && parameters.has("mscale_all_dim")) {
      magnitude =
          RopeScaling.Yarn.suggestedMagnitude(factor, parameters.positive("mscale"))
              / RopeScaling.Yarn.suggestedMagnitude(factor, parameters.positive("mscale_all_dim"));
    }
    return new RopeScaling.Yarn(
        factor,
        original,
        parameters.positive("beta_fast", 32),
        parameters.positive("beta_slow", 1),
        parameters.flag("truncate", true),
        magnitude);
  }

  private RopeScaling longRope(ConfigJson parameters, int size) {
    int original = originalContext(parameters);
    double suggested =
        RopeScaling.LongRope.suggestedMagnitude(factor(parameters, original), original);
    var scaling =
        new RopeScaling.LongRope(
            parameters.positives("short_factor"),
            parameters.positives("long_factor"),
            original,
            parameters.positive("attention_factor", suggested));
    if (scaling.shortDivisors().size() != size / 2) {
      throw parameters.refusal("short_factor", wrongCount(scaling.shortDivisors().size(), size));
    }
    if (scaling.longDivisors().size() != size / 2) {
      throw parameters.refusal("long_factor", wrongCount(scaling.longDivisors().size(), size));
    }
    return scaling;
  }

  private static String wrongCount(int count, int size) {
    return "has %d factors where %d elements are rotated: %d are needed"
        .formatted(count, size, size / 2);
  }
}
