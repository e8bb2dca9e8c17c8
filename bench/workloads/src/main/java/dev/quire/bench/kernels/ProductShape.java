package dev.quire.bench.kernels;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * A product's shape and its arrays.
 *
 * @param label what the shape is
 * @param outputs rows of the weights
 * @param rows of activations
 * @param inputs columns of both
 * @param matrices different weights that the repetitions take in turn, so that they come from
 *     memory
 */
record ProductShape(String label, int outputs, int rows, int inputs, int matrices) {
  /** Outputs, rows and inputs, where there is but one row without it. */
  String text() {
    String sizes = rows == 1 ? outputs + "x" + inputs : outputs + "x" + rows + "x" + inputs;
    return label.isEmpty() ? sizes : label + " " + sizes;
  }

  double operations() {
    return 2.0 * outputs * rows * inputs;
  }

  /** What moves, if a weight has so many bytes. */
  double bytes(double weightBytes) {
    return weightBytes * outputs * inputs + 2.0 * rows * inputs + 4.0 * rows * outputs;
  }

  private int repetitions() {
    return operations() > 2e11 ? 4 : KernelWork.REPETITIONS;
  }

  /** Activations, counts and results of a shape, and weights in halves or in Q8_0. */
  static final class Arrays {
    private final ProductShape shape;
    final List<HalfFloatArray> weights = new ArrayList<>();
    final List<IntArray> quants = new ArrayList<>();
    final List<HalfFloatArray> scales = new ArrayList<>();
    final IntArray counts;
    final HalfFloatArray x;
    final FloatArray out;

    private Arrays(ProductShape shape) {
      this.shape = shape;
      int rows = Math.ceilDiv(shape.rows, 128) * 128;
      x = RandomArrays.halves(rows * shape.inputs, 7, 1);
      out = new FloatArray(rows * shape.outputs);
      counts = IntArray.fromElements(shape.rows);
    }

    /** Weights in halves. */
    static Arrays halves(ProductShape shape) {
      Arrays arrays = new Arrays(shape);
      for (int m = 0; m < shape.matrices; m++) {
        arrays.weights.add(RandomArrays.halves(shape.outputs * shape.inputs, m, 0.05f));
      }
      return arrays;
    }

    /** Weights in blocks of 32 bytes and a scale. */
    static Arrays quants(ProductShape shape) {
      Arrays arrays = new Arrays(shape);
      for (int m = 0; m < shape.matrices; m++) {
        arrays.quants.add(RandomArrays.ints(shape.outputs * (shape.inputs / 4), m));
        arrays.scales.add(RandomArrays.halves(shape.outputs * (shape.inputs / 32), m, 0.001f));
      }
      return arrays;
    }

    KernelWork work() {
      return new KernelWork()
          .arrays(counts, x, out)
          .arrays(weights)
          .arrays(quants)
          .arrays(scales)
          .repetitions(shape.repetitions())
          .check(this::error, out);
    }

    /** The result is that of the last repetition. */
    private double error() {
      Random random = new Random(5);
      double worst = 0;
      int matrix = (shape.repetitions() - 1) % shape.matrices;
      for (int sample = 0; sample < 64; sample++) {
        int row = random.nextInt(shape.rows);
        int output = random.nextInt(shape.outputs);
        double sum = 0;
        double size = 0;
        for (int i = 0; i < shape.inputs; i++) {
          double product = weight(matrix, output, i) * x.get(row * shape.inputs + i).getFloat32();
          sum += product;
          size += product * product;
        }
        double off = Math.abs(sum - out.get(row * shape.outputs + output));
        worst = Math.max(worst, off / Math.sqrt(size));
      }
      return worst;
    }

    private double weight(int matrix, int output, int input) {
      if (!weights.isEmpty()) {
        return weights.get(matrix).get(output * shape.inputs + input).getFloat32();
      }
      int at = output * (shape.inputs / 4) + input / 4;
      int quant = (byte) (quants.get(matrix).get(at) >> (8 * (input % 4)));
      double scale = scales.get(matrix).get(output * (shape.inputs / 32) + input / 32).getFloat32();
      return quant * scale;
    }
  }
}
