package dev.quire.engine.tornado;

import dev.quire.engine.QuireException;
import dev.quire.kernels.Activations;
import dev.quire.kernels.Argmax;
import dev.quire.kernels.MatrixVector;
import dev.quire.kernels.MatrixVectorShared;
import dev.quire.kernels.ResidualStream;
import dev.quire.kernels.Sampling;
import dev.quire.kernels.TiledQuads;
import dev.quire.kernels.WeightTiles;
import java.util.List;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
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
 * Small products and draws of tokens whose results are known: by shuffles, on tensor cores, and of
 * the kernels with most conditions. TornadoVM logs a driver's errors and goes on, and its compiler
 * takes some conditions wrongly, in silence.
 */
final class SelfCheck {
  private static final int SIZE = 64;

  // Inputs that sixteen warps share in one turn, and one turn more that most of them are past.
  private static final int SHARED = 2048;
  private static final int UNEVEN = 2176;
  private static final int VOCABULARY = 600;

  /** Rows of temperature, top-k, top-p, min-p and the number that decides: each way of drawing. */
  private static final float[][] DRAWS = {
    {0, 0, 1, 0, 0.5f},
    {0.8f, 7, 1, 0, 0.6f},
    {1, 0, 0.7f, 0, 0.9f},
    {1, 9, 0.8f, 0.02f, 0.4f},
    {1, 0, 1, 0, 0.7f},
    {1, 0, 1, 0.1f, 0.3f},
  };

  private SelfCheck() {}

  /**
   * Runs them.
   *
   * @throws QuireException if the device computes wrongly, or TornadoVM does not start
   */
  static void run() {
    try {
      products();
      sharedRows();
      tokens();
    } catch (RuntimeException | LinkageError e) {
      Throwable first = first(e);
      if (!(e instanceof LinkageError) && !(first instanceof LinkageError)) {
        throw e;
      }
      String library = missingLibrary();
      throw new QuireException(
          QuireException.Kind.FAILED,
          "TornadoVM does not start: %s; it needs the NVIDIA driver's libcuda and CUDA's NVRTC: CUDA_PATH says where CUDA is, if not in /usr/local/cuda; --device cpu needs neither"
              .formatted(
                  library == null ? first.toString().lines().findFirst().orElse("") : library),
          e);
    }
  }

  /**
   * What the system's loader says of the backend's native library, which TornadoVM keeps to itself;
   * null where it loads.
   */
  @SuppressWarnings("restricted")
  private static @Nullable String missingLibrary() {
    try {
      System.loadLibrary("tornado-" + System.getProperty("quire.tornado", "cuda"));
      return null;
    } catch (UnsatisfiedLinkError e) {
      return e.getMessage();
    }
  }

  /** What went wrong first: TornadoVM wraps it more than once. */
  static Throwable first(Throwable thrown) {
    Throwable cause = thrown;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  private static void products() {
    float[] weights = weights(SIZE * SIZE);
    float[] x = activations(SIZE * SIZE);
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
                TiledQuads::multiplyQuads,
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
    grids.addWorkerGrid("check.tile", TiledQuads.grid(SIZE, SIZE, 1));
    execute(graph, grids);
    float[] expected = MatrixVector.reference(weights, x, SIZE, SIZE, SIZE);
    compare("a warp's sum", vector, expected, SIZE);
    compare("a product on tensor cores", tile, expected, SIZE * SIZE);
  }

  /** What single streams run most: a row whose sums sixteen warps share, or eight, gate and up. */
  private static void sharedRows() {
    float[] weights = weights(SIZE * UNEVEN);
    float[] x = activations(UNEVEN);
    HalfFloatArray plain = WeightTiles.pack(weights, SIZE, SHARED);
    HalfFloatArray pairs = WeightTiles.pack(weights, SIZE, UNEVEN);
    HalfFloatArray deviceX = halves(x);
    HalfFloatArray noHalves = new HalfFloatArray(1);
    FloatArray noFloats = new FloatArray(1);
    FloatArray noResidual = new FloatArray(1);
    FloatArray noNorm = new FloatArray(1);
    FloatArray noStream = new FloatArray(1);
    FloatArray noSquares = new FloatArray(1);
    FloatArray row = new FloatArray(SIZE);
    HalfFloatArray gated = new HalfFloatArray(SIZE / 2);
    KernelContext context = new KernelContext();
    TaskGraph graph =
        new TaskGraph("shared")
            .transferToDevice(
                DataTransferMode.EVERY_EXECUTION,
                plain,
                pairs,
                deviceX,
                noHalves,
                noFloats,
                noResidual,
                noNorm,
                noStream,
                noSquares)
            .task(
                "row",
                MatrixVectorShared::multiplyEarly,
                context,
                plain,
                deviceX,
                row,
                noHalves,
                noResidual,
                noNorm,
                noStream,
                noSquares,
                SHARED,
                Activations.NONE,
                ResidualStream.PLAIN,
                0.0f)
            .task(
                "gated",
                MatrixVectorShared::multiplyEarly,
                context,
                pairs,
                deviceX,
                noFloats,
                gated,
                noResidual,
                noNorm,
                noStream,
                noSquares,
                UNEVEN,
                Activations.SILU,
                ResidualStream.PLAIN,
                0.0f)
            .transferToHost(DataTransferMode.EVERY_EXECUTION, row, gated);
    GridScheduler grids =
        new GridScheduler("shared.row", MatrixVectorShared.grid(SIZE, Activations.NONE));
    grids.addWorkerGrid("shared.gated", MatrixVectorShared.grid(SIZE, Activations.SILU));
    execute(graph, grids);
    compare("a shared row", row, MatrixVector.reference(weights, x, 1, SIZE, SHARED), SIZE);
    float[] sums = MatrixVector.reference(weights, x, 1, SIZE, UNEVEN);
    for (int i = 0; i < SIZE / 2; i++) {
      int gate = i / WeightTiles.OUTPUTS * 2 * WeightTiles.OUTPUTS + i % WeightTiles.OUTPUTS;
      float expected =
          Activations.reference(Activations.SILU, sums[gate], sums[gate + WeightTiles.OUTPUTS]);
      float tolerance = 1e-3f * (1 + Math.abs(expected));
      compare("a shared row of gate and up", i, gated.get(i).getFloat32(), expected, tolerance);
    }
  }

  /** Peaked logits, the largest of them twice, drawn from in each way. */
  private static void tokens() {
    int rows = DRAWS.length;
    int slices = Argmax.slices(VOCABULARY);
    float[] row = new float[VOCABULARY];
    for (int i = 0; i < VOCABULARY; i++) {
      row[i] = (i * 7919 % VOCABULARY - VOCABULARY) / 40f;
    }
    row[VOCABULARY - 10] = 0.5f;
    row[VOCABULARY / 2] = 0.5f;
    FloatArray logits = new FloatArray(rows * VOCABULARY);
    FloatArray parameters = new FloatArray(rows * Sampling.PARAMETERS);
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < VOCABULARY; i++) {
        logits.set(r * VOCABULARY + i, row[i]);
      }
      for (int i = 0; i < Sampling.PARAMETERS; i++) {
        parameters.set(r * Sampling.PARAMETERS + i, DRAWS[r][i]);
      }
    }
    FloatArray best = new FloatArray(rows * slices);
    IntArray bestTokens = new IntArray(rows * slices);
    IntArray tokens = new IntArray(rows);
    IntArray counts = IntArray.fromElements(rows);
    KernelContext context = new KernelContext();
    TaskGraph graph =
        new TaskGraph("draw")
            .transferToDevice(DataTransferMode.EVERY_EXECUTION, counts, logits, parameters)
            .task(
                "slice",
                Argmax::slice,
                context,
                counts,
                logits,
                best,
                bestTokens,
                VOCABULARY,
                slices)
            .task(
                "draw",
                Sampling::draw,
                context,
                counts,
                logits,
                best,
                bestTokens,
                parameters,
                tokens,
                VOCABULARY,
                slices)
            .transferToHost(DataTransferMode.EVERY_EXECUTION, tokens);
    GridScheduler grids = new GridScheduler("draw.slice", Argmax.grid(rows, VOCABULARY));
    grids.addWorkerGrid("draw.draw", Sampling.grid(rows));
    execute(graph, grids);
    for (int r = 0; r < rows; r++) {
      float[] p = DRAWS[r];
      int expected = Sampling.reference(row, p[0], (int) p[1], p[2], p[3], p[4]);
      if (tokens.get(r) != expected) {
        throw new QuireException(
            QuireException.Kind.FAILED,
            ("the device draws wrongly: token %d, not %d, at temperature %s, top-k %d, top-p %s,"
                    + " min-p %s; see the driver's log")
                .formatted(tokens.get(r), expected, p[0], (int) p[1], p[2], p[3]));
      }
    }
  }

  private static void execute(TaskGraph graph, GridScheduler grids) {
    ImmutableTaskGraph immutable = graph.snapshot();
    try (TornadoExecutionPlan plan = new TornadoExecutionPlan(immutable)) {
      TornadoInternals.shareCode(plan, List.of(immutable));
      plan.withGridScheduler(grids).execute();
    } catch (TornadoExecutionPlanException | RuntimeException e) {
      throw new QuireException(
          QuireException.Kind.FAILED, "the device ran no kernel: " + e.getMessage(), e);
    }
  }

  private static void compare(String what, FloatArray actual, float[] expected, int count) {
    for (int i = 0; i < count; i++) {
      compare(what, i, actual.get(i), expected[i], 1e-3f);
    }
  }

  private static void compare(
      String what, int element, float actual, float expected, float tolerance) {
    if (!(Math.abs(actual - expected) < tolerance)) {
      throw new QuireException(
          QuireException.Kind.FAILED,
          "the device computes wrongly: element %d of %s is %s, not %s; see the driver's log"
              .formatted(element, what, actual, expected));
    }
  }

  /** Multiples of 1/8: sums of their products with those of {@link #activations} are exact. */
  private static float[] weights(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (i * 7 % 13 - 6) / 8f;
    }
    return values;
  }

  private static float[] activations(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (i * 5 % 11 - 5) / 4f;
    }
    return values;
  }

  private static HalfFloatArray halves(float[] values) {
    HalfFloatArray array = new HalfFloatArray(values.length);
    for (int i = 0; i < values.length; i++) {
      array.set(i, new HalfFloat(values[i]));
    }
    return array;
  }
}
