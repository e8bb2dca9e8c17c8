package dev.quire.engine;

import dev.quire.engine.chat.GgufTemplate;
import dev.quire.engine.model.DecoderModel;
import dev.quire.engine.model.GgufDescription;
import dev.quire.engine.model.GgufExport;
import dev.quire.engine.model.ModelLoader;
import dev.quire.tokenizer.chat.FolderTemplate;
import dev.quire.tokenizer.chat.TemplateTexts;
import dev.quire.weights.HuggingFaceFolder;
import dev.quire.weights.Progress;
import dev.quire.weights.WeightsException;
import dev.quire.weights.gguf.GgufWriter;
import dev.quire.weights.gguf.Metadata;
import dev.quire.weights.gguf.MetadataBuilder;
import dev.quire.weights.quantize.TypePlan;
import dev.quire.weights.tensor.TensorType;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes a Hugging Face folder as one GGUF file, its matrices in a type of choice. */
public final class FolderConverter {
  private FolderConverter() {}

  /**
   * Converts {@code folder} into the file {@code output}, replacing one that is there. Memory is
   * bounded by a few MiB a core, whatever the model's size.
   *
   * @param type of the matrices, where their rows fill its blocks
   * @throws WeightsException if the folder isn't a model that runs, GGUF can't say what it has,
   *     models can't be written in this type, or the output can't be written
   */
  public static void convert(Path folder, Path output, TensorType type, Progress progress) {
    TypePlan.requireWritable(type);
    try (HuggingFaceFolder source = HuggingFaceFolder.open(folder)) {
      DecoderModel model = ModelLoader.load(source);
      MetadataBuilder metadata = Metadata.builder();
      GgufDescription.write(model.spec(), metadata);
      metadata.string(
          "general.name", String.valueOf(folder.toAbsolutePath().normalize().getFileName()));
      metadata.integer("general.file_type", TypePlan.fileType(type));
      metadata.integer("general.quantization_version", 2);
      sampling(SamplingDefaultsReader.read(source), metadata);
      GgufTokenizer.write(source, metadata);
      TemplateTexts templates = FolderTemplate.read(folder);
      if (templates != null) {
        metadata.string(GgufTemplate.KEY, templates.usual());
        if (templates.toolUse() != null) {
          metadata.strings("tokenizer.chat_templates", List.of("tool_use"));
          metadata.string(GgufTemplate.TOOL_USE_KEY, templates.toolUse());
        }
      }
      var writer = new GgufWriter(metadata.build());
      GgufExport.addTensors(model, type, writer);
      writer.write(output, progress);
    }
  }

  private static void sampling(SamplingDefaults own, MetadataBuilder metadata) {
    number(metadata, "temp", own.temperature());
    if (own.topK() != null) {
      metadata.integer("general.sampling.top_k", own.topK());
    }
    number(metadata, "top_p", own.topP());
    number(metadata, "min_p", own.minP());
    number(metadata, "penalty_repeat", own.repetitionPenalty());
  }

  private static void number(MetadataBuilder metadata, String name, @Nullable Double value) {
    if (value != null) {
      metadata.number("general.sampling." + name, value.floatValue());
    }
  }
}
