package dev.quire.engine.tornado;

import dev.quire.kernels.NibbleTiles;
import dev.quire.kernels.QuantTiles;
import dev.quire.kernels.WeightTiles;
import dev.quire.weights.tensor.TensorType;
import java.util.List;
import java.util.Set;

/** The form in which matrices, one above the other, lie on the device. */
enum WeightForm {
  /** {@link WeightTiles}. */
  HALVES,
  /** BF16 in the places of {@link WeightTiles}, where values lie outside of a half's range. */
  BRAINS,
  /** {@link QuantTiles}. */
  BYTES,
  /** {@link NibbleTiles}. */
  NIBBLES;

  private static final Set<TensorType> FOUR_BITS = Set.of(TensorType.Q4_0, TensorType.Q4_K);

  /**
   * The same, but {@link #BRAINS} where halves don't hold what the parts have: that takes as much
   * memory, and reading all of BF16's parts.
   */
  static WeightForm ofValues(List<MatrixPart> parts) {
    WeightForm form = of(parts);
    return form == HALVES
            && parts.stream().allMatch(part -> part.tensor().type() == TensorType.BF16)
            && parts.stream().anyMatch(part -> Bf16Range.exceedsHalves(part.tensor().data()))
        ? BRAINS
        : form;
  }

  /** Kept as in the file if all parts have one form that the kernels read; else halves. */
  static WeightForm of(List<MatrixPart> parts) {
    if (parts.stream().anyMatch(part -> !wholeGroups(part.columns()))) {
      return HALVES;
    }
    if (parts.stream().allMatch(part -> part.tensor().type() == TensorType.Q8_0)) {
      return BYTES;
    }
    return parts.stream().allMatch(part -> FOUR_BITS.contains(part.tensor().type()))
        ? NIBBLES
        : HALVES;
  }

  /** Whether inputs that share a scale in the file lie beside each other on the device. */
  private static boolean wholeGroups(Extent inputs) {
    return inputs.isWhole() && inputs.total() % QuantTiles.GROUP_INPUTS == 0;
  }

  /** Bytes on the device. */
  long bytes(int outputs, int inputs) {
    return switch (this) {
      case HALVES, BRAINS -> 2 * WeightTiles.elements(outputs, inputs);
      case BYTES -> 4 * QuantTiles.quants(outputs, inputs) + 2 * QuantTiles.scales(outputs, inputs);
      case NIBBLES ->
          4 * NibbleTiles.nibbles(outputs, inputs) + 2 * NibbleTiles.steps(outputs, inputs);
    };
  }
}
