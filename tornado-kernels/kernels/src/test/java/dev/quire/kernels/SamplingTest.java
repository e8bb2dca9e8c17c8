package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
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
  };

  @ParameterizedTest
  @ValueSource(ints = {1, 31, 700})
  void drawsWhatTheReferenceDraws(int vocabulary) {
    int rows = PARAMETERS.length;
    float[] logits = Device.normal(new Random(vocabulary), rows * vocabulary);
    FloatArray in = FloatArray.fromArray(logits);
    FloatArray parameters = new FloatArray(rows * Sampling.PARAMETERS);
    for (int i = 0; i < parameters.getSize(); i++) {
      parameters.set(i, PARAMETERS[i / Sampling.PARAMETERS][i % Sampling.PARAMETERS]);
    }
    IntArray counts = IntArray.fromElements(rows);
    IntArray tokens = new IntArray(rows);
    Device.run(
        Sampling.grid(rows + 1),
        Device.in(counts, in, parameters),
        g ->
            g.task(
                "kernel",
                Sampling::draw,
                new KernelContext(),
                counts,
                in,
                parameters,
                tokens,
                vocabulary),
        Device.out(tokens));
    for (int r = 0; r < rows; r++) {
      float[] p = PARAMETERS[r];
      float[] row = Arrays.copyOfRange(logits, r * vocabulary, (r + 1) * vocabulary);
      assertThat(tokens.get(r))
          .as("row %d", r)
          .isEqualTo(Sampling.reference(row, p[0], (int) p[1], p[2], p[3], p[4]));
    }
  }
}
