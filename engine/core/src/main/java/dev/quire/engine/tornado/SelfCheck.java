package dev.quire.engine.tornado;

import dev.quire.engine.QuireException;
import dev.quire.kernels.Activations;
import dev.quire.kernels.MatrixVector;
import dev.quire.kernels.TiledProduct;
import dev.quire.kernels.WeightTiles;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Two small products whose results are known, one by shuffles and one on tensor cores: TornadoVM
 * logs a driver's errors and goes on.
 */
final class SelfCheck {
  private static final int SIZE = 64;

  private SelfCheck() {}

  static void run() {
    float[] weights = new float[SIZE * SIZE];
    float[] x = new float[SIZE * SIZE];
    for (int i = 0; i < SIZE * SIZE; i++) {
      weights[i] = (i * 7 % 13 - 6) / 8f;
      x[i] = (i * 5 % 11 - 5) / 4f;
    }
    HalfFloatArray deviceWeights = WeightTiles.pack(weights, SIZE, SIZE);
    HalfFloatArray deviceX = halves(x);
    HalfFloatArray none = new HalfFloatArray(1);
    FloatArray vector = new FloatArray(SIZE);
    FloatArray tile = new FloatArray(SIZE * SIZE);
    IntArray counts = IntArray.fromElements(SIZE);
    KernelContext context = new KernelContext();
    TaskGraph graph =
        new TaskGraph("check")
            .transferToDevice(
                DataTransferMode.EVERY_EXECUTION, counts, deviceWeights, deviceX, none)
            .task("vector", MatrixVector::multiply, context, deviceWeights, deviceX, vector, SIZE)
            .task(
                "tile",
                TiledProduct::multiply,
                context,
                counts,
                deviceWeights,
                deviceX,
                tile,
                none,
                SIZE,
                SIZE,
                1,
                SIZE,
                Activations.NONE)
            .transferToHost(DataTransferMode.EVERY_EXECUTION, vector, tile);
    GridScheduler grids = new GridScheduler("check.vector", MatrixVector.grid(SIZE));
    grids.addWorkerGrid("check.tile", TiledProduct.grid(SIZE, SIZE, 1));
    try (TornadoExecutionPlan plan = new TornadoExecutionPlan(graph.snapshot())) {
      plan.withGridScheduler(grids).execute();
    } catch (TornadoExecutionPlanException | RuntimeException e) {
      throw new QuireException(
          QuireException.Kind.FAILED, "the device ran no kernel: " + e.getMessage(), e);
    }
    float[] expected = MatrixVector.reference(weights, x, SIZE, SIZE, SIZE);
    compare("a warp's sum", vector, expected, SIZE);
    compare("a product on tensor cores", tile, expected, SIZE * SIZE);
  }

  private static void compare(String what, FloatArray actual, float[] expected, int count) {
    for (int i = 0; i < count; i++) {
      if (!(Math.abs(actual.get(i) - expected[i]) < 1e-3f)) {
        throw new QuireException(
            QuireException.Kind.FAILED,
            "the device computes wrongly: element %d of %s is %s, not %s; see the driver's log"
                .formatted(i, what, actual.get(i), expected[i]));
      }
    }
  }

  private static HalfFloatArray halves(float[] values) {
    HalfFloatArray array = new HalfFloatArray(values.length);
    for (int i = 0; i < values.length; i++) {
      array.set(i, new HalfFloat(values[i]));
    }
    return array;
  }
}
