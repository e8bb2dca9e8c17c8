package dev.quire.weights.quantize;

import dev.quire.weights.WeightsException;
import dev.quire.weights.tensor.TensorType;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * Which type each tensor of a model gets when the model as a whole is to have one.
 *
 * <p>Matrices get the wanted type where their rows fill its blocks, else Q8_0 where they fill
 * those, else F16. Vectors (norms, biases, rotary factors) and the small matrices that route to
 * experts stay F32, as llama.cpp keeps them.
 */
public final class TypePlan {
  private TypePlan() {}

  /**
   * The type of one tensor.
   *
   * @param shape outermost dimension first
   */
  public static TensorType typeOf(String name, long[] shape, TensorType wanted) {
    if (shape.length < 2 || name.endsWith("ffn_gate_inp.weight") || name.contains("_norm")) {
      return TensorType.F32;
    }
    long row = shape[shape.length - 1];
    if (row % wanted.blockElements() == 0) {
      return wanted;
    }
    return row % TensorType.Q8_0.blockElements() == 0 ? TensorType.Q8_0 : TensorType.F16;
  }

  /**
   * Checks that models can be written in a type.
   *
   * @throws WeightsException if they can't; it names the types that they can be written in
   */
  public static void requireWritable(TensorType type) {
    if (!type.isSupported() || !type.codec().canEncode()) {
      String writable =
          Arrays.stream(TensorType.values())
              .filter(t -> t.isSupported() && t.codec().canEncode())
              .map(Enum::name)
              .collect(Collectors.joining(", "));
      throw new WeightsException(
          "models can't be written as %s; these are possible: %s".formatted(type, writable));
    }
  }

  /** GGUF's {@code general.file_type} of a model whose matrices have this type. */
  public static int fileType(TensorType type) {
    return switch (type) {
      case F32 -> 0;
      case F16 -> 1;
      case Q4_0 -> 2;
      case Q8_0 -> 7;
      case Q4_K -> 14;
      case Q5_K -> 16;
      case Q6_K -> 18;
      case BF16 -> 32;
      default -> throw new WeightsException("no file type for " + type);
    };
  }
}
