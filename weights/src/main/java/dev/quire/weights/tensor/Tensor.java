package dev.quire.weights.tensor;

import dev.quire.weights.WeightsException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * One tensor over mapped memory.
 *
 * @param shape outermost dimension first, row-major, as PyTorch writes it: a linear layer's matrix
 *     is {@code [outputs, inputs]}. GGUF's reversed order never leaves its reader and writer.
 * @param data exactly the tensor's bytes, little endian, at any alignment; lives as long as the
 *     model file it comes from
 */
@SuppressWarnings("ArrayRecordComponent") // dimensions are small and nobody compares tensors
public record Tensor(String name, TensorType type, long[] shape, MemorySegment data) {

  /**
   * Checks that the data's size is what type and shape ask for.
   *
   * @throws WeightsException if it isn't
   */
  public Tensor {
    long bytes = bytes(name, type, shape);
    if (data.byteSize() != bytes) {
      throw new WeightsException(
          "tensor '%s' %s %s takes %d bytes, not %d"
              .formatted(name, type, Arrays.toString(shape), bytes, data.byteSize()));
    }
  }

  /**
   * The bytes that a tensor takes.
   *
   * @throws WeightsException if a dimension is negative, the size overflows, or rows don't fill
   *     whole blocks
   */
  public static long bytes(String name, TensorType type, long[] shape) {
    try {
      long elements = elements(shape);
      long row = shape.length == 0 ? 1 : shape[shape.length - 1];
      if (row % type.blockElements() != 0) {
        throw new WeightsException(
            "tensor '%s': rows of %d elements don't fill %s blocks of %d"
                .formatted(name, row, type, type.blockElements()));
      }
      return type.bytesFor(elements);
    } catch (ArithmeticException e) {
      throw new WeightsException(
          "tensor '%s': its shape %s is impossibly large".formatted(name, Arrays.toString(shape)),
          e);
    }
  }

  private static long elements(long[] shape) {
    long elements = 1;
    for (long dimension : shape) {
      if (dimension < 0) {
        throw new ArithmeticException("negative dimension");
      }
      elements = Math.multiplyExact(elements, dimension);
    }
    return elements;
  }

  public long elements() {
    return elements(shape);
  }

  /**
   * The first dimension of a matrix.
   *
   * @throws WeightsException if this tensor doesn't have two dimensions
   */
  public int rows() {
    return dimension(0);
  }

  /**
   * The second dimension of a matrix.
   *
   * @throws WeightsException if this tensor doesn't have two dimensions
   */
  public int columns() {
    return dimension(1);
  }

  private int dimension(int index) {
    if (shape.length != 2) {
      throw new WeightsException(
          "tensor '%s' has shape %s where a matrix is needed"
              .formatted(name, Arrays.toString(shape)));
    }
    return checkedInt(shape[index]);
  }

  private int checkedInt(long value) {
    if (value != (int) value) {
      throw new WeightsException(
          "tensor '%s' of shape %s is too large for an array"
              .formatted(name, Arrays.toString(shape)));
    }
    return (int) value;
  }

  /**
   * All elements, decoded.
   *
   * @throws WeightsException if there are 2^31 or more, or the type isn't supported
   */
  public float[] toFloats() {
    float[] values = new float[checkedInt(elements())];
    type.codec().decode(data, 0, values, 0, values.length);
    return values;
  }

  @Override
  public String toString() {
    return "%s %s %s".formatted(name, type, Arrays.toString(shape));
  }
}
