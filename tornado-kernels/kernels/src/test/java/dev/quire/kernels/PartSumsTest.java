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

class PartSumsTest {
  @ParameterizedTest
  @CsvSource({"1, 8, 2", "3, 264, 5", "16, 1030, 3"})
  void partsAreAdded(int rows, int width, int splits) {
    int partRows = 16;
    float[] parts = Device.normal(new Random(width), splits * partRows * width);
    FloatArray source = FloatArray.fromArray(parts);
    FloatArray out = new FloatArray(partRows * width);
    IntArray counts = IntArray.fromElements(rows);
    Device.run(
        PartSums.grid(partRows, width),
        Device.in(counts, source),
        g ->
            g.task(
                "kernel",
                PartSums::add,
                new KernelContext(),
                counts,
                source,
                out,
                width,
                splits,
                partRows),
        Device.out(out));
    for (int r = 0; r < rows; r++) {
      assertThat(Arrays.copyOfRange(out.toHeapArray(), r * width, (r + 1) * width))
          .isEqualTo(PartSums.reference(parts, r, width, splits, partRows));
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 8, 2", "3, 264, 5", "2, 2050, 16"})
  void sumsAreAddedAndNormalised(int rows, int width, int splits) {
    int partRows = 16;
    Random random = new Random(width + rows);
    float[] parts = Device.normal(random, splits * partRows * width);
    float[] before = Device.normal(random, rows * width);
    float[] weights = Device.normal(random, width);
    FloatArray source = FloatArray.fromArray(parts);
    FloatArray residual = FloatArray.fromArray(before);
    FloatArray weight = FloatArray.fromArray(weights);
    HalfFloatArray out = new HalfFloatArray(rows * width);
    IntArray counts = IntArray.fromElements(rows);
    Device.run(
        PartSums.normGrid(partRows),
        Device.in(counts, source, residual, weight),
        g ->
            g.task(
                "kernel",
                PartSums::addNormalize,
                new KernelContext(),
                counts,
                residual,
                source,
                weight,
                out,
                width,
                1e-5f,
                splits,
                partRows),
        Device.out(residual, out));
    for (int r = 0; r < rows; r++) {
      float[] row = Arrays.copyOfRange(before, r * width, (r + 1) * width);
      float[] delta = PartSums.reference(parts, r, width, splits, partRows);
      float[] expected = RmsNorm.reference(row, delta, weights, 1e-5f);
      for (int i = 0; i < width; i++) {
        assertThat(residual.get(r * width + i)).isCloseTo(row[i], within(1e-4f));
        assertThat(out.get(r * width + i).getFloat32()).isCloseTo(expected[i], within(5e-3f));
      }
    }
  }
}
