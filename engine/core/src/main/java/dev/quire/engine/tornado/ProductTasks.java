package dev.quire.engine.tornado;

import dev.quire.kernels.Activations;
import dev.quire.kernels.PartSums;
import dev.quire.kernels.Rows;
import org.jspecify.annotations.Nullable;
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
  private final VectorProducts vectors;
  private final TensorProducts tensors;

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
    this.vectors = new VectorProducts(context, segments, scratch);
    this.tensors = new TensorProducts(context, segments, scratch, rows);
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
      vectors.addGated(id, gateUp, x, gated, activation);
    } else {
      tensors.add(id, counts, gateUp, x, sums, gated, activation, shape);
    }
  }

  /** Adds {@code out = matrix · normalised stream}, of one row. */
  void addNormed(String id, DeviceMatrix matrix, FloatArray out, float epsilon) {
    vectors.addNormed(id, matrix, out, epsilon);
  }

  /** Adds {@link #addGated} of the normalised stream, of one row. */
  void addNormedGated(
      String id, DeviceMatrix matrix, HalfFloatArray gated, int activation, float epsilon) {
    vectors.addNormedGated(id, matrix, gated, activation, epsilon);
  }

  /** Adds a product to the residual stream of one row, whose next reader has that norm. */
  void addToStream(String id, DeviceMatrix matrix, HalfFloatArray x, FloatArray norm) {
    vectors.addToStream(id, matrix, x, norm);
  }

  /** Adds a bias to every row, if there is one. */
  void addBias(String id, IntArray counts, FloatArray x, @Nullable FloatArray bias, int width) {
    if (bias != null) {
      segments.add(
          id,
          5,
          Rows.grid(rows),
          g -> g.task(id, Rows::addBias, context, counts, x, bias, width),
          counts);
    }
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
      vectors.add(id, matrix, x, out);
    } else {
      tensors.add(id, counts, matrix, x, out, noHalves, Activations.NONE, shape);
    }
  }
}
