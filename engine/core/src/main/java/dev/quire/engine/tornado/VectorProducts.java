package dev.quire.engine.tornado;

import dev.quire.kernels.MatrixVector;
import dev.quire.kernels.MatrixVectorQ4;
import dev.quire.kernels.MatrixVectorQ8;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Writes down products of a matrix and one row. */
final class VectorProducts {
  private final KernelContext context;
  private final Segments segments;

  VectorProducts(KernelContext context, Segments segments) {
    this.context = context;
    this.segments = segments;
  }

  /** Adds {@code out = matrix · x}. */
  void add(String id, DeviceMatrix matrix, HalfFloatArray x, FloatArray out, ProductShape shape) {
    int outputs = matrix.outputs();
    int inputs = matrix.inputs();
    switch (matrix) {
      case DeviceMatrix.Halves halves -> {
        HalfFloatArray w = halves.weights();
        if (shape.kernel() == ProductShape.Kernel.SHARED_VECTOR) {
          segments.add(
              id,
              5,
              MatrixVector.sharedGrid(outputs),
              g -> g.task(id, MatrixVector::multiplyShared, context, w, x, out, inputs));
        } else {
          segments.add(
              id,
              5,
              MatrixVector.grid(outputs),
              g -> g.task(id, MatrixVector::multiply, context, w, x, out, inputs));
        }
      }
      case DeviceMatrix.Quants quants -> {
        IntArray q = quants.quants();
        HalfFloatArray s = quants.scales();
        if (shape.kernel() == ProductShape.Kernel.SHARED_VECTOR) {
          segments.add(
              id,
              6,
              MatrixVectorQ8.sharedGrid(outputs),
              g -> g.task(id, MatrixVectorQ8::multiplyShared, context, q, s, x, out, inputs));
        } else {
          segments.add(
              id,
              6,
              MatrixVectorQ8.grid(outputs),
              g -> g.task(id, MatrixVectorQ8::multiply, context, q, s, x, out, inputs));
        }
      }
      case DeviceMatrix.Nibbles nibbles -> {
        IntArray q = nibbles.nibbles();
        HalfFloatArray s = nibbles.steps();
        segments.add(
            id,
            6,
            MatrixVectorQ4.grid(outputs),
            g -> g.task(id, MatrixVectorQ4::multiply, context, q, s, x, out, inputs));
      }
    }
  }

  /** Adds {@code gated = activation(gate · x) · (up · x)}, of an interleaved matrix. */
  void addGated(
      String id, DeviceMatrix matrix, HalfFloatArray x, HalfFloatArray gated, int activation) {
    int outputs = matrix.outputs();
    int inputs = matrix.inputs();
    switch (matrix) {
      case DeviceMatrix.Halves halves -> {
        HalfFloatArray w = halves.weights();
        segments.add(
            id,
            6,
            MatrixVector.gatedGrid(outputs),
            g -> g.task(id, MatrixVector::multiplyGated, context, w, x, gated, inputs, activation));
      }
      case DeviceMatrix.Quants quants -> {
        IntArray q = quants.quants();
        HalfFloatArray s = quants.scales();
        segments.add(
            id,
            7,
            MatrixVectorQ8.gatedGrid(outputs),
            g ->
                g.task(
                    id,
                    MatrixVectorQ8::multiplyGated,
                    context,
                    q,
                    s,
                    x,
                    gated,
                    inputs,
                    activation));
      }
      case DeviceMatrix.Nibbles nibbles -> {
        IntArray q = nibbles.nibbles();
        HalfFloatArray s = nibbles.steps();
        segments.add(
            id,
            7,
            MatrixVectorQ4.gatedGrid(outputs),
            g ->
                g.task(
                    id,
                    MatrixVectorQ4::multiplyGated,
                    context,
                    q,
                    s,
                    x,
                    gated,
                    inputs,
                    activation));
      }
    }
  }
}
