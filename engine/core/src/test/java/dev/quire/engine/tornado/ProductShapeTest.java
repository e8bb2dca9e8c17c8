package dev.quire.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.tornado.ProductShape.Kernel;
import dev.quire.kernels.WeightTiles;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;

/** Which kernels the models' products take; a shape needs no weights. */
class ProductShapeTest {
  private static DeviceMatrix matrix(int outputs, int inputs) {
    return new DeviceMatrix.Halves(outputs, inputs, new HalfFloatArray(8));
  }

  @ParameterizedTest
  @CsvSource({
    "1, VECTOR",
    "2, SKINNY",
    "16, SKINNY",
    "17, LEAN",
    "32, LEAN",
    "33, MEDIUM",
    "64, MEDIUM",
    "65, BROAD",
    "256, BROAD",
    "512, BROAD",
    "513, WIDE",
    "2048, WIDE"
  })
  void tilesGrowWithTheRows(int rows, Kernel kernel) {
    assertThat(ProductShape.gated(matrix(16384, 2048), rows).kernel()).isEqualTo(kernel);
    assertThat(ProductShape.of(matrix(16384, 2048), rows).kernel()).isEqualTo(kernel);
  }

  /** 448 high tiles need a fourth round of 132 groups for 52 of them, 896 wide ones none. */
  @Test
  void tilesAreThoseWithFewerIdleMultiprocessors() {
    assertThat(ProductShape.gated(matrix(28672, 4096), 512).kernel()).isEqualTo(Kernel.WIDE);
    assertThat(ProductShape.of(matrix(4096, 14336), 512).kernel()).isEqualTo(Kernel.BROAD);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 16, 17, 32, 33, 64, 65, 192, 256, 384, 512, 1024, 8192})
  void partsHaveInputsAndFit(int rows) {
    for (int[] size : new int[][] {{8, 8}, {3072, 2048}, {2048, 8192}, {6144, 4096}}) {
      ProductShape shape = ProductShape.of(matrix(size[0], size[1]), rows);
      assertThat(shape.splits()).isBetween(1, WeightTiles.paddedInputs(size[1]) / 64);
      if (shape.splits() > 1) {
        assertThat((long) shape.splits() * shape.partRows() * size[0])
            .isLessThanOrEqualTo(ProductShape.MOST_PART_SUMS);
      }
    }
  }
}
