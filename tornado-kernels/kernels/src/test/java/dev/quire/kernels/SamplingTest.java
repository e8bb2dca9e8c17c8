package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

class SamplingTest {
  private static final float[][] PARAMETERS = {
    {0, 0, 1, 0, 0.7f},
    {1, 0, 1, 0, 0.0f},
    {1, 0, 1, 0, 0.9999f},
    {0.7f, 5, 1, 0, 0.6f},
    {1.3f, 0, 0.5f, 0, 0.8f},
    {1, 1, 1, 0, 0.99f},
    {0.9f, 20, 0.9f, 0.05f, 0.35f},
    {1, 0, 1, 0.3f, 0.5f},
    {1, 0, 0.9f, 0.02f, 0.95f},
    {1, 200, 0.8f, 0, 0.2f},
  };

  @ParameterizedTest
  @ValueSource(ints = {1, 31, 700, 2900})
  void drawsWhatTheReferenceDraws(int vocabulary) {
    int rows = PARAMETERS.length;
    float[] logits = Device.normal(new Random(vocabulary), rows * vocabulary);
    for (int i = 0; i < logits.length; i++) {
      logits[i] *= 4; // as peaked as a model is, so that few candidates suffice
    }
    FloatArray parameters = new FloatArray(rows * Sampling.PARAMETERS);
    for (int i = 0; i < parameters.getSize(); i++) {
      parameters.set(i, PARAMETERS[i / Sampling.PARAMETERS][i % Sampling.PARAMETERS]);
    }
    IntArray tokens = draw(logits, vocabulary, parameters);
    for (int r = 0; r < rows; r++) {
      float[] p = PARAMETERS[r];
      float[] row = Arrays.copyOfRange(logits, r * vocabulary, (r + 1) * vocabulary);
      assertThat(tokens.get(r))
          .as("row %d", r)
          .isEqualTo(Sampling.reference(row, p[0], (int) p[1], p[2], p[3], p[4]));
    }
  }

  @Test
  void equalsGoToTheLowestNumber() {
    int vocabulary = 1000;
    float[] logits = new float[2 * vocabulary];
    Arrays.fill(logits, -3);
    for (int at : new int[] {301, 300, 999, vocabulary + 9, vocabulary + 700}) {
      logits[at] = 5;
    }
    FloatArray parameters =
        FloatArray.fromElements(0, 0, 1, 0, 0.5f, /* row 1: */ 1, 2, 1, 0, 0.49f);
    IntArray tokens = draw(logits, vocabulary, parameters);
    assertThat(tokens.toHeapArray()).containsExactly(300, 9);
  }

  @Test
  void whatCannotBeDrawnIsSaid() {
    int vocabulary = 1200;
    float[] logits = new float[3 * vocabulary];
    Arrays.fill(logits, 0, vocabulary, Float.NEGATIVE_INFINITY);
    FloatArray parameters =
        FloatArray.fromElements(
            0, 0, 1, 0, 0, /* row 1: */ 1, 0, 0.9f, 0, 0.3f, /* row 2: */ 1, 300, 1, 0, 0.99f);
    IntArray tokens = draw(logits, vocabulary, parameters);
    assertThat(tokens.toHeapArray())
        .containsExactly(Sampling.IMPOSSIBLE, Sampling.UNDECIDED, Sampling.UNDECIDED);
  }

  private static IntArray draw(float[] logits, int vocabulary, FloatArray parameters) {
    int rows = logits.length / vocabulary;
    int slices = Argmax.slices(vocabulary);
    FloatArray in = FloatArray.fromArray(logits);
    IntArray counts = IntArray.fromElements(rows);
    FloatArray best = new FloatArray(rows * slices);
    IntArray bestTokens = new IntArray(rows * slices);
    IntArray tokens = new IntArray(rows);
    Device.run(
        Argmax.grid(rows + 1, vocabulary),
        Device.in(counts, in),
        g ->
            g.task(
                "kernel",
                Argmax::slice,
                new KernelContext(),
                counts,
                in,
                best,
                bestTokens,
                vocabulary,
                slices),
        Device.out(best, bestTokens));
    Device.run(
        Sampling.grid(rows + 1),
        Device.in(counts, in, best, bestTokens, parameters),
        g ->
            g.task(
                "kernel",
                Sampling::draw,
                new KernelContext(),
                counts,
                in,
                best,
                bestTokens,
                parameters,
                tokens,
                vocabulary,
                slices),
        Device.out(tokens));
    return tokens;
  }
}
