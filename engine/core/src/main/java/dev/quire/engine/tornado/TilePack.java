package dev.quire.engine.tornado;

import dev.quire.kernels.WeightTiles;
import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;

/**
 * A matrix of two bytes a weight whose rows come to the device as the file has them, and become
 * tiles of halves there.
 *
 * @param weights the tiles
 * @param rows those of the matrix, all of one type, F16 or BF16
 */
record TilePack(HalfFloatArray weights, WeightPacker.Rows rows, int inputs) {
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final int BLOCK = WeightTiles.OUTPUTS;

  /** Whether a matrix is one of these: the packing kernels take its rows as they lie. */
  static boolean takes(WeightPacker.Rows rows) {
    TensorType type = rows.parts().getFirst().tensor().type();
    return (type == TensorType.F16 || type == TensorType.BF16)
        && rows.parts().stream()
            .allMatch(part -> part.tensor().type() == type && part.columns().isWhole());
  }

  boolean brains() {
    return rows.parts().getFirst().tensor().type() == TensorType.BF16;
  }

  /** Blocks of eight outputs, those of zeros at the end included. */
  int blocks() {
    return (weights.getSize() - WeightTiles.START) / (BLOCK * WeightTiles.paddedInputs(inputs));
  }

  /** Blocks that so many staged elements hold. */
  int blocksIn(long elements) {
    return Math.toIntExact(Math.clamp(elements / ((long) BLOCK * inputs), 1, blocks()));
  }

  /** Copies blocks as they lie in the file; zeros where the matrix has no rows. */
  void stage(MemorySegment staged, int firstBlock, int count) {
    long rowBytes = 2L * inputs;
    IntStream.range(0, count * BLOCK)
        .parallel()
        .forEach(
            r -> {
              int output = firstBlock * BLOCK + r;
              WeightPacker.Row row = output < rows.size() ? rows.get(output) : null;
              if (row == null || row.empty()) {
                staged.asSlice(r * rowBytes, rowBytes).fill((byte) 0);
              } else {
                long from = row.row() * rowBytes;
                MemorySegment.copy(row.tensor().data(), from, staged, r * rowBytes, rowBytes);
              }
            });
  }

  /** What an element of the tiles becomes. */
  float expected(int element) {
    int within = element - WeightTiles.START;
    int padded = WeightTiles.paddedInputs(inputs);
    int output = within / (BLOCK * padded) * BLOCK + within % BLOCK;
    int input = within / BLOCK % padded;
    if (within < 0 || input >= inputs || output >= rows.size() || rows.get(output).empty()) {
      return 0;
    }
    WeightPacker.Row row = rows.get(output);
    short bits = row.tensor().data().get(SHORT, 2 * ((long) row.row() * inputs + input));
    short half = brains() ? Float.floatToFloat16(Float.intBitsToFloat(bits << 16)) : bits;
    return Float.float16ToFloat(half);
  }
}
