package dev.quire.bench.kernels;

import dev.quire.kernels.Activations;
import dev.quire.kernels.BroadQuads;
import dev.quire.kernels.NibbleTiles;
import dev.quire.kernels.QuantTiles;
import dev.quire.kernels.ResidualStream;
import dev.quire.kernels.WeightTiles;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import uk.ac.manchester.tornado.api.types.HalfFloat;
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
    return operations() > 2e11 ? 2 : Math.max(8, matrices);
  }

  /** Activations, counts and results of a shape, and weights in halves or in Q8_0. */
  static final class Arrays {
    private final ProductShape shape;
    private final boolean tiles;
    private boolean fourBits;
    final int splits;
    final int partRows;
    final List<HalfFloatArray> weights = new ArrayList<>();
    final List<IntArray> quants = new ArrayList<>();
    final List<HalfFloatArray> scales = new ArrayList<>();
    final IntArray counts;
    final HalfFloatArray x;
    final FloatArray out;

    /** What a product with an activation computes; here nothing. */
    final HalfFloatArray gated;

    /** A residual stream that makes of {@code weighted} what {@code x} has. */
    final FloatArray residual;

    /** Sampled elements of it, as the last graph left them. */
    private final double[] before = new double[16];

    final FloatArray norm;
    final FloatArray weighted;
    final FloatArray squares;

    private Arrays(ProductShape shape, boolean tiles, int splits) {
      this.shape = shape;
      this.tiles = tiles;
      this.splits = splits;
      int rows = Math.ceilDiv(shape.rows, BroadQuads.MOST_ROWS) * BroadQuads.MOST_ROWS;
      x = RandomArrays.halves(rows * shape.inputs, 7, 1);
      partRows = Math.ceilDiv(shape.rows, 16) * 16;
      out = new FloatArray(splits * partRows * shape.outputs);
      gated = new HalfFloatArray(rows * shape.outputs / 2);
      counts = IntArray.fromElements(shape.rows);
      int width = Math.max(shape.outputs, shape.inputs);
      residual = new FloatArray(width);
      norm = new FloatArray(width);
      weighted = new FloatArray(width);
      squares = new FloatArray(width / ResidualStream.SHARED);
      squares.init(ResidualStream.SHARED);
      for (int i = 0; i < shape.inputs; i++) {
        weighted.set(i, x.get(i).getFloat32());
      }
    }

    /** Weights in halves, as {@link WeightTiles} has them, and sums in parts. */
    static Arrays tiles(ProductShape shape, int splits) {
      Arrays arrays = new Arrays(shape, true, splits);
      int padded = WeightTiles.paddedInputs(shape.inputs);
      int elements = Math.toIntExact(WeightTiles.elements(shape.outputs, shape.inputs));
      for (int m = 0; m < shape.matrices; m++) {
        HalfFloatArray matrix = RandomArrays.halves(elements, m, 0.05f);
        arrays.weights.add(matrix);
        for (int input = shape.inputs; input < padded; input++) {
          for (int output = 0; output < shape.outputs; output++) {
            matrix.set(WeightTiles.at(output, input, shape.inputs), new HalfFloat(0.0f));
          }
        }
      }
      return arrays;
    }

    /** Weights in halves, row by row. */
    static Arrays halves(ProductShape shape) {
      Arrays arrays = new Arrays(shape, false, 1);
      for (int m = 0; m < shape.matrices; m++) {
        arrays.weights.add(RandomArrays.halves(shape.outputs * shape.inputs, m, 0.05f));
      }
      return arrays;
    }

    /** Weights in blocks of 32 bytes and a scale, as {@link QuantTiles} has them. */
    static Arrays quants(ProductShape shape, int splits) {
      Arrays arrays = new Arrays(shape, false, splits);
      int quants = Math.toIntExact(QuantTiles.quants(shape.outputs, shape.inputs));
      int scales = Math.toIntExact(QuantTiles.scales(shape.outputs, shape.inputs));
      int padded = WeightTiles.paddedInputs(shape.inputs);
      for (int m = 0; m < shape.matrices; m++) {
        arrays.quants.add(RandomArrays.ints(quants, m));
        HalfFloatArray steps = RandomArrays.halves(scales, m, 0.001f);
        arrays.scales.add(steps);
        for (int input = shape.inputs; input < padded; input++) {
          for (int output = 0; output < shape.outputs; output++) {
            steps.set(QuantTiles.scaleAt(output, input, shape.inputs), new HalfFloat(0.0f));
          }
        }
      }
      return arrays;
    }

    /** Weights in four bits, as {@link NibbleTiles} has them. */
    static Arrays nibbles(ProductShape shape, int splits) {
      Arrays arrays = new Arrays(shape, false, splits);
      arrays.fourBits = true;
      int nibbles = Math.toIntExact(NibbleTiles.nibbles(shape.outputs, shape.inputs));
      int steps = Math.toIntExact(NibbleTiles.steps(shape.outputs, shape.inputs));
      int padded = NibbleTiles.paddedInputs(shape.inputs);
      for (int m = 0; m < shape.matrices; m++) {
        arrays.quants.add(RandomArrays.ints(nibbles, m));
        HalfFloatArray each = RandomArrays.halves(steps, m, 0.01f);
        arrays.scales.add(each);
        for (int input = shape.inputs; input < padded; input++) {
          for (int output = 0; output < shape.outputs; output++) {
            int step = NibbleTiles.stepAt(output, input, shape.inputs);
            each.set(step, new HalfFloat(0.0f));
            each.set(step + 1, new HalfFloat(0.0f));
          }
        }
      }
      return arrays;
    }

    KernelWork work() {
      return unchecked().check(this::error, out);
    }

    /** Of products that are added to the residual stream. */
    KernelWork addedWork() {
      return unchecked().check(this::addedError, residual);
    }

    private KernelWork unchecked() {
      return new KernelWork(shape.rows)
          .arrays(counts, x, out, gated, residual, norm, weighted, squares)
          .arrays(weights)
          .arrays(quants)
          .arrays(scales)
          .repetitions(shape.repetitions());
    }

    /** Of products with an activation, whose gate and up lie interleaved. */
    KernelWork gatedWork() {
      return unchecked().check(this::gatedError, gated);
    }

    private double gatedError() {
      Random random = new Random(5);
      double worst = 0;
      double size = 0;
      for (int sample = 0; sample < 64; sample++) {
        int row = random.nextInt(shape.rows);
        int pair = random.nextInt(shape.outputs / 2);
        int gate =
            pair / WeightTiles.OUTPUTS * 2 * WeightTiles.OUTPUTS + pair % WeightTiles.OUTPUTS;
        float expected =
            Activations.reference(
                Activations.SILU,
                (float) sum(row, gate),
                (float) sum(row, gate + WeightTiles.OUTPUTS));
        float found = gated.get(row * (shape.outputs / 2) + pair).getFloat32();
        worst = Math.max(worst, Math.abs(expected - found));
        size = Math.max(size, Math.abs(expected));
      }
      return worst / size;
    }

    private double sum(int row, int output) {
      return sum(lastMatrix(), row, output);
    }

    private double sum(int matrix, int row, int output) {
      double sum = 0;
      for (int i = 0; i < shape.inputs; i++) {
        sum += weight(matrix, output, i) * x.get(row * shape.inputs + i).getFloat32();
      }
      return sum;
    }

    /** Each repetition has added its sums, to what earlier graphs left. */
    private double addedError(int repetitions) {
      Random random = new Random(5);
      double worst = 0;
      double size = 0;
      for (int sample = 0; sample < before.length; sample++) {
        int output = random.nextInt(shape.outputs);
        double expected = before[sample];
        for (int repetition = 0; repetition < repetitions; repetition++) {
          expected += sum(repetition % shape.matrices, 0, output);
        }
        before[sample] = residual.get(output);
        worst = Math.max(worst, Math.abs(expected - before[sample]));
        size = Math.max(size, Math.abs(expected));
      }
      return worst / size;
    }

    /** The result is that of the last repetition. */
    private int lastMatrix() {
      return (shape.repetitions() - 1) % shape.matrices;
    }

    private double error() {
      Random random = new Random(5);
      double worst = 0;
      int matrix = lastMatrix();
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
        double found = 0;
        for (int split = 0; split < splits; split++) {
          found += out.get((split * partRows + row) * shape.outputs + output);
        }
        double off = Math.abs(sum - found);
        worst = Math.max(worst, off / Math.sqrt(size));
      }
      return worst;
    }

    double weight(int matrix, int output, int input) {
      if (!weights.isEmpty()) {
        int at =
            tiles ? WeightTiles.at(output, input, shape.inputs) : output * shape.inputs + input;
        return weights.get(matrix).get(at).getFloat32();
      }
      if (fourBits) {
        int eight = quants.get(matrix).get(NibbleTiles.intAt(output, input, shape.inputs));
        int nibble = eight >> NibbleTiles.shift(output, input) & 15;
        int step = NibbleTiles.stepAt(output, input, shape.inputs);
        HalfFloatArray steps = scales.get(matrix);
        return steps.get(step).getFloat32() * nibble - steps.get(step + 1).getFloat32();
      }
      int at = QuantTiles.quantAt(output, input, shape.inputs);
      int quant = (byte) (quants.get(matrix).get(at / 4) >> (8 * (at % 4)));
      int step = QuantTiles.scaleAt(output, input, shape.inputs);
      double scale = scales.get(matrix).get(step).getFloat32();
      return quant * scale;
    }
  }
}
