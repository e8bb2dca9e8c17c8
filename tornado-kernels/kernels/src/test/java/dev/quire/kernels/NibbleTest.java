package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.common.TornadoFunctions;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

class NibbleTest {
  @ParameterizedTest
  @CsvSource({"8, 32", "16, 96", "24, 416", "136, 1024"})
  void oneRow(int outputs, int inputs) {
    NibbleMatrix matrix = NibbleMatrix.random(outputs, inputs, false);
    HalfFloatArray x = Device.halves(Device.normal(new Random(3), inputs));
    FloatArray out = new FloatArray(outputs);
    Device.run(
        MatrixVectorQ4.grid(outputs),
        Device.in(matrix.nibbles(), matrix.steps(), x),
        g ->
            g.task(
                "kernel",
                MatrixVectorQ4::multiplyEarly,
                new KernelContext(),
                matrix.nibbles(),
                matrix.steps(),
                x,
                out,
                inputs),
        Device.out(out));
    float[] expected =
        MatrixVector.reference(matrix.values(), Device.floats(x), 1, outputs, inputs);
    for (int o = 0; o < outputs; o++) {
      assertThat(out.get(o)).isCloseTo(expected[o], within(1e-3f * (1 + Math.abs(expected[o]))));
    }
  }

  @ParameterizedTest
  @CsvSource({"8, 64, 1", "24, 160, 2"})
  void oneRowThroughTheGate(int inner, int inputs, int activation) {
    int outputs = 2 * inner;
    NibbleMatrix matrix = NibbleMatrix.random(outputs, inputs, true);
    HalfFloatArray x = Device.halves(Device.normal(new Random(3), inputs));
    HalfFloatArray gated = new HalfFloatArray(inner);
    Device.run(
        MatrixVectorQ4.gatedGrid(outputs),
        Device.in(matrix.nibbles(), matrix.steps(), x),
        g ->
            g.task(
                "kernel",
                MatrixVectorQ4::multiplyGatedEarly,
                new KernelContext(),
                matrix.nibbles(),
                matrix.steps(),
                x,
                gated,
                inputs,
                activation),
        Device.out(gated));
    float[] sums = MatrixVector.reference(matrix.values(), Device.floats(x), 1, outputs, inputs);
    for (int j = 0; j < inner; j++) {
      float expected = Activations.reference(activation, sums[j], sums[inner + j]);
      assertThat(gated.get(j).getFloat32())
          .isCloseTo(expected, within(2e-3f * (1 + Math.abs(expected))));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 8, 32, 1, 0",
    "2, 64, 64, 1, 0",
    "7, 72, 352, 3, 0",
    "16, 144, 96, 1, 1",
    "5, 48, 640, 1, 2"
  })
  void aFewRows(int rows, int outputs, int inputs, int splits, int activation) {
    int tile = SkinnyProductQ4.TILE_ROWS;
    WorkerGrid grid = SkinnyProductQ4.grid(rows + tile, outputs, splits);
    product(SkinnyProductQ4::multiply, grid, tile, rows, outputs, inputs, splits, activation);
  }

  @ParameterizedTest
  @CsvSource({"1, 8, 512, 1, 0", "7, 72, 2304, 3, 0", "16, 144, 512, 1, 1", "5, 48, 1024, 2, 0"})
  void aFewDeepRows(int rows, int outputs, int inputs, int splits, int activation) {
    int tile = SkinnyDeepQ8.TILE_ROWS;
    WorkerGrid grid = SkinnyDeepQ8.grid(rows + tile, outputs, splits);
    product(SkinnyDeepQ4::multiplyQuads, grid, tile, rows, outputs, inputs, splits, activation);
  }

  @ParameterizedTest
  @CsvSource({"17, 64, 64, 1, 0", "64, 72, 32, 1, 0", "130, 136, 352, 3, 0", "70, 80, 256, 1, 1"})
  void manyRows(int rows, int outputs, int inputs, int splits, int activation) {
    int tile = TiledProductQ4.TILE_ROWS;
    WorkerGrid grid = TiledProductQ4.grid(rows + tile, outputs, splits);
    product(TiledProductQ4::multiplyQuads, grid, tile, rows, outputs, inputs, splits, activation);
  }

  private interface Product
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

  private static void product(
      Product kernel,
      WorkerGrid grid,
      int tile,
      int rows,
      int outputs,
      int inputs,
      int splits,
      int activation) {
    NibbleMatrix matrix = NibbleMatrix.random(outputs, inputs, activation != Activations.NONE);
    HalfFloatArray x =
        Device.halves(Device.normal(new Random(rows), Math.ceilDiv(rows, tile) * tile * inputs));
    IntArray counts = IntArray.fromElements(rows);
    int partRows = Math.ceilDiv(rows, 16) * 16;
    FloatArray out = new FloatArray(splits * partRows * outputs);
    HalfFloatArray gated = new HalfFloatArray(rows * outputs / 2);
    Device.run(
        grid,
        Device.in(counts, matrix.nibbles(), matrix.steps(), x),
        g ->
            g.task(
                "kernel",
                kernel,
                new KernelContext(),
                counts,
                matrix.nibbles(),
                matrix.steps(),
                x,
                out,
                gated,
                outputs,
                inputs,
                splits,
                partRows,
                activation),
        Device.out(out, gated));
    float[] sums =
        MatrixVector.reference(matrix.rounded(), Device.floats(x), rows, outputs, inputs);
    for (int r = 0; r < rows; r++) {
      if (activation == Activations.NONE) {
        for (int o = 0; o < outputs; o++) {
          float actual = 0;
          for (int s = 0; s < splits; s++) {
            actual += out.get((s * partRows + r) * outputs + o);
          }
          assertThat(actual)
              .as("row %d, output %d", r, o)
              .isCloseTo(sums[r * outputs + o], within(1e-3f));
        }
      } else {
        int inner = outputs / 2;
        for (int j = 0; j < inner; j++) {
          float expected =
              Activations.reference(
                  activation, sums[r * outputs + j], sums[r * outputs + inner + j]);
          assertThat(gated.get(r * inner + j).getFloat32())
              .as("row %d, element %d", r, j)
              .isCloseTo(expected, within(1e-3f * (1 + Math.abs(expected))));
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"8, 32", "24, 192"})
  void nibblesBecomeHalves(int outputs, int inputs) {
    NibbleMatrix matrix = NibbleMatrix.random(outputs, inputs, false);
    HalfFloatArray tiles = new HalfFloatArray((int) WeightTiles.elements(outputs, inputs));
    int count = outputs * NibbleTiles.paddedInputs(inputs) / 8;
    Device.run(
        NibbleTiles.grid(count),
        Device.in(matrix.nibbles(), matrix.steps()),
        g ->
            g.task(
                "kernel",
                NibbleTiles::unpack,
                new KernelContext(),
                matrix.nibbles(),
                matrix.steps(),
                tiles,
                inputs,
                count),
        Device.out(tiles));
    for (int o = 0; o < outputs; o++) {
      for (int i = 0; i < inputs; i++) {
        float expected = matrix.values()[o * inputs + i];
        assertThat(tiles.get(WeightTiles.at(o, i, inputs)).getFloat32())
            .isCloseTo(expected, within(1e-3f * Math.abs(expected)));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"32", "96"})
  void embeddingsAreGathered(int width) {
    NibbleMatrix matrix = NibbleMatrix.random(16, width, false);
    IntArray counts = IntArray.fromElements(2);
    IntArray tokens = IntArray.fromElements(13, 2);
    FloatArray residual = new FloatArray(2 * width);
    Device.run(
        Embedding.grid(2),
        Device.in(counts, tokens, matrix.nibbles(), matrix.steps()),
        g ->
            g.task(
                "kernel",
                Embedding::gatherQ4,
                new KernelContext(),
                counts,
                tokens,
                matrix.nibbles(),
                matrix.steps(),
                residual,
                width),
        Device.out(residual));
    for (int i = 0; i < width; i++) {
      assertThat(residual.get(i)).isCloseTo(matrix.values()[13 * width + i], within(1e-6f));
      assertThat(residual.get(width + i)).isCloseTo(matrix.values()[2 * width + i], within(1e-6f));
    }
  }
}
