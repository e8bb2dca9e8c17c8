package dev.quire.engine.tornado;

import dev.quire.kernels.MatrixVector;
import dev.quire.kernels.SkinnyProduct;
import dev.quire.kernels.TiledProduct;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Products of weights and activations by the kernel that suits the number of rows. */
final class ProductTasks {
  private final KernelContext context;
  private final Segments segments;
  private final int rows;

  /**
   * @param rows the most rows; 1 means that there is exactly one
   */
  ProductTasks(KernelContext context, Segments segments, int rows) {
    this.context = context;
    this.segments = segments;
    this.rows = rows;
  }

  /**
   * Adds {@code out = x · matrixᵀ}.
   *
   * @param counts element 0: rows that are there
   * @param outputs of the matrix, as the reader of {@code out} expects them
   */
  void add(
      String id,
      IntArray counts,
      DeviceMatrix matrix,
      HalfFloatArray x,
      FloatArray out,
      int outputs) {
    if (matrix.outputs() != outputs) {
      throw new IllegalArgumentException(
          "%s: %d outputs, filled up to %d".formatted(id, outputs, matrix.outputs()));
    }
    switch (matrix) {
      case DeviceMatrix.Halves halves -> halves(id, counts, halves, x, out);
      case DeviceMatrix.Quants quants -> quants(id, counts, quants, x, out);
    }
  }

  private void halves(
      String id, IntArray counts, DeviceMatrix.Halves matrix, HalfFloatArray x, FloatArray out) {
    HalfFloatArray w = matrix.weights();
    int outputs = matrix.outputs();
    int inputs = matrix.inputs();
    if (rows == 1) {
      segments.add(
          id,
          6,
          MatrixVector.grid(outputs),
          g -> g.task(id, MatrixVector::multiply, context, w, x, out, outputs, inputs));
    } else if (rows <= SkinnyProduct.TILE_ROWS) {
      segments.add(
          id,
          7,
          SkinnyProduct.grid(rows, outputs),
          g -> g.task(id, SkinnyProduct::multiply, context, counts, w, x, out, outputs, inputs),
          counts);
    } else {
      segments.add(
          id,
          7,
          TiledProduct.grid(rows, outputs),
          g -> g.task(id, TiledProduct::multiply, context, counts, w, x, out, outputs, inputs),
          counts);
    }
  }

  private void quants(
      String id, IntArray counts, DeviceMatrix.Quants matrix, HalfFloatArray x, FloatArray out) {
    IntArray q = matrix.quants();
    HalfFloatArray s = matrix.scales();
    int outputs = matrix.outputs();
    int inputs = matrix.inputs();
    if (rows == 1) {
      segments.add(
          id,
          7,
          MatrixVector.grid(outputs),
          g -> g.task(id, MatrixVector::multiplyQ8, context, q, s, x, out, outputs, inputs));
    } else if (rows <= SkinnyProduct.TILE_ROWS) {
      segments.add(
          id,
          8,
          SkinnyProduct.grid(rows, outputs),
          g ->
              g.task(id, SkinnyProduct::multiplyQ8, context, counts, q, s, x, out, outputs, inputs),
          counts);
    } else {
      segments.add(
          id,
          8,
          TiledProduct.grid(rows, outputs),
          g -> g.task(id, TiledProduct::multiplyQ8, context, counts, q, s, x, out, outputs, inputs),
          counts);
    }
  }
}
