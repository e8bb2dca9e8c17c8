package dev.quire.weights;

import dev.quire.weights.safetensors.SafetensorsFile;
import dev.quire.weights.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A model in a folder as Hugging Face's transformers writes it: {@code config.json}, and either
 * {@code model.safetensors} or several files that {@code model.safetensors.index.json} lists.
 */
public final class HuggingFaceFolder implements ModelFile {
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  /** JSON beside the weights is small, but for tokenizer.json, which isn't read here. */
  private static final long LARGEST_JSON = 256L << 20;

  private final Path path;
  private final JsonNode config;
  private final List<SafetensorsFile> files;
  private final Map<String, Tensor> tensors;

  private HuggingFaceFolder(
      Path path, JsonNode config, List<SafetensorsFile> files, Map<String, Tensor> tensors) {
    this.path = path;
    this.config = config;
    this.files = List.copyOf(files);
    this.tensors = Collections.unmodifiableMap(tensors);
  }

  /**
   * Opens a folder.
   *
   * @throws WeightsException if a file is missing or unsound, the index and the files disagree, or
   *     the weights are in a quantised form that Quire doesn't read (it names it)
   */
  public static HuggingFaceFolder open(Path folder) {
    Path configFile = folder.resolve("config.json");
    if (!Files.isRegularFile(configFile)) {
      throw WeightsException.in(
          folder, "no config.json in this folder; name a GGUF file or a Hugging Face folder");
    }
    JsonNode config = json(configFile);
    refuseQuantized(config, configFile);
    List<SafetensorsFile> files = new ArrayList<>();
    try {
      Map<String, Tensor> tensors = openTensors(folder, files);
      return new HuggingFaceFolder(folder, config, files, tensors);
    } catch (RuntimeException e) {
      files.forEach(SafetensorsFile::close);
      throw e;
    }
  }

  private static void refuseQuantized(JsonNode config, Path file) {
    JsonNode quantization = config.get("quantization_config");
    if (quantization == null || quantization.isNull()) {
      return;
    }
    JsonNode method = quantization.get("quant_method");
    String name =
        method != null && method.isString() ? method.stringValue() : "of an unnamed method";
    throw WeightsException.in(
        file,
        "quantization_config: weights quantised by '%s' aren't supported; take the original"
                .formatted(name)
            + " weights or a GGUF file");
  }

  private static Map<String, Tensor> openTensors(Path folder, List<SafetensorsFile> files) {
    if (Files.isRegularFile(folder.resolve(SINGLE))) {
      SafetensorsFile file = SafetensorsFile.open(folder.resolve(SINGLE));
      files.add(file);
      return file.tensors();
    }
    Path index = folder.resolve(INDEX);
    if (Files.isRegularFile(index)) {
      return openIndexed(folder, index, files);
    }
    throw WeightsException.in(folder, "neither %s nor %s in this folder".formatted(SINGLE, INDEX));
  }

  private static Map<String, Tensor> openIndexed(
      Path folder, Path index, List<SafetensorsFile> files) {
    Map<String, String> places = places(index);
    Map<String, SafetensorsFile> byName = new LinkedHashMap<>();
    for (String name : new TreeSet<>(places.values())) {
      SafetensorsFile file = SafetensorsFile.open(folder.resolve(name));
      files.add(file);
      byName.put(name, file);
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (SafetensorsFile file : files) {
      for (Tensor tensor : file.tensors().values()) {
        String place = places.get(tensor.name());
        if (place == null || byName.get(place) != file) {
          throw WeightsException.in(
              file.path(),
              "tensor '%s' isn't where %s says: %s".formatted(tensor.name(), INDEX, place));
        }
        tensors.put(tensor.name(), tensor);
      }
    }
    for (Map.Entry<String, String> place : places.entrySet()) {
      if (!tensors.containsKey(place.getKey())) {
        throw WeightsException.in(
            folder.resolve(place.getValue()),
            "lacks tensor '%s', which %s places there".formatted(place.getKey(), INDEX));
      }
    }
    return tensors;
  }

  /** Tensor name to file name. */
  private static Map<String, String> places(Path index) {
    JsonNode map = json(index).get("weight_map");
    if (map == null || !map.isObject()) {
      throw WeightsException.in(index, "weight_map is missing");
    }
    Map<String, String> places = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      JsonNode value = entry.getValue();
      // A plain name: an index must not reach files outside its folder.
      if (!value.isString() || !value.stringValue().matches("[^/\\\\\0]+\\.safetensors")) {
        throw WeightsException.in(
            index,
            "weight_map places tensor '%s' in %s, which isn't the name of a safetensors file"
                .formatted(entry.getKey(), value));
      }
      places.put(entry.getKey(), value.stringValue());
    }
    return places;
  }

  private static JsonNode json(Path file) {
    try {
      if (Files.size(file) > LARGEST_JSON) {
        throw WeightsException.in(file, "is too large: %d bytes".formatted(Files.size(file)));
      }
      var factory =
          JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();
      JsonNode node = JsonMapper.builder(factory).build().readTree(Files.readAllBytes(file));
      if (!node.isObject()) {
        throw WeightsException.in(file, "isn't a JSON object");
      }
      return node;
    } catch (JacksonException e) {
      throw new WeightsException(
          "%s: line %d: not sound JSON: %s"
              .formatted(
                  file,
                  e.getLocation() == null ? 0 : e.getLocation().getLineNr(),
                  e.getOriginalMessage()),
          e);
    } catch (IOException e) {
      throw new WeightsException(file + ": can't be read: " + e.getMessage(), e);
    }
  }

  private @Nullable JsonNode optionalJson(String name) {
    Path file = path.resolve(name);
    return Files.isRegularFile(file) ? json(file) : null;
  }

  private @Nullable Path optionalFile(String name) {
    Path file = path.resolve(name);
    return Files.isRegularFile(file) ? file : null;
  }

  /** {@code config.json}: architecture and sizes. */
  public JsonNode config() {
    return config;
  }

  /** {@code generation_config.json}: ends of turn and sampling defaults; read at every call. */
  public @Nullable JsonNode generationConfig() {
    return optionalJson("generation_config.json");
  }

  /** {@code tokenizer_config.json}; read at every call. */
  public @Nullable JsonNode tokenizerConfig() {
    return optionalJson("tokenizer_config.json");
  }

  /** {@code tokenizer.json}, if the folder has one. */
  public @Nullable Path tokenizer() {
    return optionalFile("tokenizer.json");
  }

  /** {@code chat_template.jinja}, if the folder has one. */
  public @Nullable Path chatTemplate() {
    return optionalFile("chat_template.jinja");
  }

  /** The files that hold the tensors. */
  public List<Path> files() {
    return files.stream().map(SafetensorsFile::path).toList();
  }

  @Override
  public Path path() {
    return path;
  }

  @Override
  public Collection<Tensor> tensors() {
    return tensors.values();
  }

  @Override
  public @Nullable Tensor tensor(String name) {
    return tensors.get(name);
  }

  @Override
  public void close() {
    files.forEach(SafetensorsFile::close);
  }
}
