package dev.quire.engine.tornado;

import dev.quire.kernels.Activations;
import dev.quire.kernels.MatrixVector;
import dev.quire.kernels.MatrixVectorBf16;
import dev.quire.kernels.MatrixVectorQ4;
import dev.quire.kernels.MatrixVectorQ8;
import dev.quire.kernels.MatrixVectorShared;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Writes down products of a matrix and one row. */
final class VectorProducts {
  private final KernelContext context;
  private final Segments segments;

  /** Take any floats and halves that a kernel's compiled form doesn't read or write. */
  private final FloatArray noFloats;

  private final HalfFloatArray noHalves;

  VectorProducts(KernelContext context, Segments segments, Scratch scratch) {
    this.context = context;
    this.segments = segments;
    this.noFloats = scratch.gateUp;
    this.noHalves = scratch.activated;
  }

  /** Adds {@code out = matrix · x}. */
  void add(String id, DeviceMatrix matrix, HalfFloatArray x, FloatArray out) {
    int outputs = matrix.outputs();
    int inputs = matrix.inputs();
    switch (matrix) {
      case DeviceMatrix.Halves halves -> {
        HalfFloatArray w = halves.weights();
        if (MatrixVectorShared.suits(inputs)) {
          shared(id, w, x, out, noHalves, outputs, inputs, Activations.NONE);
        } else {
          segments.add(
              id,
              5,
              MatrixVector.grid(outputs),
              g -> g.task(id, MatrixVector::multiply, context, w, x, out, inputs));
        }
      }
      case DeviceMatrix.Brains brains ->
          segments.add(
              id,
              6,
              MatrixVectorBf16.grid(outputs),
              g ->
                  g.task(
                      id,
                      MatrixVectorBf16::multiply,
                      context,
                      brains.weights(),
                      brains.scales(),
                      x,
                      out,
                      inputs));
      case DeviceMatrix.Quants quants -> quants(id, quants, x, out, noHalves, Activations.NONE);
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
        if (MatrixVectorShared.suits(inputs)) {
          shared(id, w, x, noFloats, gated, outputs, inputs, activation);
        } else {
          segments.add(
              id,
              6,
              MatrixVector.gatedGrid(outputs),
              g ->
                  g.task(
                      id, MatrixVector::multiplyGated, context, w, x, gated, inputs, activation));
        }
      }
      case DeviceMatrix.Brains _ -> throw new IllegalArgumentException(id);
      case DeviceMatrix.Quants quants -> quants(id, quants, x, noFloats, gated, activation);
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

  private void shared(
      String id,
      HalfFloatArray weights,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      int outputs,
      int inputs,
      int activation) {
    segments.add(
        id,
        7,
        MatrixVectorShared.grid(outputs, activation),
        g ->
            g.task(
                id,
                MatrixVectorShared::multiply,
                context,
                weights,
                x,
                out,
                gated,
                inputs,
                activation));
  }

  private void quants(
      String id,
      DeviceMatrix.Quants matrix,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      int activation) {
    int inputs = matrix.inputs();
    int warps = MatrixVectorQ8.warps(matrix.outputs());
    segments.add(
        id,
        9,
        MatrixVectorQ8.grid(matrix.outputs(), activation),
        g ->
            g.task(
                id,
                MatrixVectorQ8::multiply,
                context,
                matrix.quants(),
                matrix.scales(),
                x,
                out,
                gated,
                inputs,
                warps,
                activation));
  }
}
