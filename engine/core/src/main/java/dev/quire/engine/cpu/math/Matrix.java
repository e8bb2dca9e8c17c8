package dev.quire.engine.cpu.math;

import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * The weights of a linear layer, {@code [outputs, inputs]}, row by row in the blocks of their type,
 * as they lie in the model file. Nothing is copied: products decode what they read.
 *
 * @param type must be one that Quire decodes
 * @param data holds at least the matrix; lives as long as the model file
 */
public record Matrix(TensorType type, int outputs, int inputs, MemorySegment data) {

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

  /** The rows {@code [from, to)} as a matrix of their own, sharing the data. */
  public Matrix slice(int from, int to) {
    Objects.checkFromToIndex(from, to, outputs);
    long row = rowBytes();
    return new Matrix(type, to - from, inputs, data.asSlice(from * row, (to - from) * row));
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
