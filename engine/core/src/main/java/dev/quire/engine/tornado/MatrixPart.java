package dev.quire.engine.tornado;

import dev.quire.weights.tensor.Tensor;

/**
 * A tensor as part of a matrix on the device.
 *
 * @param rows how its outputs lie there
 * @param columns how its inputs do
 */
record MatrixPart(Tensor tensor, Extent rows, Extent columns) {
  MatrixPart {
    if (tensor.rows() != rows.elements() || tensor.columns() != columns.elements()) {
      throw new IllegalArgumentException(
          "%s as %d outputs of %d inputs".formatted(tensor, rows.elements(), columns.elements()));
    }
  }

  /** A tensor that lies as it is. */
  static MatrixPart whole(Tensor tensor) {
    return new MatrixPart(tensor, Extent.whole(tensor.rows()), Extent.whole(tensor.columns()));
  }

  /** Elements on the device. */
  long elements() {
    return (long) rows.total() * columns.total();
  }
}
