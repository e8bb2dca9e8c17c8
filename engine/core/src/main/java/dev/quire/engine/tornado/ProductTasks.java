package dev.quire.engine.tornado;

import dev.quire.kernels.Activations;
import dev.quire.kernels.LeanProduct;
import dev.quire.kernels.MatrixVector;
import dev.quire.kernels.MatrixVectorQ4;
import dev.quire.kernels.MatrixVectorQ8;
import dev.quire.kernels.MediumProduct;
import dev.quire.kernels.NibbleTiles;
import dev.quire.kernels.PartSums;
import dev.quire.kernels.QuantTiles;
import dev.quire.kernels.SkinnyProduct;
import dev.quire.kernels.SkinnyProductQ8;
import dev.quire.kernels.TiledProduct;
import dev.quire.kernels.TiledProductQ8;
import dev.quire.kernels.WeightTiles;
import dev.quire.kernels.WideProduct;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Products of weights and activations by the kernel that suits the number of rows. */
final class ProductTasks {
  private final KernelContext context;
  private final Segments segments;
  private final Scratch scratch;
  private final int rows;

  /** Takes any halves and floats that a kernel's compiled form doesn't read or write. */
  private final HalfFloatArray noHalves;

  /**
   * @param rows the most rows; 1 means that there is exactly one
   */
  ProductTasks(KernelContext context, Segments segments, Scratch scratch, int rows) {
    this.context = context;
    this.segments = segments;
    this.scratch = scratch;
    this.rows = rows;
    this.noHalves = scratch.activated;
  }

  /** Adds {@code out = x · matrixᵀ}. */
  void add(
      String id,
      IntArray counts,
      DeviceMatrix matrix,
      HalfFloatArray x,
      FloatArray out,
      int outputs) {
    ProductShape shape = ProductShape.of(matrix, rows);
    if (shape.splits() == 1) {
      product(id, counts, matrix, x, out, outputs, shape);
      return;
    }
    product(id, counts, matrix, x, scratch.partSums, outputs, shape);
    int splits = shape.splits();
    int partRows = shape.partRows();
    segments.add(
        id + "Sum",
        7,
        PartSums.grid(rows, outputs),
        g ->
            g.task(
                id + "Sum",
                PartSums::add,
                context,
                counts,
                scratch.partSums,
                out,
                outputs,
                splits,
                partRows),
        counts);
  }

  /**
   * Adds {@code x · matrixᵀ}, for a reader that adds the parts of the sums itself: they lie in
   * {@code out} if there is one part, else in {@link Scratch#partSums}.
   *
   * @param outputs of the matrix, as the reader expects them
   * @return the parts
   */
  ProductShape addParts(
      String id,
      IntArray counts,
      DeviceMatrix matrix,
      HalfFloatArray x,
      FloatArray out,
      int outputs) {
    ProductShape shape = ProductShape.of(matrix, rows);
    product(id, counts, matrix, x, shape.splits() == 1 ? out : scratch.partSums, outputs, shape);
    return shape;
  }

  private void product(
      String id,
      IntArray counts,
      DeviceMatrix matrix,
      HalfFloatArray x,
      FloatArray out,
      int outputs,
      ProductShape shape) {
    if (matrix.outputs() != outputs) {
      throw new IllegalArgumentException(
          "%s: %d outputs, filled up to %d".formatted(id, outputs, matrix.outputs()));
    }
    if (shape.oneRow()) {
      vector(id, matrix, x, out, shape);
    } else {
      tensor(id, counts, matrix, x, out, noHalves, Activations.NONE, shape);
    }
  }

  private void vector(
      String id, DeviceMatrix matrix, HalfFloatArray x, FloatArray out, ProductShape shape) {
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

  private void gatedVector(
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

  /**
   * Adds {@code gated = activation(gate · x) · (up · x)}.
   *
   * @param gateUp interleaved
   * @param sums takes the products, if the kernel needs memory for them
   * @param activation one of {@link Activations}
   */
  void addGated(
      String id,
      IntArray counts,
      DeviceMatrix gateUp,
      HalfFloatArray x,
      FloatArray sums,
      HalfFloatArray gated,
      int activation) {
    ProductShape shape = ProductShape.gated(gateUp, rows);
    if (shape.oneRow()) {
      gatedVector(id, gateUp, x, gated, activation);
    } else {
      tensor(id, counts, gateUp, x, sums, gated, activation, shape);
    }
  }

  private void tensor(
      String id,
      IntArray counts,
      DeviceMatrix matrix,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      int activation,
      ProductShape shape) {
    switch (matrix) {
      case DeviceMatrix.Halves halves ->
          halves(id, counts, matrix, halves.weights(), x, out, gated, activation, shape);
      case DeviceMatrix.Quants quants -> {
        boolean worth = rows > TiledProductQ8.TILE_ROWS;
        if (worth
            && WeightTiles.elements(matrix.outputs(), matrix.inputs())
                <= scratch.unpacked.getSize()) {
          unpack(id + "Unpack", quants);
          halves(id, counts, matrix, scratch.unpacked, x, out, gated, activation, shape);
        } else {
          quants(id, counts, quants, x, out, gated, activation, shape);
        }
      }
      case DeviceMatrix.Nibbles nibbles -> {
        unpack(id + "Unpack", nibbles);
        halves(id, counts, matrix, scratch.unpacked, x, out, gated, activation, shape);
      }
    }
  }

  private void unpack(String id, DeviceMatrix.Nibbles matrix) {
    int inputs = matrix.inputs();
    int count = matrix.outputs() * NibbleTiles.paddedInputs(inputs) / 8;
    segments.add(
        id,
        7,
        NibbleTiles.grid(count),
        g ->
            g.task(
                id,
                NibbleTiles::unpack,
                context,
                matrix.nibbles(),
                matrix.steps(),
                scratch.unpacked,
                inputs,
                count));
  }

  private void unpack(String id, DeviceMatrix.Quants matrix) {
    int count = matrix.outputs() * WeightTiles.paddedInputs(matrix.inputs()) / 4;
    segments.add(
        id,
        5,
        QuantTiles.grid(count),
        g ->
            g.task(
                id,
                QuantTiles::unpack,
                context,
                matrix.quants(),
                matrix.scales(),
                scratch.unpacked,
                count));
  }

  private void halves(
      String id,
      IntArray counts,
      DeviceMatrix matrix,
      HalfFloatArray w,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      int activation,
      ProductShape shape) {
    int outputs = matrix.outputs();
    int inputs = matrix.inputs();
    int splits = shape.splits();
    int partRows = shape.partRows();
    switch (shape.kernel()) {
      case SKINNY ->
          segments.add(
              id,
              11,
              SkinnyProduct.grid(rows, outputs, splits),
              g ->
                  g.task(
                      id,
                      SkinnyProduct::multiply,
                      context,
                      counts,
                      w,
                      x,
                      out,
                      gated,
                      outputs,
                      inputs,
                      splits,
                      partRows,
                      activation),
              counts);
      case LEAN ->
          segments.add(
              id,
              11,
              LeanProduct.grid(rows, outputs, splits),
              g ->
                  g.task(
                      id,
                      LeanProduct::multiply,
                      context,
                      counts,
                      w,
                      x,
                      out,
                      gated,
                      outputs,
                      inputs,
                      splits,
                      partRows,
                      activation),
              counts);
      case MEDIUM ->
          segments.add(
              id,
              11,
              MediumProduct.grid(rows, outputs, splits),
              g ->
                  g.task(
                      id,
                      MediumProduct::multiply,
                      context,
                      counts,
                      w,
                      x,
                      out,
                      gated,
                      outputs,
                      inputs,
                      splits,
                      partRows,
                      activation),
              counts);
      case TILED ->
          segments.add(
              id,
              11,
              TiledProduct.grid(rows, outputs, splits),
              g ->
                  g.task(
                      id,
                      TiledProduct::multiply,
                      context,
                      counts,
                      w,
                      x,
                      out,
                      gated,
                      outputs,
                      inputs,
                      splits,
                      partRows,
                      activation),
              counts);
      case WIDE ->
          segments.add(
              id,
              11,
              WideProduct.grid(rows, outputs, splits),
              g ->
                  g.task(
                      id,
                      WideProduct::multiply,
                      context,
                      counts,
                      w,
                      x,
                      out,
                      gated,
                      outputs,
                      inputs,
                      splits,
                      partRows,
                      activation),
              counts);
      case VECTOR, SHARED_VECTOR -> throw new IllegalArgumentException(id);
    }
  }

  private void quants(
      String id,
      IntArray counts,
      DeviceMatrix.Quants matrix,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      int activation,
      ProductShape shape) {
    IntArray q = matrix.quants();
    HalfFloatArray s = matrix.scales();
    int outputs = matrix.outputs();
    int inputs = matrix.inputs();
    int splits = shape.splits();
    int partRows = shape.partRows();
    if (shape.kernel() == ProductShape.Kernel.SKINNY) {
      segments.add(
          id,
          12,
          SkinnyProductQ8.grid(rows, outputs, splits),
          g ->
              g.task(
                  id,
                  SkinnyProductQ8::multiply,
                  context,
                  counts,
                  q,
                  s,
                  x,
                  out,
                  gated,
                  outputs,
                  inputs,
                  splits,
                  partRows,
                  activation),
          counts);
    } else {
      segments.add(
          id,
          12,
          TiledProductQ8.grid(rows, outputs, splits),
          g ->
              g.task(
                  id,
                  TiledProductQ8::multiply,
                  context,
                  counts,
                  q,
                  s,
                  x,
                  out,
                  gated,
                  outputs,
                  inputs,
                  splits,
                  partRows,
                  activation),
          counts);
    }
  }
}
