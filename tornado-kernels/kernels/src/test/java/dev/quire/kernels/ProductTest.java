package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

class ProductTest {
  @ParameterizedTest
  @CsvSource({"8, 2", "8, 64", "16, 258", "64, 512", "136, 1026", "24, 2048"})
  void oneRow(int outputs, int inputs) {
    float[] values = halves(Device.normal(new Random(outputs * 7L), outputs * inputs));
    HalfFloatArray weights = WeightTiles.pack(values, outputs, inputs);
    HalfFloatArray x = Device.halves(Device.normal(new Random(9), inputs));
    FloatArray out = new FloatArray(outputs);
    Device.run(
        MatrixVector.grid(outputs),
        Device.in(weights, x),
        g -> g.task("kernel", MatrixVector::multiply, new KernelContext(), weights, x, out, inputs),
        Device.out(out));
    check(values, Device.floats(x), out, 1, outputs, inputs, 1e-4f);
  }

  @ParameterizedTest
  @CsvSource({"8, 128", "24, 2048", "16, 2176"})
  void oneRowShared(int outputs, int inputs) {
    float[] values = halves(Device.normal(new Random(outputs * 7L), outputs * inputs));
    HalfFloatArray weights = WeightTiles.pack(values, outputs, inputs);
    HalfFloatArray x = Device.halves(Device.normal(new Random(9), inputs));
    FloatArray out = new FloatArray(outputs);
    Device.run(
        MatrixVector.sharedGrid(outputs),
        Device.in(weights, x),
        g ->
            g.task(
                "kernel",
                MatrixVector::multiplyShared,
                new KernelContext(),
                weights,
                x,
                out,
                inputs),
        Device.out(out));
    check(values, Device.floats(x), out, 1, outputs, inputs, 1e-4f);
  }

  @ParameterizedTest
  @CsvSource({"8, 64, 1", "24, 100, 2", "72, 600, 1"})
  void oneRowThroughTheGate(int inner, int inputs, int activation) {
    int outputs = 2 * inner;
    float[] values = halves(Device.normal(new Random(inner), outputs * inputs));
    HalfFloatArray weights = interleaved(values, inner, inputs);
    HalfFloatArray x = Device.halves(small(new Random(9), inputs));
    HalfFloatArray gated = new HalfFloatArray(inner);
    Device.run(
        MatrixVector.gatedGrid(outputs),
        Device.in(weights, x),
        g ->
            g.task(
                "kernel",
                MatrixVector::multiplyGated,
                new KernelContext(),
                weights,
                x,
                gated,
                inputs,
                activation),
        Device.out(gated));
    checkGated(values, Device.floats(x), gated, 1, inner, inputs, activation);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 8, 2, 1, 0",
    "2, 64, 64, 1, 0",
    "7, 72, 330, 3, 0",
    "16, 136, 192, 2, 0",
    "16, 144, 96, 1, 1",
    "5, 48, 640, 1, 2"
  })
  void aFewRows(int rows, int outputs, int inputs, int splits, int activation) {
    Random random = new Random(rows * 31L + outputs + inputs);
    float[] values = halves(Device.normal(random, outputs * inputs));
    HalfFloatArray weights =
        activation == Activations.NONE
            ? WeightTiles.pack(values, outputs, inputs)
            : interleaved(values, outputs / 2, inputs);
    int most = Math.ceilDiv(rows, SkinnyProduct.TILE_ROWS) * SkinnyProduct.TILE_ROWS;
    HalfFloatArray x = Device.halves(small(random, most * inputs));
    IntArray counts = IntArray.fromElements(rows);
    int partRows = Math.ceilDiv(rows, 16) * 16;
    FloatArray out = new FloatArray(splits * partRows * outputs);
    HalfFloatArray gated = new HalfFloatArray(rows * outputs / 2);
    Device.run(
        SkinnyProduct.grid(most + SkinnyProduct.TILE_ROWS, outputs, splits),
        Device.in(counts, weights, x),
        g ->
            g.task(
                "kernel",
                SkinnyProduct::multiply,
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
    if (activation == Activations.NONE) {
      check(values, Device.floats(x), sum(out, splits), rows, outputs, inputs, 1e-4f);
    } else {
      checkGated(values, Device.floats(x), gated, rows, outputs / 2, inputs, activation);
    }
  }

  @ParameterizedTest
  @CsvSource({"17, 64, 64, 1, 0", "64, 72, 34, 1, 0", "130, 136, 330, 3, 0", "70, 80, 256, 1, 1"})
  void manyRows(int rows, int outputs, int inputs, int splits, int activation) {
    Random random = new Random(rows * 31L + outputs + inputs);
    float[] values = halves(Device.normal(random, outputs * inputs));
    HalfFloatArray weights =
        activation == Activations.NONE
            ? WeightTiles.pack(values, outputs, inputs)
            : interleaved(values, outputs / 2, inputs);
    int most = Math.ceilDiv(rows, TiledProduct.TILE_ROWS) * TiledProduct.TILE_ROWS;
    HalfFloatArray x = Device.halves(small(random, most * inputs));
    IntArray counts = IntArray.fromElements(rows);
    int partRows = Math.ceilDiv(rows, 16) * 16;
    FloatArray out = new FloatArray(splits * partRows * outputs);
    HalfFloatArray gated = new HalfFloatArray(rows * outputs / 2);
    Device.run(
        TiledProduct.grid(most + TiledProduct.TILE_ROWS, outputs, splits),
        Device.in(counts, weights, x),
        g ->
            g.task(
                "kernel",
                TiledProduct::multiply,
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
    if (activation == Activations.NONE) {
      check(values, Device.floats(x), sum(out, splits), rows, outputs, inputs, 1e-4f);
    } else {
      checkGated(values, Device.floats(x), gated, rows, outputs / 2, inputs, activation);
    }
  }

  @ParameterizedTest
  @CsvSource({"17, 128, 64, 1, 0", "3, 8, 2, 1, 0", "32, 200, 330, 4, 0", "31, 272, 96, 1, 1"})
  void upTo32Rows(int rows, int outputs, int inputs, int splits, int activation) {
    Random random = new Random(rows * 31L + outputs + inputs);
    float[] values = halves(Device.normal(random, outputs * inputs));
    HalfFloatArray weights =
        activation == Activations.NONE
            ? WeightTiles.pack(values, outputs, inputs)
            : interleaved(values, outputs / 2, inputs);
    int most = Math.ceilDiv(rows, LeanProduct.TILE_ROWS) * LeanProduct.TILE_ROWS;
    HalfFloatArray x = Device.halves(small(random, most * inputs));
    IntArray counts = IntArray.fromElements(rows);
    int partRows = Math.ceilDiv(rows, 16) * 16;
    FloatArray out = new FloatArray(splits * partRows * outputs);
    HalfFloatArray gated = new HalfFloatArray(rows * outputs / 2);
    Device.run(
        LeanProduct.grid(most + LeanProduct.TILE_ROWS, outputs, splits),
        Device.in(counts, weights, x),
        g ->
            g.task(
                "kernel",
                LeanProduct::multiply,
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
    if (activation == Activations.NONE) {
      check(values, Device.floats(x), sum(out, splits), rows, outputs, inputs, 1e-4f);
    } else {
      checkGated(values, Device.floats(x), gated, rows, outputs / 2, inputs, activation);
    }
  }

  @ParameterizedTest
  @CsvSource({"33, 128, 64, 1, 0", "3, 8, 2, 1, 0", "64, 200, 330, 4, 0", "70, 272, 96, 1, 2"})
  void upTo64Rows(int rows, int outputs, int inputs, int splits, int activation) {
    Random random = new Random(rows * 31L + outputs + inputs);
    float[] values = halves(Device.normal(random, outputs * inputs));
    HalfFloatArray weights =
        activation == Activations.NONE
            ? WeightTiles.pack(values, outputs, inputs)
            : interleaved(values, outputs / 2, inputs);
    int most = Math.ceilDiv(rows, MediumProduct.TILE_ROWS) * MediumProduct.TILE_ROWS;
    HalfFloatArray x = Device.halves(small(random, most * inputs));
    IntArray counts = IntArray.fromElements(rows);
    int partRows = Math.ceilDiv(rows, 16) * 16;
    FloatArray out = new FloatArray(splits * partRows * outputs);
    HalfFloatArray gated = new HalfFloatArray(rows * outputs / 2);
    Device.run(
        MediumProduct.grid(most + MediumProduct.TILE_ROWS, outputs, splits),
        Device.in(counts, weights, x),
        g ->
            g.task(
                "kernel",
                MediumProduct::multiply,
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
    if (activation == Activations.NONE) {
      check(values, Device.floats(x), sum(out, splits), rows, outputs, inputs, 1e-4f);
    } else {
      checkGated(values, Device.floats(x), gated, rows, outputs / 2, inputs, activation);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "65, 128, 64, 1, 0",
    "3, 8, 2, 1, 0",
    "130, 200, 330, 4, 0",
    "129, 272, 96, 1, 1",
    "100, 144, 288, 1, 2",
    "2048, 128, 64, 1, 1"
  })
  void veryManyRows(int rows, int outputs, int inputs, int splits, int activation) {
    Random random = new Random(rows * 31L + outputs + inputs);
    float[] values = halves(Device.normal(random, outputs * inputs));
    HalfFloatArray weights =
        activation == Activations.NONE
            ? WeightTiles.pack(values, outputs, inputs)
            : interleaved(values, outputs / 2, inputs);
    int most = Math.ceilDiv(rows, WideProduct.TILE_ROWS) * WideProduct.TILE_ROWS;
    HalfFloatArray x = Device.halves(small(random, most * inputs));
    IntArray counts = IntArray.fromElements(rows);
    int partRows = Math.ceilDiv(rows, 16) * 16;
    FloatArray out = new FloatArray(splits * partRows * outputs);
    HalfFloatArray gated = new HalfFloatArray(rows * outputs / 2);
    Device.run(
        WideProduct.grid(most + WideProduct.TILE_ROWS, outputs, splits),
        Device.in(counts, weights, x),
        g ->
            g.task(
                "kernel",
                WideProduct::multiply,
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
    if (activation == Activations.NONE) {
      check(values, Device.floats(x), sum(out, splits), rows, outputs, inputs, 1e-4f);
    } else {
      checkGated(values, Device.floats(x), gated, rows, outputs / 2, inputs, activation);
    }
  }

  @ParameterizedTest
  @CsvSource({"8, 32", "8, 64", "16, 288", "136, 1024"})
  void oneRowOfQ8(int outputs, int inputs) {
    Quantised weights = Quantised.random(outputs, inputs, false);
    HalfFloatArray x = Device.halves(Device.normal(new Random(9), inputs));
    FloatArray out = new FloatArray(outputs);
    Device.run(
        MatrixVectorQ8.grid(outputs),
        Device.in(weights.quants, weights.scales, x),
        g ->
            g.task(
                "kernel",
                MatrixVectorQ8::multiply,
                new KernelContext(),
                weights.quants,
                weights.scales,
                x,
                out,
                inputs),
        Device.out(out));
    check(weights.values, Device.floats(x), out, 1, outputs, inputs, 1e-4f);
  }

  @ParameterizedTest
  @CsvSource({"8, 128", "24, 2048", "16, 2176"})
  void oneRowOfQ8Shared(int outputs, int inputs) {
    Quantised weights = Quantised.random(outputs, inputs, false);
    HalfFloatArray x = Device.halves(Device.normal(new Random(9), inputs));
    FloatArray out = new FloatArray(outputs);
    Device.run(
        MatrixVectorQ8.sharedGrid(outputs),
        Device.in(weights.quants, weights.scales, x),
        g ->
            g.task(
                "kernel",
                MatrixVectorQ8::multiplyShared,
                new KernelContext(),
                weights.quants,
                weights.scales,
                x,
                out,
                inputs),
        Device.out(out));
    check(weights.values, Device.floats(x), out, 1, outputs, inputs, 1e-4f);
  }

  @ParameterizedTest
  @CsvSource({"8, 64, 1", "24, 96, 2", "72, 608, 1"})
  void oneRowOfQ8ThroughTheGate(int inner, int inputs, int activation) {
    int outputs = 2 * inner;
    Quantised weights = Quantised.random(outputs, inputs, true);
    HalfFloatArray x = Device.halves(small(new Random(9), inputs));
    HalfFloatArray gated = new HalfFloatArray(inner);
    Device.run(
        MatrixVectorQ8.gatedGrid(outputs),
        Device.in(weights.quants, weights.scales, x),
        g ->
            g.task(
                "kernel",
                MatrixVectorQ8::multiplyGated,
                new KernelContext(),
                weights.quants,
                weights.scales,
                x,
                gated,
                inputs,
                activation),
        Device.out(gated));
    checkGated(weights.values, Device.floats(x), gated, 1, inner, inputs, activation);
  }

  @ParameterizedTest
  @CsvSource({"1, 8, 32, 1, 0", "2, 64, 64, 1, 0", "9, 24, 352, 3, 0", "16, 144, 96, 1, 1"})
  void aFewRowsOfQ8(int rows, int outputs, int inputs, int splits, int activation) {
    Quantised weights = Quantised.random(outputs, inputs, activation != Activations.NONE);
    int most = Math.ceilDiv(rows, SkinnyProductQ8.TILE_ROWS) * SkinnyProductQ8.TILE_ROWS;
    HalfFloatArray x = Device.halves(small(new Random(rows), most * inputs));
    IntArray counts = IntArray.fromElements(rows);
    int partRows = Math.ceilDiv(rows, 16) * 16;
    FloatArray out = new FloatArray(splits * partRows * outputs);
    HalfFloatArray gated = new HalfFloatArray(rows * outputs / 2);
    Device.run(
        SkinnyProductQ8.grid(most + SkinnyProductQ8.TILE_ROWS, outputs, splits),
        Device.in(counts, weights.quants, weights.scales, x),
        g ->
            g.task(
                "kernel",
                SkinnyProductQ8::multiply,
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
    float[] values = weights.rounded();
    if (activation == Activations.NONE) {
      check(values, Device.floats(x), sum(out, splits), rows, outputs, inputs, 1e-4f);
    } else {
      checkGated(values, Device.floats(x), gated, rows, outputs / 2, inputs, activation);
    }
  }

  @ParameterizedTest
  @CsvSource({"33, 64, 64, 1, 0", "70, 40, 352, 2, 0", "65, 80, 256, 1, 2"})
  void manyRowsOfQ8(int rows, int outputs, int inputs, int splits, int activation) {
    Quantised weights = Quantised.random(outputs, inputs, activation != Activations.NONE);
    int most = Math.ceilDiv(rows, TiledProductQ8.TILE_ROWS) * TiledProductQ8.TILE_ROWS;
    HalfFloatArray x = Device.halves(small(new Random(rows), most * inputs));
    IntArray counts = IntArray.fromElements(rows);
    int partRows = Math.ceilDiv(rows, 16) * 16;
    FloatArray out = new FloatArray(splits * partRows * outputs);
    HalfFloatArray gated = new HalfFloatArray(rows * outputs / 2);
    Device.run(
        TiledProductQ8.grid(most + TiledProductQ8.TILE_ROWS, outputs, splits),
        Device.in(counts, weights.quants, weights.scales, x),
        g ->
            g.task(
                "kernel",
                TiledProductQ8::multiply,
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
    float[] values = weights.rounded();
    if (activation == Activations.NONE) {
      check(values, Device.floats(x), sum(out, splits), rows, outputs, inputs, 1e-4f);
    } else {
      checkGated(values, Device.floats(x), gated, rows, outputs / 2, inputs, activation);
    }
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

  /** Values as halves have them. */
  private static float[] halves(float[] values) {
    return Device.floats(Device.halves(values));
  }

  /** Activations small enough that a gate's slope matters. */
  private static float[] small(Random random, int elements) {
    float[] values = Device.normal(random, elements);
    for (int i = 0; i < elements; i++) {
      values[i] /= 8;
    }
    return values;
  }

  /** Gate above up, as the device has them. */
  private static HalfFloatArray interleaved(float[] values, int inner, int inputs) {
    float[] rows = new float[values.length];
    for (int o = 0; o < 2 * inner; o++) {
      int from = WeightTiles.interleaved(o, inner);
      System.arraycopy(values, from * inputs, rows, o * inputs, inputs);
    }
    return WeightTiles.pack(rows, 2 * inner, inputs);
  }

  private static FloatArray sum(FloatArray parts, int splits) {
    FloatArray sum = new FloatArray(parts.getSize() / splits);
    for (int i = 0; i < sum.getSize(); i++) {
      float value = 0;
      for (int s = 0; s < splits; s++) {
        value += parts.get(s * sum.getSize() + i);
      }
      sum.set(i, value);
    }
    return sum;
  }

  private static void checkGated(
      float[] weights,
      float[] x,
      HalfFloatArray gated,
      int rows,
      int inner,
      int inputs,
      int activation) {
    float[] sums = MatrixVector.reference(weights, x, rows, 2 * inner, inputs);
    for (int r = 0; r < rows; r++) {
      for (int j = 0; j < inner; j++) {
        float gate = sums[r * 2 * inner + j];
        float up = sums[r * 2 * inner + inner + j];
        float expected = Activations.reference(activation, gate, up);
        assertThat(gated.get(r * inner + j).getFloat32())
            .as("row %d, element %d", r, j)
            .isCloseTo(expected, within(1e-3f + 1e-3f * Math.abs(expected)));
      }
    }
  }

  private static void check(
      float[] weights,
      float[] x,
      FloatArray out,
      int rows,
      int outputs,
      int inputs,
      float tolerance) {
    float[] expected = MatrixVector.reference(weights, x, rows, outputs, inputs);
    float[] actual = out.toHeapArray();
    float scale = (float) Math.sqrt(inputs) * 4;
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i]).as("element %d", i).isCloseTo(expected[i], within(tolerance * scale));
    }
  }

  /**
   * A matrix in Q8_0.
   *
   * @param values row by row; gate above up, if the device has them interleaved
   */
  private record Quantised(float[] values, IntArray quants, HalfFloatArray scales) {
    static Quantised random(int outputs, int inputs, boolean interleaved) {
      byte[] blocks = Device.q8(new Random(outputs + inputs), outputs * inputs / 32);
      IntArray quants = new IntArray((int) QuantTiles.quants(outputs, inputs));
      HalfFloatArray scales = new HalfFloatArray((int) QuantTiles.scales(outputs, inputs));
      scales.init(new HalfFloat(0.0f));
      for (int o = 0; o < outputs; o++) {
        int row = interleaved ? WeightTiles.interleaved(o, outputs / 2) : o;
        for (int i = 0; i < inputs; i++) {
          int block = (row * inputs + i) / 32 * 34;
          int at = QuantTiles.quantAt(o, i, inputs);
          int quant = (blocks[block + 2 + i % 32] & 0xFF) << 8 * (at % 4);
          quants.set(at / 4, quants.get(at / 4) | quant);
          scales.set(
              QuantTiles.scaleAt(o, i, inputs),
              new HalfFloat((short) ((blocks[block] & 0xFF) | blocks[block + 1] << 8)));
        }
      }
      return new Quantised(Pack.reference(blocks), quants, scales);
    }

    /** The weights as tensor cores see them: rounded to halves. */
    float[] rounded() {
      float[] halves = Arrays.copyOf(values, values.length);
      for (int i = 0; i < halves.length; i++) {
        halves[i] = Float.float16ToFloat(Float.floatToFloat16(halves[i]));
      }
      return halves;
    }
  }
}
