package dev.quire.engine.tornado;

import dev.quire.kernels.NibbleTiles;
import dev.quire.kernels.QuantTiles;
import dev.quire.kernels.WeightTiles;
import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.util.List;
import java.util.Set;

/** The form in which matrices, one above the other, lie on the device. */
enum WeightForm {
  /** {@link WeightTiles}. */
  HALVES,
  /** {@link QuantTiles}. */
  BYTES,
  /** {@link NibbleTiles}. */
  NIBBLES;

  private static final Set<TensorType> FOUR_BITS = Set.of(TensorType.Q4_0, TensorType.Q4_K);

  /** Kept as in the file if all parts have one form that the kernels read; else halves. */
  static WeightForm of(List<Tensor> parts) {
    if (parts.stream().anyMatch(part -> part.columns() % QuantTiles.GROUP_INPUTS != 0)) {
      return HALVES;
    }
    if (parts.stream().allMatch(part -> part.type() == TensorType.Q8_0)) {
      return BYTES;
    }
    return parts.stream().allMatch(part -> FOUR_BITS.contains(part.type())) ? NIBBLES : HALVES;
  }

  /** Bytes on the device. */
  long bytes(int outputs, int inputs) {
    return switch (this) {
      case HALVES -> 2 * WeightTiles.elements(outputs, inputs);
      case BYTES -> 4 * QuantTiles.quants(outputs, inputs) + 2 * QuantTiles.scales(outputs, inputs);
      case NIBBLES ->
          4 * NibbleTiles.nibbles(outputs, inputs) + 2 * NibbleTiles.steps(outputs, inputs);
    };
  }
}
