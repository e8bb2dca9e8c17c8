package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.quire.kernels.Matrices.Quantised;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;

/** Products that read the residual stream normalised, and products that add to it. */
class ResidualStreamTest {
  private static final float EPSILON = 1e-3f;

  @ParameterizedTest
  @CsvSource({"8", "96", "136", "2048"})
  void weighs(int width) {
    float[] stream = Device.normal(new Random(width), width);
    float[] norm = Device.normal(new Random(3), width);
    FloatArray residual = FloatArray.fromArray(stream);
    FloatArray weight = FloatArray.fromArray(norm);
    FloatArray weighted = new FloatArray(width);
    FloatArray squares = new FloatArray(width / ResidualStream.SHARED);
    Device.run(
        ResidualStream.grid(width),
        Device.in(residual, weight),
        g ->
            g.task(
                "kernel",
                ResidualStream::weigh,
                new KernelContext(),
                residual,
                weight,
                weighted,
                squares,
                width),
        Device.out(weighted, squares));
    checkStream(stream, norm, weighted, squares);
  }

  @ParameterizedTest
  @CsvSource({"8, 128, 0", "24, 2048, 0", "16, 640, 1", "16, 2048, 2", "8, 8192, 0"})
  void productsOfHalves(int outputs, int inputs, int activation) {
    float[] values = Matrices.halves(Device.normal(new Random(outputs), outputs * inputs));
    HalfFloatArray weights =
        activation == Activations.NONE
            ? WeightTiles.pack(values, outputs, inputs)
            : Matrices.interleaved(values, outputs / 2, inputs);
    Normed normed = new Normed(inputs);
    FloatArray out = new FloatArray(outputs);
    HalfFloatArray gated = new HalfFloatArray(outputs / 2);
    Device.run(
        MatrixVectorShared.grid(outputs, activation),
        Device.in(weights, normed.weighted, normed.squares),
        g ->
            g.task(
                "kernel",
                MatrixVectorShared::multiplyEarly,
                new KernelContext(),
                weights,
                new HalfFloatArray(1),
                out,
                gated,
                new FloatArray(1),
                new FloatArray(1),
                normed.weighted,
                normed.squares,
                inputs,
                activation,
                ResidualStream.NORMED,
                EPSILON),
        Device.out(out, gated));
    normed.check(values, out, gated, outputs, activation);
  }

  @ParameterizedTest
  @CsvSource({"8, 32, 0", "24, 2080, 0", "16, 96, 1", "8192, 64, 0", "16384, 32, 1"})
  void productsOfBytes(int outputs, int inputs, int activation) {
    Quantised weights = Quantised.random(outputs, inputs, activation != Activations.NONE);
    Normed normed = new Normed(inputs);
    FloatArray out = new FloatArray(outputs);
    HalfFloatArray gated = new HalfFloatArray(outputs / 2);
    int warps = MatrixVectorQ8.warps(outputs, activation);
    Device.run(
        MatrixVectorQ8.grid(outputs, activation),
        Device.in(weights.quants, weights.scales, normed.weighted, normed.squares),
        g ->
            g.task(
                "kernel",
                MatrixVectorQ8::multiplyEarly,
                new KernelContext(),
                weights.quants,
                weights.scales,
                new HalfFloatArray(1),
                out,
                gated,
                new FloatArray(1),
                new FloatArray(1),
                normed.weighted,
                normed.squares,
                inputs,
                warps,
                activation,
                ResidualStream.NORMED,
                EPSILON),
        Device.out(out, gated));
    normed.check(weights.values, out, gated, outputs, activation);
  }

  @ParameterizedTest
  @CsvSource({"8, 32, 0", "24, 2080, 0", "16, 96, 1", "8192, 64, 0", "16384, 32, 1"})
  void productsOfFourBytes(int outputs, int inputs, int activation) {
    Quantised weights = Quantised.random(outputs, inputs, activation != Activations.NONE);
    Normed normed = new Normed(inputs);
    FloatArray out = new FloatArray(outputs);
    HalfFloatArray gated = new HalfFloatArray(outputs / 2);
    int warps = MatrixVectorDots.warps(outputs);
    int blocks = MatrixVectorDots.blocks(outputs, activation);
    Device.run(
        MatrixVectorDots.grid(outputs, warps, blocks),
        Device.in(weights.quants, weights.scales, normed.weighted, normed.squares),
        g ->
            g.task(
                "kernel",
                MatrixVectorDots::multiplyEarly,
                new KernelContext(),
                weights.quants,
                weights.scales,
                new HalfFloatArray(1),
                out,
                gated,
                new FloatArray(1),
                new FloatArray(1),
                normed.weighted,
                normed.squares,
                inputs,
                warps,
                blocks,
                activation,
                ResidualStream.NORMED,
                EPSILON),
        Device.out(out, gated));
    normed.check(weights.values, out, gated, outputs, activation);
  }

  @Test
  void halvesAreAdded() {
    int outputs = 24;
    int inputs = 2176;
    float[] values = Matrices.halves(Device.normal(new Random(1), outputs * inputs));
    HalfFloatArray weights = WeightTiles.pack(values, outputs, inputs);
    Added added = new Added(outputs, inputs);
    Device.run(
        MatrixVectorShared.grid(outputs, Activations.NONE),
        Device.in(weights, added.x, added.residual, added.norm),
        g ->
            g.task(
                "kernel",
                MatrixVectorShared::multiplyEarly,
                new KernelContext(),
                weights,
                added.x,
                new FloatArray(1),
                new HalfFloatArray(1),
                added.residual,
                added.norm,
                added.weighted,
                added.squares,
                inputs,
                Activations.NONE,
                ResidualStream.ADDED,
                EPSILON),
        Device.out(added.residual, added.weighted, added.squares));
    added.check(values);
  }

  @ParameterizedTest
  @CsvSource({"24, 96", "8192, 64"})
  void bytesAreAdded(int outputs, int inputs) {
    Quantised weights = Quantised.random(outputs, inputs, false);
    Added added = new Added(outputs, inputs);
    int warps = MatrixVectorQ8.warps(outputs, Activations.NONE);
    Device.run(
        MatrixVectorQ8.grid(outputs, Activations.NONE),
        Device.in(weights.quants, weights.scales, added.x, added.residual, added.norm),
        g ->
            g.task(
                "kernel",
                MatrixVectorQ8::multiplyEarly,
                new KernelContext(),
                weights.quants,
                weights.scales,
                added.x,
                new FloatArray(1),
                new HalfFloatArray(1),
                added.residual,
                added.norm,
                added.weighted,
                added.squares,
                inputs,
                warps,
                Activations.NONE,
                ResidualStream.ADDED,
                EPSILON),
        Device.out(added.residual, added.weighted, added.squares));
    added.check(weights.values);
  }

  @ParameterizedTest
  @CsvSource({"24, 96", "8192, 64"})
  void fourBytesAreAdded(int outputs, int inputs) {
    Quantised weights = Quantised.random(outputs, inputs, false);
    Added added = new Added(outputs, inputs);
    int warps = MatrixVectorDots.warps(outputs);
    int blocks = MatrixVectorDots.blocks(outputs, Activations.NONE);
    Device.run(
        MatrixVectorDots.grid(outputs, warps, blocks),
        Device.in(weights.quants, weights.scales, added.x, added.residual, added.norm),
        g ->
            g.task(
                "kernel",
                MatrixVectorDots::multiplyEarly,
                new KernelContext(),
                weights.quants,
                weights.scales,
                added.x,
                new FloatArray(1),
                new HalfFloatArray(1),
                added.residual,
                added.norm,
                added.weighted,
                added.squares,
                inputs,
                warps,
                blocks,
                Activations.NONE,
                ResidualStream.ADDED,
                EPSILON),
        Device.out(added.residual, added.weighted, added.squares));
    added.check(weights.values);
  }

  private static void checkStream(
      float[] stream, float[] norm, FloatArray weighted, FloatArray squares) {
    for (int i = 0; i < stream.length; i++) {
      float expected = stream[i] * norm[i];
      assertThat(weighted.get(i))
          .as("element %d", i)
          .isCloseTo(expected, within(1e-3f * (1 + Math.abs(expected))));
    }
    for (int i = 0; i < squares.getSize(); i++) {
      float sum = 0;
      for (int j = 0; j < ResidualStream.SHARED; j++) {
        sum += stream[i * ResidualStream.SHARED + j] * stream[i * ResidualStream.SHARED + j];
      }
      assertThat(squares.get(i)).as("squares %d", i).isCloseTo(sum, within(1e-3f * (1 + sum)));
    }
  }

  /** A stream to be read. */
  private static final class Normed {
    final int inputs;
    final FloatArray weighted;
    final FloatArray squares;
    final float[] x;

    Normed(int inputs) {
      this.inputs = inputs;
      float[] stream = Device.normal(new Random(inputs), inputs);
      float[] norm = Matrices.small(new Random(4), inputs);
      weighted = new FloatArray(inputs);
      squares = new FloatArray(inputs / ResidualStream.SHARED);
      squares.init(0);
      double all = 0;
      for (int i = 0; i < inputs; i++) {
        stream[i] *= 40;
        weighted.set(i, stream[i] * norm[i]);
        int at = i / ResidualStream.SHARED;
        squares.set(at, squares.get(at) + stream[i] * stream[i]);
        all += (double) stream[i] * stream[i];
      }
      double root = Math.sqrt(all / inputs + EPSILON);
      x = new float[inputs];
      for (int i = 0; i < inputs; i++) {
        x[i] = (float) (weighted.get(i) / root);
      }
    }

    void check(float[] weights, FloatArray out, HalfFloatArray gated, int outputs, int activation) {
      float[] sums = MatrixVector.reference(weights, x, 1, outputs, inputs);
      int count = activation == Activations.NONE ? outputs : outputs / 2;
      for (int i = 0; i < count; i++) {
        boolean plain = activation == Activations.NONE;
        float expected =
            plain ? sums[i] : Activations.reference(activation, sums[i], sums[outputs / 2 + i]);
        float found = plain ? out.get(i) : gated.get(i).getFloat32();
        assertThat(found)
            .as("output %d", i)
            .isCloseTo(expected, within(1e-3f + 1e-3f * Math.abs(expected)));
      }
    }
  }

  /** A stream to be added to. */
  private static final class Added {
    final int outputs;
    final int inputs;
    final float[] before;
    final float[] weight;
    final HalfFloatArray x;
    final FloatArray residual;
    final FloatArray norm;
    final FloatArray weighted;
    final FloatArray squares;

    Added(int outputs, int inputs) {
      this.outputs = outputs;
      this.inputs = inputs;
      before = Device.normal(new Random(2), outputs);
      weight = Device.normal(new Random(3), outputs);
      x = Device.halves(Matrices.small(new Random(9), inputs));
      residual = FloatArray.fromArray(before);
      norm = FloatArray.fromArray(weight);
      weighted = new FloatArray(outputs);
      squares = new FloatArray(outputs / ResidualStream.SHARED);
    }

    void check(float[] weights) {
      float[] sums = MatrixVector.reference(weights, Device.floats(x), 1, outputs, inputs);
      float[] after = new float[outputs];
      for (int i = 0; i < outputs; i++) {
        after[i] = before[i] + sums[i];
        assertThat(residual.get(i))
            .as("element %d", i)
            .isCloseTo(after[i], within(1e-3f * (1 + Math.abs(after[i]))));
      }
      checkStream(after, weight, weighted, squares);
    }
  }
}
