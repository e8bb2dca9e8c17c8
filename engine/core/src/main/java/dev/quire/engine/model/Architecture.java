package dev.quire.engine.model;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** The architectures known, and what their name implies beyond what their files state. */
enum Architecture {
  LLAMA("llama", "llama", NormPlacement.BEFORE, QueryKeyNorm.NONE, RopeLayout.INTERLEAVED),
  MISTRAL("mistral", "", NormPlacement.BEFORE, QueryKeyNorm.NONE, RopeLayout.INTERLEAVED),
  MIXTRAL("mixtral", "", NormPlacement.BEFORE, QueryKeyNorm.NONE, RopeLayout.INTERLEAVED),
  GRANITE("granite", "granite", NormPlacement.BEFORE, QueryKeyNorm.NONE, RopeLayout.INTERLEAVED),
  SMOLLM3("smollm3", "smollm3", NormPlacement.BEFORE, QueryKeyNorm.NONE, RopeLayout.INTERLEAVED),
  QWEN2("qwen2", "qwen2", NormPlacement.BEFORE, QueryKeyNorm.NONE, RopeLayout.HALVES),
  QWEN2_MOE("qwen2_moe", "qwen2moe", NormPlacement.BEFORE, QueryKeyNorm.NONE, RopeLayout.HALVES),
  QWEN3("qwen3", "qwen3", NormPlacement.BEFORE, QueryKeyNorm.PER_HEAD, RopeLayout.HALVES),
  QWEN3_MOE(
      "qwen3_moe", "qwen3moe", NormPlacement.BEFORE, QueryKeyNorm.PER_HEAD, RopeLayout.HALVES),
  PHI3("phi3", "phi3", NormPlacement.BEFORE, QueryKeyNorm.NONE, RopeLayout.HALVES),
  OLMO2("olmo2", "olmo2", NormPlacement.AFTER, QueryKeyNorm.WHOLE_ROW, RopeLayout.HALVES),
  GEMMA2("gemma2", "gemma2", NormPlacement.AROUND, QueryKeyNorm.NONE, RopeLayout.HALVES),
  GEMMA3("gemma3_text", "gemma3", NormPlacement.AROUND, QueryKeyNorm.PER_HEAD, RopeLayout.HALVES);

  private final String huggingFaceName;
  private final String ggufName;
  private final NormPlacement normPlacement;
  private final QueryKeyNorm queryKeyNorm;
  private final RopeLayout ggufLayout;

  Architecture(
      String huggingFaceName,
      String ggufName,
      NormPlacement normPlacement,
      QueryKeyNorm queryKeyNorm,
      RopeLayout ggufLayout) {
    this.huggingFaceName = huggingFaceName;
    this.ggufName = ggufName;
    this.normPlacement = normPlacement;
    this.queryKeyNorm = queryKeyNorm;
    this.ggufLayout = ggufLayout;
  }

  /** The architecture of a {@code model_type}. */
  static Optional<Architecture> ofHuggingFace(String modelType) {
    return Arrays.stream(values()).filter(a -> a.huggingFaceName.equals(modelType)).findFirst();
  }

  /**
   * The architecture of a {@code general.architecture}. Converters write Mistral's and Mixtral's
   * models as {@code llama}, of which they are cases; files that name them are laid out the same.
   */
  static Optional<Architecture> ofGguf(String name) {
    if (name.equals(MISTRAL.huggingFaceName) || name.equals(MIXTRAL.huggingFaceName)) {
      return Optional.of(LLAMA);
    }
    return Arrays.stream(values())
        .filter(a -> !a.ggufName.isEmpty() && a.ggufName.equals(name))
        .findFirst();
  }

  /** What GGUF calls it; Mistral's and Mixtral's models are cases of {@code llama} there. */
  String ggufName() {
    return ggufName.isEmpty() ? LLAMA.ggufName : ggufName;
  }

  static String huggingFaceNames() {
    return Arrays.stream(values()).map(a -> a.huggingFaceName).collect(Collectors.joining(", "));
  }

  static String ggufNames() {
    return Arrays.stream(values())
        .map(a -> a.ggufName)
        .filter(name -> !name.isEmpty())
        .collect(Collectors.joining(", "));
  }

  NormPlacement normPlacement() {
    return normPlacement;
  }

  QueryKeyNorm queryKeyNorm() {
    return queryKeyNorm;
  }

  /** The layout that GGUF files hold query and key rows for. */
  RopeLayout ggufLayout() {
    return ggufLayout;
  }

  boolean isGemma() {
    return this == GEMMA2 || this == GEMMA3;
  }

  /** The activation of feed-forward layers, which GGUF has no word for. */
  Activation activation() {
    return isGemma() ? Activation.GELU_TANH : Activation.SILU;
  }

  /** Whether attention scores are capped; the others' code takes no notice of a file's cap. */
  boolean capsAttention() {
    return this == GEMMA2;
  }

  /** Whether a {@code config.json} may say of each layer whether it has a window. */
  boolean namesLayerTypes() {
    return switch (this) {
      case QWEN2, QWEN2_MOE, QWEN3, SMOLLM3, GEMMA2, GEMMA3 -> true;
      case LLAMA, MISTRAL, MIXTRAL, GRANITE, QWEN3_MOE, PHI3, OLMO2 -> false;
    };
  }

  /** Whether a {@code config.json} may have only a share of a head's elements rotated. */
  boolean rotatesPartially() {
    return this == PHI3;
  }

  /** Whether every layer has a window where a file states one without saying for which layers. */
  boolean windowsEveryLayer() {
    return this == LLAMA || this == MISTRAL || this == MIXTRAL || this == PHI3;
  }

  /** One layer in so many attends to everything where a file states a window; 0: not so. */
  int fullAttentionInterval() {
    return switch (this) {
      case GEMMA2 -> 2;
      case GEMMA3 -> 6;
      default -> 0;
    };
  }

  /** One layer in so many has no rotary embedding; 0: all have. */
  int noRopeInterval() {
    return this == SMOLLM3 ? 4 : 0;
  }

  /** Whether the weights of the experts picked are scaled to sum to one, unless a file says. */
  boolean normalisesExperts() {
    return this != QWEN2_MOE;
  }

  /**
   * A size where a {@code config.json} leaves it out, as those of Gemma 3's composite models do; 0:
   * it must be there.
   */
  int defaultSize(String field) {
    if (this != GEMMA3) {
      return 0;
    }
    return switch (field) {
      case "vocab_size" -> 262_208;
      case "num_attention_heads" -> 8;
      case "num_key_value_heads" -> 4;
      case "max_position_embeddings" -> 131_072;
      default -> 0;
    };
  }

  /** Head size where a {@code config.json} leaves it out; 0: hidden size over heads. */
  int defaultHeadSize() {
    return switch (this) {
      case GEMMA2, GEMMA3 -> 256;
      case QWEN3 -> 128;
      default -> 0;
    };
  }

  /** Rotary base where a {@code config.json} leaves it out. */
  double defaultRopeBase() {
    return switch (this) {
      case GEMMA3, MIXTRAL -> 1_000_000;
      case SMOLLM3 -> 2_000_000;
      default -> 10_000;
    };
  }
}
