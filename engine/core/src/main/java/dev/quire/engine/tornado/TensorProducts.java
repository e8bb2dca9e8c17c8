package dev.quire.engine.tornado;

import dev.quire.kernels.Activations;
import dev.quire.kernels.BroadQuads;
import dev.quire.kernels.LeanDeepQ8;
import dev.quire.kernels.LeanQuads;
import dev.quire.kernels.MediumDeepQ8;
import dev.quire.kernels.MediumQuads;
import dev.quire.kernels.NibbleTiles;
import dev.quire.kernels.QuantTiles;
import dev.quire.kernels.SkinnyDeepQ4;
import dev.quire.kernels.SkinnyDeepQ8;
import dev.quire.kernels.SkinnyProductQ4;
import dev.quire.kernels.SkinnyProductQ8;
import dev.quire.kernels.SkinnyQuads;
import dev.quire.kernels.TiledProductBf16;
import dev.quire.kernels.TiledProductQ4;
import dev.quire.kernels.TiledProductQ8;
import dev.quire.kernels.TiledQuads;
import dev.quire.kernels.WeightTiles;
import dev.quire.kernels.WideQuads;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.common.TornadoFunctions;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Writes down products of a matrix and several rows, which tensor cores compute in tiles. */
final class TensorProducts {
  private final KernelContext context;
  private final Segments segments;
  private final Scratch scratch;
  private final int rows;

  /**
   * @param rows the most rows
   */
  TensorProducts(KernelContext context, Segments segments, Scratch scratch, int rows) {
    this.context = context;
    this.segments = segments;
    this.scratch = scratch;
    this.rows = rows;
  }

  /**
   * Adds {@code x · matrixᵀ}, unpacking the matrix first if its kernel takes halves.
   *
   * @param out takes the sums, or their parts
   * @param gated takes the activated elements, if there is an activation
   * @param activation one of {@link Activations}
   */
  void add(
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
      case DeviceMatrix.Brains brains -> brains(id, counts, brains, x, out, activation, shape);
      case DeviceMatrix.Quants quants -> {
        if (unpacks(matrix)) {
          unpack(id + "Unpack", quants);
          halves(id, counts, matrix, scratch.unpacked, x, out, gated, activation, shape);
        } else {
          quants(id, counts, quants, x, out, gated, activation, shape);
        }
      }
      case DeviceMatrix.Nibbles nibbles -> {
        if (unpacks(matrix)) {
          unpack(id + "Unpack", nibbles);
          halves(id, counts, matrix, scratch.unpacked, x, out, gated, activation, shape);
        } else {
          nibbles(id, counts, nibbles, x, out, gated, activation, shape);
        }
      }
    }
  }

  /** Whether so many rows want the matrix that it is worth turning it into halves first. */
  private boolean unpacks(DeviceMatrix matrix) {
    return rows > TiledProductQ8.TILE_ROWS
        && WeightTiles.elements(matrix.outputs(), matrix.inputs()) <= scratch.unpacked.getSize();
  }

  private void unpack(String id, DeviceMatrix.Nibbles matrix) {
    int inputs = matrix.inputs();
    int count = matrix.outputs() * NibbleTiles.paddedInputs(inputs) / 8;
    segments.add(
        id,
        6,
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

  /** A kernel of one array of weights, as {@link TiledQuads} has its arguments. */
  private interface Product
      extends TornadoFunctions.Task11<
          KernelContext,
          IntArray,
          HalfFloatArray,
          HalfFloatArray,
          FloatArray,
          HalfFloatArray,
          Integer,
          Integer,
          Integer,
          Integer,
          Integer> {}

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
    Product product =
        switch (shape.kernel()) {
          case SKINNY -> SkinnyQuads::multiplyQuads;
          case LEAN -> LeanQuads::multiplyQuads;
          case MEDIUM -> MediumQuads::multiplyQuads;
          case TILED -> TiledQuads::multiplyQuads;
          case WIDE -> WideQuads::multiplyQuads;
          case BROAD -> BroadQuads::multiplyQuads;
          case VECTOR, DEEP, LEAN_DEEP, MEDIUM_DEEP -> throw new IllegalArgumentException(id);
        };
    WorkerGrid grid =
        switch (shape.kernel()) {
          case SKINNY -> SkinnyQuads.grid(rows, outputs, splits);
          case LEAN -> LeanQuads.grid(rows, outputs, splits);
          case MEDIUM -> MediumQuads.grid(rows, outputs, splits);
          case TILED -> TiledQuads.grid(rows, outputs, splits);
          case WIDE -> WideQuads.grid(rows, outputs, splits);
          case BROAD -> BroadQuads.grid(rows, outputs, splits);
          case VECTOR, DEEP, LEAN_DEEP, MEDIUM_DEEP -> throw new IllegalArgumentException(id);
        };
    segments.add(
        id,
        11,
        grid,
        g ->
            g.task(
                id,
                product,
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
  }

  private void brains(
      String id,
      IntArray counts,
      DeviceMatrix.Brains matrix,
      HalfFloatArray x,
      FloatArray out,
      int activation,
      ProductShape shape) {
    if (activation != Activations.NONE) {
      throw new IllegalArgumentException(id);
    }
    int outputs = matrix.outputs();
    int inputs = matrix.inputs();
    int splits = shape.splits();
    int partRows = shape.partRows();
    segments.add(
        id,
        9,
        TiledProductBf16.grid(rows, outputs, splits),
        g ->
            g.task(
                id,
                TiledProductBf16::multiply,
                context,
                counts,
                matrix.weights(),
                x,
                out,
                outputs,
                inputs,
                splits,
                partRows),
        counts);
  }

  /** A kernel of weights in two arrays, as {@link TiledProductQ8} has its arguments. */
  private interface QuantProduct
      extends TornadoFunctions.Task12<
          KernelContext,
          IntArray,
          IntArray,
          HalfFloatArray,
          HalfFloatArray,
          FloatArray,
          HalfFloatArray,
          Integer,
          Integer,
          Integer,
          Integer,
          Integer> {}

  private void quants(
      String id,
      IntArray counts,
      DeviceMatrix.Quants matrix,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      int activation,
      ProductShape shape) {
    QuantProduct product =
        switch (shape.kernel()) {
          case SKINNY -> SkinnyProductQ8::multiply;
          case DEEP -> SkinnyDeepQ8::multiplyQuads;
          case LEAN_DEEP -> LeanDeepQ8::multiplyQuads;
          case MEDIUM_DEEP -> MediumDeepQ8::multiplyQuads;
          default -> TiledProductQ8::multiplyQuads;
        };
    quantised(
        id,
        counts,
        matrix,
        product,
        matrix.quants(),
        matrix.scales(),
        x,
        out,
        gated,
        activation,
        shape);
  }

  private void nibbles(
      String id,
      IntArray counts,
      DeviceMatrix.Nibbles matrix,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      int activation,
      ProductShape shape) {
    QuantProduct product =
        switch (shape.kernel()) {
          case SKINNY -> SkinnyProductQ4::multiply;
          case DEEP -> SkinnyDeepQ4::multiplyQuads;
          default -> TiledProductQ4::multiplyQuads;
        };
    quantised(
        id,
        counts,
        matrix,
        product,
        matrix.nibbles(),
        matrix.steps(),
        x,
        out,
        gated,
        activation,
        shape);
  }

  /** A product of up to 64 rows. */
  private void quantised(
      String id,
      IntArray counts,
      DeviceMatrix matrix,
      QuantProduct product,
      IntArray quants,
      HalfFloatArray scales,
      HalfFloatArray x,
      FloatArray out,
      HalfFloatArray gated,
      int activation,
      ProductShape shape) {
    int outputs = matrix.outputs();
    int inputs = matrix.inputs();
    int splits = shape.splits();
    int partRows = shape.partRows();
    segments.add(
        id,
        12,
        switch (shape.kernel()) {
          case SKINNY -> SkinnyQuads.grid(rows, outputs, splits);
          case DEEP -> SkinnyDeepQ8.grid(rows, outputs, splits);
          case LEAN_DEEP -> LeanDeepQ8.grid(rows, outputs, splits);
          case MEDIUM_DEEP -> MediumDeepQ8.grid(rows, outputs, splits);
          default -> TiledQuads.grid(rows, outputs, splits);
        },
        g ->
            g.task(
                id,
                product,
                context,
                counts,
                quants,
                scales,
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
