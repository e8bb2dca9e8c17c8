package dev.quire.engine.model;

import dev.quire.weights.GgufFile;
import dev.quire.weights.HuggingFaceFolder;
import dev.quire.weights.ModelFile;
import dev.quire.weights.WeightsException;
import dev.quire.weights.tensor.Tensor;
import java.util.List;
import java.util.function.Predicate;

/** Makes a {@link DecoderModel} of a file: reads its spec, binds its tensors. */
public final class ModelLoader {
  /** Where the decoder's tensors may stand in a folder; composite models nest it. */
  private static final List<String> HUGGING_FACE_PREFIXES =
      List.of("model.", "model.language_model.", "language_model.model.", "");

  private ModelLoader() {}

  /**
   * Whether a file runs.
   *
   * @param runs whether {@link #load} would give a model
   * @param reason what it runs as, or why it doesn't
   */
  public record Capability(boolean runs, String reason) {}

  /**
   * Loads a model. No matrix is copied or read, so that this takes milliseconds.
   *
   * @throws WeightsException naming file and field or tensor, if the architecture isn't known, a
   *     value makes no sense or isn't supported, or a tensor is missing or misshapen
   */
  public static DecoderModel load(ModelFile file) {
    try {
      return switch (file) {
        case GgufFile gguf -> loadGguf(gguf);
        case HuggingFaceFolder folder -> loadFolder(folder);
      };
    } catch (ArithmeticException e) {
      throw new WeightsException(
          file.path() + ": the model's sizes are impossibly large: " + e.getMessage(), e);
    }
  }

  /** Tries to load a model, for reports; never throws for what is wrong with a file. */
  public static Capability examine(ModelFile file) {
    try {
      DecoderSpec spec = load(file).spec();
      return new Capability(
          true,
          "%s, %d layers, vocabulary %d, context %d"
              .formatted(
                  spec.architecture(),
                  spec.layers().size(),
                  spec.vocabularySize(),
                  spec.contextLength()));
    } catch (WeightsException e) {
      return new Capability(false, String.valueOf(e.getMessage()));
    }
  }

  private static DecoderModel loadGguf(GgufFile file) {
    DecoderSpec spec = GgufSpec.read(file);
    var tensors = new TensorSource(file, "");
    var binder = new WeightBinder(spec, tensors, TensorNaming.GGUF, false);
    Tensor embedding =
        tensors.tensor("token_embd.weight", spec.vocabularySize(), spec.hiddenSize());
    return new DecoderModel(
        spec,
        embedding,
        binder.layers(),
        binder.norm("output_norm.weight", spec.hiddenSize()),
        spec.tiedHead()
            ? embedding
            : tensors.tensor("output.weight", spec.vocabularySize(), spec.hiddenSize()));
  }

  private static DecoderModel loadFolder(HuggingFaceFolder folder) {
    String prefix = prefix(folder);
    Predicate<String> hasTensor =
        name -> folder.tensor(prefix + name) != null || folder.tensor(name) != null;
    ConfigJson config =
        HuggingFaceSpec.textConfig(folder.path().resolve("config.json"), folder.config());
    DecoderSpec spec = HuggingFaceSpec.read(config, hasTensor);
    var tensors = new TensorSource(folder, prefix);
    var binder =
        new WeightBinder(
            spec,
            tensors,
            TensorNaming.HUGGING_FACE,
            HuggingFaceSpec.architecture(config).isGemma());
    Tensor embedding =
        tensors.tensor("embed_tokens.weight", spec.vocabularySize(), spec.hiddenSize());
    return new DecoderModel(
        spec,
        embedding,
        binder.layers(),
        binder.norm("norm.weight", spec.hiddenSize()),
        spec.tiedHead()
            ? embedding
            : tensors.outer(headName(folder), spec.vocabularySize(), spec.hiddenSize()));
  }

  private static String headName(HuggingFaceFolder folder) {
    String nested = "language_model.lm_head.weight";
    return folder.tensor(nested) != null ? nested : "lm_head.weight";
  }

  private static String prefix(HuggingFaceFolder folder) {
    return HUGGING_FACE_PREFIXES.stream()
        .filter(prefix -> folder.tensor(prefix + "embed_tokens.weight") != null)
        .findFirst()
        .orElse(HUGGING_FACE_PREFIXES.getFirst());
  }
}
