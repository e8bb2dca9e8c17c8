package dev.quire.weights.quantize;

import dev.quire.weights.GgufFile;
import dev.quire.weights.ModelFile;
import dev.quire.weights.Progress;
import dev.quire.weights.WeightsException;
import dev.quire.weights.gguf.GgufWriter;
import dev.quire.weights.gguf.Metadata;
import dev.quire.weights.gguf.MetadataBuilder;
import dev.quire.weights.gguf.TensorSource;
import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes a GGUF model anew with its matrices in another type, as {@link TypePlan} says. Metadata is
 * kept. Memory is bounded by a few MiB a core, whatever the model's size.
 */
public final class Quantizer {
  private static final List<String> SPLIT_KEYS =
      List.of("split.no", "split.count", "split.tensors.count");

  private final TensorType type;

  /**
   * @throws WeightsException if models can't be written in this type
   */
  public Quantizer(TensorType type) {
    TypePlan.requireWritable(type);
    this.type = type;
  }

  /**
   * Quantises {@code input} into the file {@code output}, replacing one that is there.
   *
   * @throws WeightsException if the input isn't a GGUF model, holds NaN or infinities, or the
   *     output can't be written or is the input
   */
  public void quantize(Path input, Path output, Progress progress) {
    try (ModelFile model = ModelFile.open(input)) {
      if (!(model instanceof GgufFile gguf)) {
        throw WeightsException.in(input, "only GGUF files can be quantised; convert it first");
      }
      for (Path file : gguf.files()) {
        requireOther(file, output);
      }
      write(gguf, output, progress);
    }
  }

  private static void requireOther(Path input, Path output) {
    try {
      if (Files.exists(output) && Files.isSameFile(input, output)) {
        throw WeightsException.in(output, "is the input; write to another file");
      }
    } catch (IOException e) {
      throw new WeightsException(output + ": can't be read: " + e.getMessage(), e);
    }
  }

  private void write(GgufFile input, Path output, Progress progress) {
    MetadataBuilder metadata = Metadata.builder().all(input.metadata());
    SPLIT_KEYS.forEach(metadata::remove);
    metadata.integer("general.file_type", TypePlan.fileType(type));
    metadata.integer("general.quantization_version", 2);
    var writer = new GgufWriter(metadata.build());
    for (Tensor tensor : input.tensors()) {
      TensorType target = targetType(tensor);
      if (target == tensor.type()) {
        writer.add(tensor);
      } else {
        writer.add(tensor.name(), target, tensor.shape(), convert(tensor, target));
      }
    }
    writer.write(output, progress);
  }

  private TensorType targetType(Tensor tensor) {
    return switch (tensor.type()) {
      case I8, I16, I32, I64, F64 -> tensor.type();
      default -> TypePlan.typeOf(tensor.name(), tensor.shape(), type);
    };
  }

  private static TensorSource convert(Tensor tensor, TensorType target) {
    TensorType from = tensor.type();
    return (first, elements, piece) -> {
      float[] values = new float[elements];
      from.codec().decode(tensor.data(), from.bytesFor(first), values, 0, elements);
      requireFinite(tensor, first, values);
      target.codec().encode(values, 0, piece, 0, elements);
    };
  }

  private static void requireFinite(Tensor tensor, long first, float[] values) {
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new WeightsException(
            "tensor '%s' holds %s at element %d, which can't be quantised"
                .formatted(tensor.name(), values[i], first + i));
      }
    }
  }
}
