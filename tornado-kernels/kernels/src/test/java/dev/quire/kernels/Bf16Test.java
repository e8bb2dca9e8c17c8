package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

class Bf16Test {
  @Test
  void theTableHasEveryNumber() {
    FloatArray scales = FloatArray.fromArray(MatrixVectorBf16.scales());
    for (int bits = 0; bits < 1 << 16; bits++) {
      int exponent = bits >> 7 & 255;
      if (exponent > 0 && exponent < 255) {
        assertThat(MatrixVectorBf16.value(bits << 16, scales))
            .isEqualTo(Float.intBitsToFloat(bits << 16));
      }
    }
    assertThat(MatrixVectorBf16.value(0, scales)).isZero();
  }

  @ParameterizedTest
  @CsvSource({"8, 2", "16, 258", "136, 600"})
  void oneRow(int outputs, int inputs) {
    Matrix matrix = Matrix.random(outputs, inputs);
    FloatArray scales = FloatArray.fromArray(MatrixVectorBf16.scales());
    HalfFloatArray x = Device.halves(Device.normal(new Random(3), inputs));
    FloatArray out = new FloatArray(outputs);
    Device.run(
        MatrixVectorBf16.grid(outputs),
        Device.in(matrix.weights, scales, x),
        g ->
            g.task(
                "kernel",
                MatrixVectorBf16::multiply,
                new KernelContext(),
                matrix.weights,
                scales,
                x,
                out,
                inputs),
        Device.out(out));
    matrix.check(Device.floats(x), 1, r -> out.get(r));
  }

  @ParameterizedTest
  @CsvSource({"1, 8, 34, 1", "2, 64, 64, 1", "64, 72, 330, 3", "130, 136, 192, 2"})
  void severalRows(int rows, int outputs, int inputs, int splits) {
    Matrix matrix = Matrix.random(outputs, inputs);
    int tile = TiledProductBf16.TILE_ROWS;
    HalfFloatArray x =
        Device.halves(Device.normal(new Random(rows), Math.ceilDiv(rows, tile) * tile * inputs));
    IntArray counts = IntArray.fromElements(rows);
    int partRows = Math.ceilDiv(rows, 16) * 16;
    FloatArray out = new FloatArray(splits * partRows * outputs);
    Device.run(
        TiledProductBf16.grid(rows + tile, outputs, splits),
        Device.in(counts, matrix.weights, x),
        g ->
            g.task(
                "kernel",
                TiledProductBf16::multiply,
                new KernelContext(),
                counts,
                matrix.weights,
                x,
                out,
                outputs,
                inputs,
                splits,
                partRows),
        Device.out(out));
    matrix.check(
        Device.floats(x),
        rows,
        i -> {
          float sum = 0;
          for (int s = 0; s < splits; s++) {
            sum += out.get(s * partRows * outputs + i);
          }
          return sum;
        });
  }

  @Test
  void embeddingsAreGathered() {
    int width = 100;
    Matrix matrix = Matrix.random(16, width);
    FloatArray scales = FloatArray.fromArray(MatrixVectorBf16.scales());
    IntArray counts = IntArray.fromElements(2);
    IntArray tokens = IntArray.fromElements(13, 2);
    FloatArray residual = new FloatArray(2 * width);
    Device.run(
        Embedding.grid(2),
        Device.in(counts, tokens, matrix.weights, scales),
        g ->
            g.task(
                "kernel",
                Embedding::gatherBf16,
                new KernelContext(),
                counts,
                tokens,
                matrix.weights,
                scales,
                residual,
                width),
        Device.out(residual));
    for (int i = 0; i < width; i++) {
      assertThat(residual.get(i)).isEqualTo(matrix.values[13 * width + i]);
      assertThat(residual.get(width + i)).isEqualTo(matrix.values[2 * width + i]);
    }
  }

  private interface Sums {
    float get(int index);
  }

  /** A matrix of BF16, some of whose values no half holds. */
  @SuppressWarnings("ArrayRecordComponent") // test data, never compared
  private record Matrix(float[] values, int outputs, int inputs, IntArray weights) {
    static Matrix random(int outputs, int inputs) {
      Random random = new Random(outputs + inputs);
      float[] values = new float[outputs * inputs];
      IntArray weights = new IntArray((int) WeightTiles.elements(outputs, inputs) / 2);
      for (int o = 0; o < outputs; o++) {
        for (int i = 0; i < inputs; i++) {
          double size = o % 3 == 0 && i % 7 == 0 ? 1e6 : o % 3 == 1 ? 1e-9 : 1;
          int bits = Float.floatToRawIntBits((float) (random.nextGaussian() * size)) >>> 16;
          values[o * inputs + i] = Float.intBitsToFloat(bits << 16);
          int at = WeightTiles.at(o, i, inputs);
          weights.set(at / 2, weights.get(at / 2) | (bits << (at % 2 * 16)));
        }
      }
      return new Matrix(values, outputs, inputs, weights);
    }

    /** Sums are within a ten thousandth of what their parts' sizes add up to. */
    void check(float[] x, int rows, Sums sums) {
      for (int r = 0; r < rows; r++) {
        for (int o = 0; o < outputs; o++) {
          double expected = 0;
          double size = 0;
          for (int i = 0; i < inputs; i++) {
            double part = (double) values[o * inputs + i] * x[r * inputs + i];
            expected += part;
            size += part * part;
          }
          assertThat((double) sums.get(r * outputs + o))
              .as("row %d, output %d", r, o)
              .isCloseTo(expected, within(1e-4 * Math.sqrt(size)));
        }
      }
    }
  }
}
