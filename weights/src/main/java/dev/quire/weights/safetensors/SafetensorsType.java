package dev.quire.weights.safetensors;

import dev.quire.weights.WeightsException;
import dev.quire.weights.tensor.TensorType;

/** The names that safetensors gives to element types, of those that Quire knows. */
final class SafetensorsType {
  private SafetensorsType() {}

  static TensorType ofName(String name) {
    return switch (name) {
      case "F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8" -> TensorType.valueOf(name);
      default ->
          throw new WeightsException(
              "type '" + name + "' isn't supported; F32, F16, BF16, F64 and I8 to I64 are");
    };
  }

  static String nameOf(TensorType type) {
    return switch (type) {
      case F64, F32, F16, BF16, I64, I32, I16, I8 -> type.name();
      default -> throw new WeightsException("safetensors has no type " + type);
    };
  }
}
