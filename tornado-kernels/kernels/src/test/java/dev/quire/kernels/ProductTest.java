package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

class ProductTest {
  @ParameterizedTest
  @CsvSource({"2, 2", "8, 64", "10, 258", "64, 512", "30, 1026"})
  void oneRow(int outputs, int inputs) {
    Random random = new Random(outputs * 7L + inputs);
    HalfFloatArray weights = Device.halves(Device.normal(random, outputs * inputs));
    HalfFloatArray x = Device.halves(Device.normal(random, inputs));
    FloatArray out = new FloatArray(outputs);
    Device.run(
        MatrixVector.grid(outputs),
        Device.in(weights, x),
        g ->
            g.task(
                "kernel",
                MatrixVector::multiply,
                new KernelContext(),
                weights,
                x,
                out,
                outputs,
                inputs),
        Device.out(out));
    check(Device.floats(weights), Device.floats(x), out, 1, outputs, inputs, 1e-4f);
  }

  @ParameterizedTest
  @CsvSource({"2, 32", "8, 64", "10, 288", "18, 512"})
  void oneRowOfQ8(int outputs, int inputs) {
    Quantised weights = Quantised.random(outputs, inputs);
    HalfFloatArray x = Device.halves(Device.normal(new Random(9), inputs));
    FloatArray out = new FloatArray(outputs);
    Device.run(
        MatrixVector.grid(outputs),
        Device.in(weights.quants, weights.scales, x),
        g ->
            g.task(
                "kernel",
                MatrixVector::multiplyQ8,
                new KernelContext(),
                weights.quants,
                weights.scales,
                x,
                out,
                outputs,
                inputs),
        Device.out(out));
    check(weights.values, Device.floats(x), out, 1, outputs, inputs, 1e-4f);
  }

  @ParameterizedTest
  @CsvSource({"1, 8, 2", "2, 64, 64", "7, 72, 100", "16, 136, 192"})
  void aFewRows(int rows, int outputs, int inputs) {
    Random random = new Random(rows * 31L + outputs + inputs);
    HalfFloatArray weights = Device.halves(Device.normal(random, outputs * inputs));
    HalfFloatArray x = Device.halves(Device.normal(random, rows * inputs));
    IntArray counts = IntArray.fromElements(rows);
    FloatArray out = new FloatArray(SkinnyProduct.TILE_ROWS * outputs);
    Device.run(
        SkinnyProduct.grid(16, outputs),
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
                outputs,
                inputs),
        Device.out(out));
    check(Device.floats(weights), Device.floats(x), out, rows, outputs, inputs, 1e-4f);
  }

  @ParameterizedTest
  @CsvSource({"2, 64, 64", "9, 24, 96"})
  void aFewRowsOfQ8(int rows, int outputs, int inputs) {
    Quantised weights = Quantised.random(outputs, inputs);
    HalfFloatArray x = Device.halves(Device.normal(new Random(rows), rows * inputs));
    IntArray counts = IntArray.fromElements(rows);
    FloatArray out = new FloatArray(SkinnyProduct.TILE_ROWS * outputs);
    Device.run(
        SkinnyProduct.grid(16, outputs),
        Device.in(counts, weights.quants, weights.scales, x),
        g ->
            g.task(
                "kernel",
                SkinnyProduct::multiplyQ8,
                new KernelContext(),
                counts,
                weights.quants,
                weights.scales,
                x,
                out,
                outputs,
                inputs),
        Device.out(out));
    check(weights.rounded(), Device.floats(x), out, rows, outputs, inputs, 1e-4f);
  }

  @ParameterizedTest
  @CsvSource({"17, 64, 64", "64, 72, 34", "130, 136, 96"})
  void manyRows(int rows, int outputs, int inputs) {
    Random random = new Random(rows * 31L + outputs + inputs);
    HalfFloatArray weights = Device.halves(Device.normal(random, outputs * inputs));
    HalfFloatArray x = Device.halves(Device.normal(random, rows * inputs));
    IntArray counts = IntArray.fromElements(rows);
    int tiles = (rows + 63) / 64 + 1;
    FloatArray out = new FloatArray(tiles * 64 * outputs);
    Device.run(
        TiledProduct.grid(tiles * 64, outputs),
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
                outputs,
                inputs),
        Device.out(out));
    check(Device.floats(weights), Device.floats(x), out, rows, outputs, inputs, 1e-4f);
  }

  @ParameterizedTest
  @CsvSource({"33, 64, 64", "70, 40, 96"})
  void manyRowsOfQ8(int rows, int outputs, int inputs) {
    Quantised weights = Quantised.random(outputs, inputs);
    HalfFloatArray x = Device.halves(Device.normal(new Random(rows), rows * inputs));
    IntArray counts = IntArray.fromElements(rows);
    FloatArray out = new FloatArray(128 * outputs);
    Device.run(
        TiledProduct.grid(128, outputs),
        Device.in(counts, weights.quants, weights.scales, x),
        g ->
            g.task(
                "kernel",
                TiledProduct::multiplyQ8,
                new KernelContext(),
                counts,
                weights.quants,
                weights.scales,
                x,
                out,
                outputs,
                inputs),
        Device.out(out));
    check(weights.rounded(), Device.floats(x), out, rows, outputs, inputs, 1e-4f);
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

  private record Quantised(float[] values, IntArray quants, HalfFloatArray scales) {
    static Quantised random(int outputs, int inputs) {
      byte[] blocks = Device.q8(new Random(outputs + inputs), outputs * inputs / 32);
      IntArray quants = new IntArray(outputs * inputs / 4);
      HalfFloatArray scales = new HalfFloatArray(outputs * inputs / 32);
      for (int i = 0; i < quants.getSize(); i++) {
        int start = i / 8 * 34 + 2 + i % 8 * 4;
        quants.set(
            i,
            (blocks[start] & 0xFF)
                | (blocks[start + 1] & 0xFF) << 8
                | (blocks[start + 2] & 0xFF) << 16
                | blocks[start + 3] << 24);
      }
      for (int b = 0; b < scales.getSize(); b++) {
        scales.set(b, new HalfFloat((short) ((blocks[b * 34] & 0xFF) | blocks[b * 34 + 1] << 8)));
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
