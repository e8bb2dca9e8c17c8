package dev.quire.bench.kernels;

import dev.quire.kernels.MatrixVectorBf16;
import dev.quire.kernels.TiledProductBf16;
import dev.quire.kernels.WeightTiles;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Products of weights in BF16 that halves don't hold. */
final class Bf16Cases {
  private static final int SAMPLES = 64;

  private final KernelContext context = new KernelContext();
  private final List<KernelCase> cases = new ArrayList<>();

  private Bf16Cases() {}

  static List<KernelCase> of(Scale scale) {
    Bf16Cases all = new Bf16Cases();
    if (scale == Scale.TINY) {
      all.vector(new ProductShape("tiny", 64, 1, 96, 2));
      all.tiled(new ProductShape("tiny", 64, 20, 96, 2));
    } else {
      all.vector(new ProductShape("1B-gate-up", 16384, 1, 2048, 16));
      all.tiled(new ProductShape("1B-gate-up", 16384, 256, 2048, 16));
    }
    return all.cases;
  }

  /** Pairs of numbers around 0.05. */
  static IntArray brains(int pairs, long seed) {
    HalfFloatArray values = RandomArrays.halves(2 * pairs, seed, 0.05f);
    IntArray array = new IntArray(pairs);
    for (int i = 0; i < pairs; i++) {
      int low = Float.floatToIntBits(values.get(2 * i).getFloat32()) >>> 16;
      int high = Float.floatToIntBits(values.get(2 * i + 1).getFloat32()) >>> 16;
      array.set(i, low | high << 16);
    }
    return array;
  }

  /** An element of such pairs. */
  static float value(IntArray pairs, int element) {
    int pair = pairs.get(element / 2);
    return Float.intBitsToFloat(element % 2 == 0 ? pair << 16 : pair & 0xFFFF0000);
  }

  private static List<IntArray> weights(ProductShape shape) {
    int pairs = Math.toIntExact(WeightTiles.elements(shape.outputs(), shape.inputs())) / 2;
    int padded = WeightTiles.paddedInputs(shape.inputs());
    List<IntArray> weights = new ArrayList<>();
    for (int m = 0; m < shape.matrices(); m++) {
      IntArray matrix = brains(pairs, m);
      for (int i = 0; i < shape.outputs(); i += 2) {
        for (int input = shape.inputs(); input < padded; input++) {
          matrix.set(WeightTiles.at(i, input, shape.inputs()) / 2, 0);
        }
      }
      weights.add(matrix);
    }
    return weights;
  }

  /** Of the last repetition, relative to the size of a sum's products. */
  private static double error(
      ProductShape shape, List<IntArray> weights, HalfFloatArray x, FloatArray out) {
    IntArray last = weights.get((repetitions(shape) - 1) % shape.matrices());
    Random random = new Random(5);
    double worst = 0;
    for (int sample = 0; sample < SAMPLES; sample++) {
      int row = random.nextInt(shape.rows());
      int output = random.nextInt(shape.outputs());
      double sum = 0;
      double size = 0;
      for (int i = 0; i < shape.inputs(); i++) {
        double product =
            value(last, WeightTiles.at(output, i, shape.inputs()))
                * (double) x.get(row * shape.inputs() + i).getFloat32();
        sum += product;
        size += product * product;
      }
      double off = sum - out.get(row * shape.outputs() + output);
      worst = Math.max(worst, Math.abs(off) / Math.sqrt(size));
    }
    return worst;
  }

  private static int repetitions(ProductShape shape) {
    return Math.max(8, shape.matrices());
  }

  private void vector(ProductShape shape) {
    cases.add(
        new KernelCase(
            "MatrixVector-BF16",
            shape.text(),
            shape.bytes(2),
            shape.operations(),
            () -> {
              List<IntArray> weights = weights(shape);
              FloatArray scales = FloatArray.fromArray(MatrixVectorBf16.scales());
              HalfFloatArray x = RandomArrays.halves(shape.inputs(), 7, 1);
              FloatArray out = new FloatArray(shape.outputs());
              return new KernelWork(1)
                  .arrays(scales, x, out)
                  .arrays(weights)
                  .repetitions(repetitions(shape))
                  .check(() -> error(shape, weights, x, out), out)
                  .launch(
                      MatrixVectorBf16.grid(shape.outputs()),
                      (graph, id, i) ->
                          graph.task(
                              id,
                              MatrixVectorBf16::multiply,
                              context,
                              weights.get(i % shape.matrices()),
                              scales,
                              x,
                              out,
                              shape.inputs()));
            }));
  }

  private void tiled(ProductShape shape) {
    int tiles = Math.ceilDiv(shape.rows(), TiledProductBf16.TILE_ROWS);
    int padded = tiles * TiledProductBf16.TILE_ROWS;
    cases.add(
        new KernelCase(
            "TiledProduct-BF16",
            shape.text(),
            shape.bytes(2),
            shape.operations(),
            () -> {
              List<IntArray> weights = weights(shape);
              IntArray counts = IntArray.fromElements(shape.rows());
              HalfFloatArray x = RandomArrays.halves(padded * shape.inputs(), 7, 1);
              FloatArray out = new FloatArray(padded * shape.outputs());
              return new KernelWork(shape.rows())
                  .arrays(counts, x, out)
                  .arrays(weights)
                  .repetitions(repetitions(shape))
                  .check(() -> error(shape, weights, x, out), out)
                  .launch(
                      TiledProductBf16.grid(shape.rows(), shape.outputs(), 1),
                      (graph, id, i) ->
                          graph.task(
                              id,
                              TiledProductBf16::multiply,
                              context,
                              counts,
                              weights.get(i % shape.matrices()),
                              x,
                              out,
                              shape.outputs(),
                              shape.inputs(),
                              1,
                              padded));
            }));
  }
}
