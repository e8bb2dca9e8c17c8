package dev.quire.weights;

import dev.quire.weights.gguf.Metadata;
import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/**
 * What a model file holds, for people and programs to look at.
 *
 * @param format such as {@code GGUF 3}
 * @param files that make up the model
 * @param metadata of a GGUF file, or the fields of {@code config.json}
 * @param parameters elements of all tensors together
 * @param tensorBytes bytes of all tensors together
 * @param types how much of the model each tensor type makes up; types that occur
 */
public record ModelSummary(
    String format,
    List<Path> files,
    List<Field> metadata,
    List<TensorEntry> tensors,
    long parameters,
    long tensorBytes,
    List<TypeShare> types) {
  private static final int SHOWN_ELEMENTS = 16;

  /**
   * One metadata value.
   *
   * @param type such as {@code u32} or {@code [string; 4096]}
   * @param value as {@link Metadata#raw} gives it; of a long array the first elements
   * @param count elements of an array, 1 for other values
   */
  public record Field(String key, String type, Object value, long count) {}

  /**
   * @param shape outermost dimension first
   */
  public record TensorEntry(String name, TensorType type, List<Long> shape, long bytes) {}

  /**
   * @param tensors how many have this type
   */
  public record TypeShare(TensorType type, int tensors, long elements, long bytes) {}

  /** Looks through a model's directory; no tensor's data is read. */
  public static ModelSummary of(ModelFile model) {
    List<TensorEntry> entries = new ArrayList<>();
    Map<TensorType, TypeShare> shares = new EnumMap<>(TensorType.class);
    long parameters = 0;
    long bytes = 0;
    for (Tensor tensor : model.tensors()) {
      long size = tensor.data().byteSize();
      List<Long> shape = Arrays.stream(tensor.shape()).boxed().toList();
      entries.add(new TensorEntry(tensor.name(), tensor.type(), shape, size));
      shares.merge(
          tensor.type(),
          new TypeShare(tensor.type(), 1, tensor.elements(), size),
          (a, b) ->
              new TypeShare(
                  a.type, a.tensors + b.tensors, a.elements + b.elements, a.bytes + b.bytes));
      parameters += tensor.elements();
      bytes += size;
    }
    return switch (model) {
      case GgufFile gguf ->
          new ModelSummary(
              "GGUF " + gguf.version(),
              gguf.files(),
              fields(gguf.metadata()),
              entries,
              parameters,
              bytes,
              List.copyOf(shares.values()));
      case HuggingFaceFolder folder ->
          new ModelSummary(
              "Hugging Face",
              folder.files(),
              fields(folder),
              entries,
              parameters,
              bytes,
              List.copyOf(shares.values()));
    };
  }

  private static List<Field> fields(Metadata metadata) {
    List<Field> fields = new ArrayList<>();
    for (String key : metadata.keys()) {
      Object value = Objects.requireNonNull(metadata.raw(key));
      if (value instanceof List<?> list && list.size() > SHOWN_ELEMENTS) {
        value = List.copyOf(list.subList(0, SHOWN_ELEMENTS));
      }
      fields.add(new Field(key, metadata.typeName(key), value, metadata.count(key)));
    }
    return fields;
  }

  private static List<Field> fields(HuggingFaceFolder folder) {
    List<Field> fields = new ArrayList<>();
    folder
        .config()
        .properties()
        .forEach(
            property ->
                fields.add(
                    new Field(
                        property.getKey(),
                        property.getValue().getNodeType().name().toLowerCase(Locale.ROOT),
                        property.getValue().isString()
                            ? property.getValue().stringValue()
                            : property.getValue().toString(),
                        Math.max(1, property.getValue().size()))));
    return fields;
  }
}
