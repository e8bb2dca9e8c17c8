package dev.quire.kernels;

import dev.quire.kernels.Matrices.Quantised;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;

/** Products of one row. */
class VectorProductTest {
  @ParameterizedTest
  @CsvSource({"8, 2", "8, 64", "16, 258", "64, 512", "136, 1026", "24, 2048"})
  void oneRow(int outputs, int inputs) {
    float[] values = Matrices.halves(Device.normal(new Random(outputs * 7L), outputs * inputs));
    HalfFloatArray weights = WeightTiles.pack(values, outputs, inputs);
    HalfFloatArray x = Device.halves(Device.normal(new Random(9), inputs));
    FloatArray out = new FloatArray(outputs);
    Device.run(
        MatrixVector.grid(outputs),
        Device.in(weights, x),
        g -> g.task("kernel", MatrixVector::multiply, new KernelContext(), weights, x, out, inputs),
        Device.out(out));
    Matrices.check(values, x, out, 1, outputs, inputs);
  }

  @ParameterizedTest
  @CsvSource({"8, 64, 1", "24, 100, 2", "72, 600, 1"})
  void oneRowThroughTheGate(int inner, int inputs, int activation) {
    int outputs = 2 * inner;
    float[] values = Matrices.halves(Device.normal(new Random(inner), outputs * inputs));
    HalfFloatArray weights = Matrices.interleaved(values, inner, inputs);
    HalfFloatArray x = Device.halves(Matrices.small(new Random(9), inputs));
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
    Matrices.checkGated(values, x, gated, 1, inner, inputs, activation);
  }

  @ParameterizedTest
  @CsvSource({
    "8, 2048, 0",
    "24, 128, 0",
    "16, 2176, 0",
    "16, 2048, 1",
    "48, 1152, 2",
    "32, 3072, 1"
  })
  void oneRowShared(int outputs, int inputs, int activation) {
    float[] values = Matrices.halves(Device.normal(new Random(outputs * 7L), outputs * inputs));
    HalfFloatArray weights =
        activation == Activations.NONE
            ? WeightTiles.pack(values, outputs, inputs)
            : Matrices.interleaved(values, outputs / 2, inputs);
    HalfFloatArray x = Device.halves(Matrices.small(new Random(9), inputs));
    FloatArray out = new FloatArray(outputs);
    HalfFloatArray gated = new HalfFloatArray(outputs / 2);
    Device.run(
        MatrixVectorShared.grid(outputs, activation),
        Device.in(weights, x),
        g ->
            g.task(
                "kernel",
                MatrixVectorShared::multiplyEarly,
                new KernelContext(),
                weights,
                x,
                out,
                gated,
                new FloatArray(1),
                new FloatArray(1),
                new FloatArray(1),
                new FloatArray(1),
                inputs,
                activation,
                ResidualStream.PLAIN,
                0.0f),
        Device.out(out, gated));
    if (activation == Activations.NONE) {
      Matrices.check(values, x, out, 1, outputs, inputs);
    } else {
      Matrices.checkGated(values, x, gated, 1, outputs / 2, inputs, activation);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "8, 32, 0",
    "8, 64, 0",
    "16, 288, 0",
    "136, 1024, 0",
    "16, 2176, 0",
    "8192, 96, 0",
    "16, 64, 1",
    "48, 96, 2",
    "144, 608, 1",
    "8192, 128, 1"
  })
  void oneRowOfQ8(int outputs, int inputs, int activation) {
    Quantised weights = Quantised.random(outputs, inputs, activation != Activations.NONE);
    HalfFloatArray x = Device.halves(Matrices.small(new Random(9), inputs));
    FloatArray out = new FloatArray(outputs);
    HalfFloatArray gated = new HalfFloatArray(outputs / 2);
    int warps = MatrixVectorQ8.warps(outputs, activation);
    Device.run(
        MatrixVectorQ8.grid(outputs, activation),
        Device.in(weights.quants, weights.scales, x),
        g ->
            g.task(
                "kernel",
                MatrixVectorQ8::multiplyEarly,
                new KernelContext(),
                weights.quants,
                weights.scales,
                x,
                out,
                gated,
                new FloatArray(1),
                new FloatArray(1),
                new FloatArray(1),
                new FloatArray(1),
                inputs,
                warps,
                activation,
                ResidualStream.PLAIN,
                0.0f),
        Device.out(out, gated));
    if (activation == Activations.NONE) {
      Matrices.check(weights.values, x, out, 1, outputs, inputs);
    } else {
      Matrices.checkGated(weights.values, x, gated, 1, outputs / 2, inputs, activation);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "8, 32, 0",
    "8, 64, 0",
    "16, 288, 0",
    "136, 1024, 0",
    "16, 2176, 0",
    "8192, 96, 0",
    "16, 64, 1",
    "48, 96, 2",
    "144, 608, 1",
    "8192, 128, 1",
    "8, 3072, 0",
    "16, 10240, 0",
    "16, 20480, 1",
    "8192, 768, 1"
  })
  void oneRowOfQ8ByFours(int outputs, int inputs, int activation) {
    Quantised weights = Quantised.random(outputs, inputs, activation != Activations.NONE);
    HalfFloatArray x = Device.halves(Matrices.small(new Random(9), inputs));
    FloatArray out = new FloatArray(outputs);
    HalfFloatArray gated = new HalfFloatArray(outputs / 2);
    int warps = MatrixVectorDots.warps(outputs);
    int blocks = MatrixVectorDots.blocks(outputs, activation);
    Device.run(
        MatrixVectorDots.grid(outputs, warps, blocks),
        Device.in(weights.quants, weights.scales, x),
        g ->
            g.task(
                "kernel",
                MatrixVectorDots::multiplyEarly,
                new KernelContext(),
                weights.quants,
                weights.scales,
                x,
                out,
                gated,
                new FloatArray(1),
                new FloatArray(1),
                new FloatArray(1),
                new FloatArray(1),
                inputs,
                warps,
                blocks,
                activation,
                ResidualStream.PLAIN,
                0.0f),
        Device.out(out, gated));
    if (activation == Activations.NONE) {
      Matrices.check(weights.values, x, out, 1, outputs, inputs);
    } else {
      Matrices.checkGated(weights.values, x, gated, 1, outputs / 2, inputs, activation);
    }
  }
}
