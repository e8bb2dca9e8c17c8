package dev.quire.engine.tornado;

import dev.quire.kernels.Activations;
import dev.quire.kernels.MatrixVector;
import dev.quire.kernels.MatrixVectorBf16;
import dev.quire.kernels.MatrixVectorDots;
import dev.quire.kernels.MatrixVectorQ4;
import dev.quire.kernels.MatrixVectorQ8;
import dev.quire.kernels.MatrixVectorShared;
import dev.quire.kernels.ResidualStream;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Writes down products of a matrix and one row. */
final class VectorProducts {
  /**
   * What a product has to do with the residual stream.
   *
   * @param kind PLAIN, NORMED or ADDED of {@link ResidualStream}
   * @param norm of what follows, where sums are added; else any array that the kernel does not
   *     write: TornadoVM waits for ever where an array comes again behind one that is written
   * @param epsilon of the norm of what is read
   */
  private record Stream(int kind, FloatArray norm, float epsilon) {}

  private final KernelContext context;
  private final Segments segments;
  private final Scratch scratch;
  private final Stream plain;

  /** Take any floats and halves that a kernel's compiled form doesn't read or write. */
  private final FloatArray noFloats;

  private final HalfFloatArray noHalves;

  VectorProducts(KernelContext context, Segments segments, Scratch scratch) {
    this.context = context;
    this.segments = segments;
    this.scratch = scratch;
    this.plain = new Stream(ResidualStream.PLAIN, scratch.picked, 0);
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
          shared(id, halves, x, out, noHalves, Activations.NONE, plain);
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
      case DeviceMatrix.Quants quants ->
          quants(id, quants, x, out, noHalves, Activations.NONE, plain);
      case DeviceMatrix.Nibbles nibbles -> {
        IntArray q = nibbles.nibbles();
        HalfFloatArray s = nibbles.steps();
        segments.add(
            id,
            6,
            MatrixVectorQ4.grid(outputs),
            g -> g.task(id, MatrixVectorQ4::multiplyEarly, context, q, s, x, out, inputs));
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
          shared(id, halves, x, noFloats, gated, activation, plain);
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
      case DeviceMatrix.Quants quants -> quants(id, quants, x, noFloats, gated, activation, plain);
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
                    MatrixVectorQ4::multiplyGatedEarly,
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

  /** Whether a matrix's products take part in the residual stream without kernels between them. */
  static boolean streams(DeviceMatrix matrix) {
    return switch (matrix) {
      case DeviceMatrix.Halves halves -> MatrixVectorShared.takes(halves.inputs());
      case DeviceMatrix.Quants _ -> true;
      case DeviceMatrix.Brains _, DeviceMatrix.Nibbles _ -> false;
    };
  }

  /** Adds {@code out = matrix · normalised stream}. */
  void addNormed(String id, DeviceMatrix matrix, FloatArray out, float epsilon) {
    var stream = new Stream(ResidualStream.NORMED, scratch.picked, epsilon);
    streamed(id, matrix, noHalves, out, noHalves, Activations.NONE, stream);
  }

  /** Adds {@link #addGated} of the normalised stream. */
  void addNormedGated(
      String id, DeviceMatrix matrix, HalfFloatArray gated, int activation, float epsilon) {
    var stream = new Stream(ResidualStream.NORMED, scratch.picked, epsilon);
    streamed(id, matrix, noHalves, noFloats, gated, activation, stream);
  }

  /**
   * Adds {@code stream += matrix · x}.
   *
   * @param norm of the stream's next reader
   */
  void addToStream(String id, DeviceMatrix matrix, HalfFloatArray x, FloatArray norm) {
    var stream = new Stream(ResidualStream.ADDED, norm, 0);
    streamed(id, matrix, x, noFloats, noHalves, Activations.NONE, stream);
  }

  private void streamed(
      String id,
      DeviceMatrix matrix,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      int activation,
      Stream stream) {
    switch (matrix) {
      case DeviceMatrix.Halves halves -> shared(id, halves, x, out, gated, activation, stream);
      case DeviceMatrix.Quants quants -> quants(id, quants, x, out, gated, activation, stream);
      case DeviceMatrix.Brains _, DeviceMatrix.Nibbles _ -> throw new IllegalArgumentException(id);
    }
  }

  private void shared(
      String id,
      DeviceMatrix.Halves matrix,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      int activation,
      Stream stream) {
    int inputs = matrix.inputs();
    segments.add(
        id,
        13,
        MatrixVectorShared.grid(matrix.outputs(), activation),
        g ->
            g.task(
                id,
                MatrixVectorShared::multiplyEarly,
                context,
                matrix.weights(),
                x,
                out,
                gated,
                scratch.residual,
                stream.norm(),
                scratch.weighted,
                scratch.squares,
                inputs,
                activation,
                stream.kind(),
                stream.epsilon()));
  }

  private void quants(
      String id,
      DeviceMatrix.Quants matrix,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      int activation,
      Stream stream) {
    int inputs = matrix.inputs();
    if (MatrixVectorDots.suits(matrix.outputs(), inputs, activation)) {
      dots(id, matrix, x, out, gated, activation, stream);
      return;
    }
    int warps = MatrixVectorQ8.warps(matrix.outputs(), activation);
    segments.add(
        id,
        15,
        MatrixVectorQ8.grid(matrix.outputs(), activation),
        g ->
            g.task(
                id,
                MatrixVectorQ8::multiplyEarly,
                context,
                matrix.quants(),
                matrix.scales(),
                x,
                out,
                gated,
                scratch.residual,
                stream.norm(),
                scratch.weighted,
                scratch.squares,
                inputs,
                warps,
                activation,
                stream.kind(),
                stream.epsilon()));
  }

  private void dots(
      String id,
      DeviceMatrix.Quants matrix,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      int activation,
      Stream stream) {
    int inputs = matrix.inputs();
    int outputs = matrix.outputs();
    int warps = MatrixVectorDots.warps(outputs);
    int blocks = MatrixVectorDots.blocks(outputs, activation);
    segments.add(
        id,
        16,
        MatrixVectorDots.grid(outputs, warps, blocks),
        g ->
            g.task(
                id,
                MatrixVectorDots::multiplyEarly,
                context,
                matrix.quants(),
                matrix.scales(),
                x,
                out,
                gated,
                scratch.residual,
                stream.norm(),
                scratch.weighted,
                scratch.squares,
                inputs,
                warps,
                blocks,
                activation,
                stream.kind(),
                stream.epsilon()));
  }
}
