package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.kernels.Matrices.Quantised;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.common.TornadoFunctions;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Products of several rows, whose grids are larger than the batch. */
class TileProductTest {
  @ParameterizedTest
  @CsvSource({
    "1, 8, 8, 1, 0",
    "2, 64, 64, 1, 0",
    "7, 72, 328, 3, 0",
    "16, 136, 192, 2, 0",
    "16, 144, 96, 1, 1",
    "9, 264, 640, 2, 0",
    "5, 48, 640, 1, 2"
  })
  void aFewRowsInQuads(int rows, int outputs, int inputs, int splits, int activation) {
    new Tiled(rows, outputs, inputs, splits, activation, SkinnyQuads.TILE_ROWS)
        .halves(SkinnyQuads::multiplyQuads, SkinnyQuads::grid);
  }

  @ParameterizedTest
  @CsvSource({"17, 128, 64, 1, 0", "3, 8, 8, 1, 0", "32, 200, 328, 4, 0", "31, 272, 320, 1, 1"})
  void upTo32RowsInQuads(int rows, int outputs, int inputs, int splits, int activation) {
    new Tiled(rows, outputs, inputs, splits, activation, LeanQuads.TILE_ROWS)
        .halves(LeanQuads::multiplyQuads, LeanQuads::grid);
  }

  @ParameterizedTest
  @CsvSource({"33, 128, 64, 1, 0", "3, 8, 8, 1, 0", "64, 200, 328, 4, 0", "70, 272, 320, 1, 2"})
  void upTo64RowsInQuads(int rows, int outputs, int inputs, int splits, int activation) {
    new Tiled(rows, outputs, inputs, splits, activation, MediumQuads.TILE_ROWS)
        .halves(MediumQuads::multiplyQuads, MediumQuads::grid);
  }

  @ParameterizedTest
  @CsvSource({"17, 64, 64, 1, 0", "64, 72, 40, 1, 0", "130, 136, 328, 3, 0", "70, 80, 256, 1, 1"})
  void manyRowsInQuads(int rows, int outputs, int inputs, int splits, int activation) {
    new Tiled(rows, outputs, inputs, splits, activation, TiledQuads.TILE_ROWS)
        .halves(TiledQuads::multiplyQuads, TiledQuads::grid);
  }

  @ParameterizedTest
  @CsvSource({
    "65, 128, 64, 1, 0",
    "3, 8, 8, 1, 0",
    "130, 200, 328, 4, 0",
    "129, 272, 96, 1, 1",
    "100, 144, 288, 1, 2",
    "2048, 128, 64, 1, 1"
  })
  void veryManyRowsInQuads(int rows, int outputs, int inputs, int splits, int activation) {
    new Tiled(rows, outputs, inputs, splits, activation, WideQuads.TILE_ROWS)
        .halves(WideQuads::multiplyQuads, WideQuads::grid);
  }

  @ParameterizedTest
  @CsvSource({
    "65, 128, 64, 1, 0",
    "3, 8, 8, 1, 0",
    "130, 200, 328, 4, 0",
    "192, 272, 96, 1, 1",
    "200, 136, 32, 1, 0",
    "300, 144, 288, 1, 2",
    "520, 128, 192, 2, 0"
  })
  void highTilesInQuads(int rows, int outputs, int inputs, int splits, int activation) {
    new Tiled(rows, outputs, inputs, splits, activation, BroadQuads.MOST_ROWS)
        .halves(BroadQuads::multiplyQuads, BroadQuads::grid);
  }

  /** So a step's logits don't depend on which graph there is for it yet. */
  @Test
  void kernelsForFewAndManyRowsGiveTheSameBits() {
    float[] few = sums(SkinnyQuads.TILE_ROWS, SkinnyQuads::multiplyQuads, SkinnyQuads::grid);
    assertThat(sums(LeanQuads.TILE_ROWS, LeanQuads::multiplyQuads, LeanQuads::grid)).isEqualTo(few);
    assertThat(sums(MediumQuads.TILE_ROWS, MediumQuads::multiplyQuads, MediumQuads::grid))
        .isEqualTo(few);
    assertThat(sums(BroadQuads.MOST_ROWS, BroadQuads::multiplyQuads, BroadQuads::grid))
        .isEqualTo(few);
  }

  private static float[] sums(int tileRows, Halves multiply, Grid grid) {
    Tiled product = new Tiled(12, 400, 448, 1, 0, tileRows);
    product.halves(multiply, grid);
    return Arrays.copyOf(product.out.toHeapArray(), 12 * 400);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 8, 32, 1, 0",
    "2, 64, 64, 1, 0",
    "9, 24, 352, 3, 0",
    "16, 144, 96, 1, 1",
    "3, 64, 640, 1, 0"
  })
  void aFewRowsOfQ8(int rows, int outputs, int inputs, int splits, int activation) {
    new Tiled(rows, outputs, inputs, splits, activation, SkinnyProductQ8.TILE_ROWS)
        .quants(SkinnyProductQ8::multiply, SkinnyProductQ8::grid);
  }

  @ParameterizedTest
  @CsvSource({"1, 8, 512, 1, 0", "9, 72, 2304, 3, 0", "16, 144, 512, 1, 1", "3, 64, 1024, 2, 0"})
  void aFewRowsOfDeepQ8(int rows, int outputs, int inputs, int splits, int activation) {
    new Tiled(rows, outputs, inputs, splits, activation, SkinnyDeepQ8.TILE_ROWS)
        .quants(SkinnyDeepQ8::multiplyQuads, SkinnyDeepQ8::grid);
  }

  @ParameterizedTest
  @CsvSource({"17, 8, 512, 1, 0", "32, 72, 2304, 3, 0", "31, 144, 512, 1, 1", "9, 64, 1024, 2, 0"})
  void upTo32RowsOfDeepQ8(int rows, int outputs, int inputs, int splits, int activation) {
    new Tiled(rows, outputs, inputs, splits, activation, LeanDeepQ8.TILE_ROWS)
        .quants(LeanDeepQ8::multiplyQuads, LeanDeepQ8::grid);
  }

  @ParameterizedTest
  @CsvSource({"33, 8, 512, 1, 0", "64, 72, 2304, 3, 0", "50, 144, 512, 1, 1", "9, 64, 1024, 2, 0"})
  void upTo64RowsOfDeepQ8(int rows, int outputs, int inputs, int splits, int activation) {
    new Tiled(rows, outputs, inputs, splits, activation, MediumDeepQ8.TILE_ROWS)
        .quants(MediumDeepQ8::multiplyQuads, MediumDeepQ8::grid);
  }

  @ParameterizedTest
  @CsvSource({"33, 64, 64, 1, 0", "70, 40, 352, 2, 0", "65, 80, 256, 1, 2", "17, 64, 640, 1, 0"})
  void manyRowsOfQ8(int rows, int outputs, int inputs, int splits, int activation) {
    new Tiled(rows, outputs, inputs, splits, activation, TiledProductQ8.TILE_ROWS)
        .quants(TiledProductQ8::multiplyQuads, TiledProductQ8::grid);
  }

  @Test
  void q8BecomesHalves() {
    int outputs = 24;
    int inputs = 96;
    Quantised weights = Quantised.random(outputs, inputs, false);
    HalfFloatArray tiles = new HalfFloatArray((int) WeightTiles.elements(outputs, inputs));
    int count = outputs * WeightTiles.paddedInputs(inputs) / 4;
    Device.run(
        QuantTiles.grid(count),
        Device.in(weights.quants, weights.scales),
        g ->
            g.task(
                "kernel",
                QuantTiles::unpack,
                new KernelContext(),
                weights.quants,
                weights.scales,
                tiles,
                count),
        Device.out(tiles));
    float[] expected = weights.rounded();
    for (int o = 0; o < outputs; o++) {
      for (int i = 0; i < inputs; i++) {
        assertThat(tiles.get(WeightTiles.at(o, i, inputs)).getFloat32())
            .isEqualTo(expected[o * inputs + i]);
      }
    }
  }

  private interface Halves
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

  private interface Quants
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

  private interface Grid {
    WorkerGrid of(int rows, int outputs, int splits);
  }

  /** A product's arguments, and its results. */
  private static final class Tiled {
    private final int rows;
    private final int outputs;
    private final int inputs;
    private final int splits;
    private final int activation;
    private final int most;
    private final int partRows;
    private final HalfFloatArray x;
    private final IntArray counts;
    private final FloatArray out;
    private final HalfFloatArray gated;

    Tiled(int rows, int outputs, int inputs, int splits, int activation, int tileRows) {
      this.rows = rows;
      this.outputs = outputs;
      this.inputs = inputs;
      this.splits = splits;
      this.activation = activation;
      int whole = Math.ceilDiv(rows, tileRows) * tileRows;
      most = whole + tileRows;
      partRows = Math.ceilDiv(rows, 16) * 16;
      x = Device.halves(Matrices.small(new Random(rows), whole * inputs));
      counts = IntArray.fromElements(rows);
      out = new FloatArray(splits * partRows * outputs);
      gated = new HalfFloatArray(rows * outputs / 2);
    }

    void halves(Halves multiply, Grid grid) {
      Random random = new Random(rows * 31L + outputs + inputs);
      float[] values = Matrices.halves(Device.normal(random, outputs * inputs));
      HalfFloatArray weights =
          activation == Activations.NONE
              ? WeightTiles.pack(values, outputs, inputs)
              : Matrices.interleaved(values, outputs / 2, inputs);
      Device.run(
          grid.of(most, outputs, splits),
          Device.in(counts, weights, x),
          g ->
              g.task(
                  "kernel",
                  multiply,
                  new KernelContext(),
                  counts,
                  weights,
                  x,
                  out,
                  gated,
                  outputs,
                  inputs,
                  splits,
                  partRows,
                  activation),
          Device.out(out, gated));
      check(values);
    }

    void quants(Quants multiply, Grid grid) {
      Quantised weights = Quantised.random(outputs, inputs, activation != Activations.NONE);
      Device.run(
          grid.of(most, outputs, splits),
          Device.in(counts, weights.quants, weights.scales, x),
          g ->
              g.task(
                  "kernel",
                  multiply,
                  new KernelContext(),
                  counts,
                  weights.quants,
                  weights.scales,
                  x,
                  out,
                  gated,
                  outputs,
                  inputs,
                  splits,
                  partRows,
                  activation),
          Device.out(out, gated));
      check(weights.rounded());
    }

    private void check(float[] values) {
      if (activation == Activations.NONE) {
        Matrices.check(values, x, Matrices.sum(out, splits), rows, outputs, inputs);
      } else {
        Matrices.checkGated(values, x, gated, rows, outputs / 2, inputs, activation);
      }
    }
  }
}
