package dev.quire.engine.cpu.math;

import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a linear layer, {@code [outputs, inputs]}, row by row in the blocks of their type,
 * as they lie in the model file, and laid out for products where {@link WeightPacking} did that.
 *
 * @param type must be one that Quire decodes
 * @param data holds at least the matrix; lives as long as the model file
 * @param tiles null: products decode the rows as they lie
 */
public record Matrix(
    TensorType type, int outputs, int inputs, MemorySegment data, @Nullable WeightTiles tiles) {

  /**
   * Checks that the data's size fits.
   *
   * @throws IllegalArgumentException if it doesn't
   * @throws dev.quire.weights.WeightsException if the type isn't decoded, or rows don't fill blocks
   */
  public Matrix {
    Objects.requireNonNull(type.codec());
    long bytes = Math.multiplyExact(type.bytesFor(inputs), (long) outputs);
    if (outputs < 0 || inputs < 0 || data.byteSize() < bytes) {
      throw new IllegalArgumentException(
          "a %s matrix [%d, %d] takes %d bytes, not %d"
              .formatted(type, outputs, inputs, bytes, data.byteSize()));
    }
  }

  /** A matrix that isn't laid out. */
  public Matrix(TensorType type, int outputs, int inputs, MemorySegment data) {
    this(type, outputs, inputs, data, null);
  }

  /** A two-dimensional tensor as a matrix. */
  public static Matrix of(Tensor tensor) {
    return new Matrix(tensor.type(), tensor.rows(), tensor.columns(), tensor.data());
  }

  /** A matrix of floats, row by row; copied off the heap. */
  public static Matrix of(float[] values, int outputs, int inputs) {
    long bytes = (long) values.length * Float.BYTES;
    MemorySegment data = Arena.ofAuto().allocate(bytes, Long.BYTES);
    MemorySegment.copy(values, 0, data, ValueLayout.JAVA_FLOAT, 0, values.length);
    return new Matrix(TensorType.F32, outputs, inputs, data);
  }

  /** Bytes of one row. */
  public long rowBytes() {
    return type.bytesFor(inputs);
  }

  /**
   * Decodes one row: a token's embedding, say.
   *
   * @param target gets {@link #inputs} floats from {@code offset} on
   */
  public void decodeRow(int row, float[] target, int offset) {
    Objects.checkIndex(row, outputs);
    type.codec().decode(data, row * rowBytes(), target, offset, inputs);
  }
}
