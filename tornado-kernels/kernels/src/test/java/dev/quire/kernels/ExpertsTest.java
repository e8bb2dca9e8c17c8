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

class ExpertsTest {
  private static final float EPSILON = 1e-5f;

  @ParameterizedTest
  @CsvSource({"1, 8, 64, 1", "3, 4, 40, 1", "2, 130, 72, 1", "2, 9, 200, 0", "1, 1, 2, 1"})
  void aRoutersLogits(int rows, int experts, int width, int normalised) {
    float[] residual = Device.normal(new Random(1), rows * width);
    float[] norm = Device.normal(new Random(2), width);
    float[] router = Device.normal(new Random(3), experts * width);
    FloatArray logits = new FloatArray((rows + 1) * experts);
    logits.init(77.0f);
    IntArray counts = IntArray.fromElements(rows);
    FloatArray in = FloatArray.fromArray(Arrays.copyOf(residual, (rows + 1) * width));
    FloatArray norms = FloatArray.fromArray(norm);
    FloatArray routers = FloatArray.fromArray(router);
    Device.run(
        Router.logitsGrid(rows + 1, experts),
        Device.in(counts, in, norms, routers, logits),
        g ->
            g.task(
                "kernel",
                Router::logits,
                new KernelContext(),
                counts,
                in,
                norms,
                routers,
                logits,
                experts,
                width,
                EPSILON,
                normalised),
        Device.out(logits));
    for (int r = 0; r < rows; r++) {
      float[] row = Arrays.copyOfRange(residual, r * width, (r + 1) * width);
      float[] expected =
          Router.logitsReference(row, normalised == 1 ? norm : null, router, EPSILON);
      for (int e = 0; e < experts; e++) {
        assertThat(logits.get(r * experts + e))
            .isCloseTo(expected[e], within(1e-5f * (1 + Math.abs(expected[e])) * width));
      }
    }
    assertThat(logits.get(rows * experts)).isEqualTo(77);
  }

  @ParameterizedTest
  @CsvSource({
    "2, 8, 2, true",
    "3, 128, 8, false",
    "1, 60, 4, true",
    "2, 3, 3, true",
    "1, 1, 1, true"
  })
  void theLargestAreChosen(int rows, int experts, int used, boolean normalised) {
    float[] logits = Device.normal(new Random(experts), rows * experts);
    for (int i = 0; i < logits.length; i++) {
      logits[i] *= 30; // A share of nearly nothing must not become NaN.
    }
    route(rows, experts, used, normalised, logits);
  }

  @Test
  void ofEqualExpertsTheFirstAreChosen() {
    float[] logits = new float[70];
    logits[66] = 1;
    logits[33] = 1;
    logits[2] = 1;
    route(1, 70, 5, true, logits);
    route(1, 70, 4, false, new float[70]);
  }

  private static void route(int rows, int experts, int used, boolean normalised, float[] logits) {
    IntArray counts = IntArray.fromElements(rows);
    FloatArray in = FloatArray.fromArray(Arrays.copyOf(logits, (rows + 1) * experts));
    IntArray chosen = new IntArray((rows + 1) * used);
    FloatArray shares = new FloatArray((rows + 1) * used);
    chosen.init(-1);
    int scaled = normalised ? 1 : 0;
    Device.run(
        Router.routeGrid(rows + 1),
        Device.in(counts, in, chosen, shares),
        g ->
            g.task(
                "kernel",
                Router::route,
                new KernelContext(),
                counts,
                in,
                chosen,
                shares,
                experts,
                used,
                scaled),
        Device.out(chosen, shares));
    for (int r = 0; r < rows; r++) {
      float[] row = Arrays.copyOfRange(logits, r * experts, (r + 1) * experts);
      float[] expected = Router.reference(row, used, normalised);
      float[] actual = new float[experts];
      for (int u = 0; u < used; u++) {
        actual[chosen.get(r * used + u)] += shares.get(r * used + u);
      }
      for (int e = 0; e < experts; e++) {
        assertThat(actual[e]).as("expert %d", e).isCloseTo(expected[e], within(1e-5f));
      }
    }
    assertThat(chosen.get(rows * used)).isEqualTo(-1);
  }

  @ParameterizedTest
  @CsvSource({
    "3, 8, 64, 1, 0",
    "4, 40, 72, 2, 0",
    "6, 72, 200, 2, 0",
    "4, 16, 96, 2, 1",
    "2, 96, 40, 1, 2"
  })
  void products(int pairs, int outputs, int inputs, int perRow, int activation) {
    int experts = 3;
    float[] weights = Matrices.halves(Matrices.small(new Random(1), experts * outputs * inputs));
    int network = activation == Activations.NONE ? 0 : outputs;
    float[] stacked = new float[weights.length];
    for (int o = 0; o < experts * outputs; o++) {
      System.arraycopy(weights, Matrices.row(o, network) * inputs, stacked, o * inputs, inputs);
    }
    HalfFloatArray tiles = WeightTiles.pack(stacked, experts * outputs, inputs);
    Run run = new Run(pairs, outputs, inputs, perRow, activation, experts);
    FloatArray inner = run.inner();
    Device.run(
        ExpertProduct.grid(pairs + 2, outputs, activation),
        Device.in(run.counts, run.chosen, tiles, run.x, run.out, inner),
        g ->
            g.task(
                "kernel",
                ExpertProduct::multiply,
                new KernelContext(),
                run.counts,
                run.chosen,
                tiles,
                run.x,
                run.out,
                inner,
                outputs,
                inputs,
                perRow,
                activation),
        Device.out(run.out, inner));
    run.take(inner);
    run.check(weights);
  }

  @ParameterizedTest
  @CsvSource({
    "3, 8, 64, 1, 0",
    "4, 40, 96, 2, 0",
    "6, 72, 352, 2, 0",
    "4, 16, 96, 2, 1",
    "2, 96, 32, 1, 2"
  })
  void productsQ8(int pairs, int outputs, int inputs, int perRow, int activation) {
    int experts = 3;
    int network = activation == Activations.NONE ? 0 : outputs;
    Matrices.Quantised matrix = Matrices.Quantised.random(experts * outputs, inputs, network);
    Run run = new Run(pairs, outputs, inputs, perRow, activation, experts);
    Device.run(
        ExpertProduct.grid(pairs + 2, outputs, activation),
        Device.in(run.counts, run.chosen, matrix.quants, matrix.scales, run.x, run.out, run.gated),
        g ->
            g.task(
                "kernel",
                ExpertProductQ8::multiply,
                new KernelContext(),
                run.counts,
                run.chosen,
                matrix.quants,
                matrix.scales,
                run.x,
                run.out,
                run.gated,
                outputs,
                inputs,
                perRow,
                activation),
        Device.out(run.out, run.gated));
    run.check(matrix.values);
  }

  @ParameterizedTest
  @CsvSource({
    "3, 8, 128, 1, 0",
    "4, 40, 96, 2, 0",
    "6, 72, 352, 2, 0",
    "4, 16, 96, 2, 1",
    "2, 96, 32, 1, 2"
  })
  void productsQ4(int pairs, int outputs, int inputs, int perRow, int activation) {
    int experts = 3;
    int network = activation == Activations.NONE ? 0 : outputs;
    NibbleMatrix matrix = NibbleMatrix.random(experts * outputs, inputs, network);
    Run run = new Run(pairs, outputs, inputs, perRow, activation, experts);
    Device.run(
        ExpertProduct.grid(pairs + 2, outputs, activation),
        Device.in(
            run.counts, run.chosen, matrix.nibbles(), matrix.steps(), run.x, run.out, run.gated),
        g ->
            g.task(
                "kernel",
                ExpertProductQ4::multiply,
                new KernelContext(),
                run.counts,
                run.chosen,
                matrix.nibbles(),
                matrix.steps(),
                run.x,
                run.out,
                run.gated,
                outputs,
                inputs,
                perRow,
                activation),
        Device.out(run.out, run.gated));
    run.check(matrix.values());
  }

  /** Pairs of rows and experts, and what becomes of them. */
  private static final class Run {
    final int pairs;
    final int outputs;
    final int inputs;
    final int perRow;
    final int activation;
    final IntArray counts;
    final IntArray chosen;
    final HalfFloatArray x;
    final FloatArray out;
    final HalfFloatArray gated;

    Run(int pairs, int outputs, int inputs, int perRow, int activation, int experts) {
      this.pairs = pairs;
      this.outputs = outputs;
      this.inputs = inputs;
      this.perRow = perRow;
      this.activation = activation;
      this.counts = IntArray.fromElements(pairs);
      this.chosen = new IntArray(pairs + 2);
      Random random = new Random(7);
      for (int p = 0; p < pairs; p++) {
        chosen.set(p, random.nextInt(experts));
      }
      this.x = Device.halves(Device.normal(random, Math.ceilDiv(pairs, perRow) * inputs));
      this.out = new FloatArray((pairs + 2) * outputs);
      this.gated = new HalfFloatArray((pairs + 2) * outputs / 2);
      out.init(77.0f);
    }

    /** What holds the activated elements in floats, or the input where there are none. */
    FloatArray inner() {
      return activation == Activations.NONE
          ? FloatArray.fromArray(Device.floats(x))
          : new FloatArray((pairs + 2) * outputs / 2);
    }

    void take(FloatArray inner) {
      if (activation != Activations.NONE) {
        for (int i = 0; i < pairs * outputs / 2; i++) {
          gated.set(i, new HalfFloat(inner.get(i)));
        }
      }
    }

    void check(float[] weights) {
      float[] rows = Device.floats(x);
      for (int p = 0; p < pairs; p++) {
        int from = chosen.get(p) * outputs * inputs;
        float[] sums =
            MatrixVector.reference(
                Arrays.copyOfRange(weights, from, from + outputs * inputs),
                Arrays.copyOfRange(rows, p / perRow * inputs, (p / perRow + 1) * inputs),
                1,
                outputs,
                inputs);
        if (activation == Activations.NONE) {
          for (int o = 0; o < outputs; o++) {
            assertThat(out.get(p * outputs + o))
                .as("pair %d, output %d", p, o)
                .isCloseTo(sums[o], within(1e-4f * (1 + Math.abs(sums[o]))));
          }
        } else {
          for (int j = 0; j < outputs / 2; j++) {
            float expected = Activations.reference(activation, sums[j], sums[outputs / 2 + j]);
            assertThat(gated.get(p * outputs / 2 + j).getFloat32())
                .as("pair %d, element %d", p, j)
                .isCloseTo(expected, within(1e-3f * (1 + Math.abs(expected))));
          }
        }
      }
      if (activation == Activations.NONE) { // TornadoVM doesn't send what is only written to.
        assertThat(out.get(pairs * outputs)).isEqualTo(77);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"2, 2, 40", "1, 8, 300"})
  void partsAreMixed(int rows, int used, int width) {
    float[] shares = Device.normal(new Random(1), rows * used);
    float[] parts = Device.normal(new Random(2), rows * used * width);
    IntArray counts = IntArray.fromElements(rows);
    FloatArray weights = FloatArray.fromArray(shares);
    FloatArray results = FloatArray.fromArray(parts);
    FloatArray out = new FloatArray(rows * width);
    Device.run(
        Experts.combineGrid(rows + 1),
        Device.in(counts, weights, results),
        g ->
            g.task(
                "kernel",
                Experts::combine,
                new KernelContext(),
                counts,
                weights,
                results,
                out,
                used,
                width),
        Device.out(out));
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < width; i++) {
        double sum = 0;
        for (int u = 0; u < used; u++) {
          sum += (double) shares[r * used + u] * parts[(r * used + u) * width + i];
        }
        assertThat(out.get(r * width + i)).isCloseTo((float) sum, within(1e-5f));
      }
    }
  }
}
