package dev.quire.engine;

import dev.quire.weights.GgufFile;
import dev.quire.weights.HuggingFaceFolder;
import dev.quire.weights.ModelFile;
import dev.quire.weights.WeightsException;
import dev.quire.weights.gguf.Metadata;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Reads {@link SamplingDefaults}: from {@code generation_config.json}, or from the metadata {@code
 * general.sampling.…} that llama.cpp's converter makes of it.
 */
final class SamplingDefaultsReader {
  private static final String PREFIX = "general.sampling.";

  private SamplingDefaultsReader() {}

  /**
   * @throws WeightsException naming the file if it asks for what makes no sense
   */
  static SamplingDefaults read(ModelFile file) {
    Path path =
        file instanceof HuggingFaceFolder folder
            ? folder.path().resolve("generation_config.json")
            : file.path();
    try {
      return switch (file) {
        case GgufFile gguf -> ofMetadata(gguf.metadata());
        case HuggingFaceFolder folder -> ofJson(path, folder.generationConfig());
      };
    } catch (QuireException e) {
      throw WeightsException.in(path, "sampling default " + e.getMessage());
    }
  }

  private static SamplingDefaults ofMetadata(Metadata metadata) {
    Double topK = number(metadata, "top_k");
    return new SamplingDefaults(
        number(metadata, "temp"),
        topK == null ? null : (int) Math.clamp(topK, 0, Integer.MAX_VALUE),
        number(metadata, "top_p"),
        number(metadata, "min_p"),
        null,
        number(metadata, "penalty_repeat"));
  }

  private static @Nullable Double number(Metadata metadata, String name) {
    String key = PREFIX + name;
    // Through the decimal spelling: what was 0.7 is 0.7 again.
    return metadata.has(key) ? Double.valueOf(Float.toString(metadata.number(key))) : null;
  }

  private static SamplingDefaults ofJson(Path path, @Nullable JsonNode json) {
    if (json == null) {
      return SamplingDefaults.NONE;
    }
    Double topK = number(path, json, "top_k");
    return new SamplingDefaults(
        number(path, json, "temperature"),
        topK == null ? null : (int) Math.clamp(topK, 0, Integer.MAX_VALUE),
        number(path, json, "top_p"),
        number(path, json, "min_p"),
        number(path, json, "typical_p"),
        number(path, json, "repetition_penalty"));
  }

  private static @Nullable Double number(Path path, JsonNode json, String field) {
    JsonNode value = json.get(field);
    if (value == null || value.isNull()) {
      return null;
    }
    if (!value.isNumber()) {
      throw WeightsException.in(path, field + " is " + value + " where a number is needed");
    }
    return value.doubleValue();
  }
}
