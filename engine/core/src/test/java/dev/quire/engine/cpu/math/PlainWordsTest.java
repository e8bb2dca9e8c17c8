package dev.quire.engine.cpu.math;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.weights.tensor.TensorType;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PlainWordsTest {
  private static final int TILES = PlainWords.MOST_TILES + 1;

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0"})
  void productsHaveTheBitsOfTheReference(TensorType type) {
    PlainWords words = new PlainWords();
    int outputs = TILES * WeightTiles.ROWS;
    for (int inputs : new int[] {32, 96, 256, 288, 544}) {
      Matrix matrix = RandomData.packed(new RandomData(inputs).matrix(type, outputs, inputs));
      WeightTiles tiles = Objects.requireNonNull(matrix.tiles());
      assertThat(PlainWords.takes(tiles.layout())).isTrue();
      for (int rows : new int[] {1, 2, 3, 8, 9, 19}) {
        QuantizedRows x = quantized(tiles.layout(), rows, inputs);
        float[] expected = new float[rows * outputs];
        float[] actual = new float[rows * outputs];
        Arithmetic reference = Arithmetic.of(VectorWidth.SCALAR);
        Scratch scratch = new Scratch();
        for (int tile = 0; tile < TILES; tile++) {
          int at = tile * WeightTiles.ROWS;
          reference.quantizedProducts(tiles, tile, x, expected, at, outputs, scratch);
        }
        int most = PlainWords.MOST_TILES;
        words.products(tiles, 0, most, x, actual, 0, outputs);
        words.products(tiles, most, 1, x, actual, most * WeightTiles.ROWS, outputs);
        assertThat(actual).as("%s, %d inputs, %d rows", type, inputs, rows).isEqualTo(expected);
      }
    }
  }

  private static QuantizedRows quantized(TileLayout layout, int rows, int inputs) {
    QuantizedRows x = layout.hasNibbles() ? QuantizedRows.forNibbles(8) : QuantizedRows.forBytes(8);
    x.resize(rows, inputs, false);
    float[] floats = new RandomData(rows).floats(rows * inputs);
    for (int r = 0; r < rows; r++) {
      x.quantize(floats, r * inputs, r);
    }
    return x;
  }
}
