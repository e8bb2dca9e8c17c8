package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

class RmsNormTest {
  private static final float EPSILON = 1e-5f;

  @ParameterizedTest
  @CsvSource({"1, 2", "1, 256", "3, 258", "5, 2048", "2, 30", "3, 16384"})
  void addsTheResidualAndNormalises(int rows, int width) {
    Random random = new Random(rows * 31L + width);
    float[] residual = Device.normal(random, rows * width);
    float[] delta = Device.normal(random, rows * width);
    float[] weight = Device.normal(random, width);
    int grid = rows + 2;
    FloatArray deviceResidual = FloatArray.fromArray(Arrays.copyOf(residual, grid * width));
    FloatArray deviceDelta = FloatArray.fromArray(Arrays.copyOf(delta, grid * width));
    HalfFloatArray out = new HalfFloatArray(grid * width);
    IntArray counts = IntArray.fromElements(rows);
    FloatArray deviceWeight = FloatArray.fromArray(weight);

    Device.run(
        RmsNorm.grid(grid),
        Device.in(counts, deviceResidual, deviceDelta, deviceWeight, out),
        graph ->
            graph.task(
                "kernel",
                RmsNorm::addNormalize,
                new KernelContext(),
                counts,
                deviceResidual,
                deviceDelta,
                deviceWeight,
                out,
                width,
                EPSILON),
        Device.out(deviceResidual, out));

    for (int r = 0; r < rows; r++) {
      float[] row = Arrays.copyOfRange(residual, r * width, (r + 1) * width);
      float[] addend = Arrays.copyOfRange(delta, r * width, (r + 1) * width);
      float[] expected = RmsNorm.reference(row, addend, weight, EPSILON);
      for (int i = 0; i < width; i++) {
        assertThat(deviceResidual.get(r * width + i)).isEqualTo(row[i]);
        assertThat(out.get(r * width + i).getFloat32())
            .isCloseTo(expected[i], within(1e-3f * Math.max(1, Math.abs(expected[i]))));
      }
    }
    for (int i = rows * width; i < grid * width; i++) {
      assertThat(out.get(i).getFloat32()).isZero();
    }
  }
}
