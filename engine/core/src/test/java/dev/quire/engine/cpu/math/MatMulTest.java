package dev.quire.engine.cpu.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class MatMulTest {
  private static final Arithmetic SCALAR = Arithmetic.of(VectorWidth.SCALAR);
  private static final Arithmetic VECTOR = Arithmetic.of(VectorWidth.VECTOR);

  private final RandomData random = new RandomData(7);

  static Stream<TensorType> types() {
    return Arrays.stream(TensorType.values())
        .filter(TensorType::isSupported)
        .filter(
            t ->
                (t.bitsPerElement() < 32 && t != TensorType.I8 && t != TensorType.I16)
                    || t == TensorType.F32);
  }

  private static int[] lengths(TensorType type) {
    return switch (type.blockElements()) {
      case 1 -> new int[] {1, 15, 32, 100, 600};
      case 32 -> new int[] {32, 96, 288};
      default -> new int[] {256, 768};
    };
  }

  private static float[] multiply(Arithmetic arithmetic, int threads, Matrix w, float[] x, int n) {
    float[] out = new float[n * w.outputs()];
    try (WorkerTeam team = new WorkerTeam(threads)) {
      new MatMul(team, arithmetic).multiply(w, x, n, out);
    }
    return out;
  }

  @ParameterizedTest
  @MethodSource("types")
  void agreesWithDoublePrecision(TensorType type) {
    for (int inputs : lengths(type)) {
      for (int outputs : new int[] {1, 63, 130}) {
        Matrix w = random.matrix(type, outputs, inputs);
        float[] x = random.floats(3 * inputs);
        for (Arithmetic arithmetic : List.of(SCALAR, VECTOR)) {
          for (Matrix laid : List.of(w, RandomData.packed(w))) {
            check(w, x, 3, multiply(arithmetic, 2, laid, x, 3));
            check(w, x, 1, multiply(arithmetic, 2, laid, x, 1));
          }
        }
      }
    }
  }

  private static void check(Matrix w, float[] x, int rows, float[] out) {
    float[] row = new float[w.inputs()];
    for (int o = 0; o < w.outputs(); o++) {
      w.decodeRow(o, row, 0);
      for (int r = 0; r < rows; r++) {
        double sum = 0;
        double magnitude = 0;
        for (int i = 0; i < row.length; i++) {
          double product = (double) row[i] * x[r * row.length + i];
          sum += product;
          magnitude += Math.abs(product);
        }
        assertThat((double) out[r * w.outputs() + o])
            .as("%s [%d, %d] row %d output %d", w.type(), w.outputs(), w.inputs(), r, o)
            .isCloseTo(sum, within(1e-5 * magnitude + 1e-30));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void everyRowHasTheSameBitsInAnyBatchOnAnyTeamAtAnyWidth(TensorType type) {
    int inputs = lengths(type)[lengths(type).length - 1];
    int outputs = 75;
    int most = 35;
    Matrix w = random.matrix(type, outputs, inputs);
    float[] x = random.floats(most * inputs);
    float[] alone = new float[most * outputs];
    try (WorkerTeam team = new WorkerTeam(1)) {
      MatMul matMul = new MatMul(team, SCALAR);
      for (int r = 0; r < most; r++) {
        matMul.multiply(w, x, r * inputs, inputs, 1, alone, r * outputs, outputs);
      }
    }
    Matrix packed = RandomData.packed(w);
    for (int rows = 1; rows <= most; rows++) {
      for (Matrix laid : List.of(w, packed)) {
        assertThat(multiply(VECTOR, 1 + rows % 4, laid, x, rows))
            .as("%d rows", rows)
            .isEqualTo(Arrays.copyOf(alone, rows * outputs));
      }
    }
    assertThat(multiply(SCALAR, 3, w, x, most)).isEqualTo(alone);
    assertThat(multiply(SCALAR, 2, packed, x, most)).isEqualTo(alone);
  }

  private static float[] quantized(Arithmetic arithmetic, int threads, Matrix w, float[] x, int n) {
    float[] out = new float[n * w.outputs()];
    try (WorkerTeam team = new WorkerTeam(threads)) {
      new MatMul(team, arithmetic, false).multiply(w, x, n, out);
    }
    return out;
  }

  @ParameterizedTest
  @EnumSource(
      value = TensorType.class,
      names = {"Q8_0", "Q4_0", "Q4_K"})
  void quantisedRowsHaveTheSameBitsInAnyBatchOnAnyTeamAtAnyWidth(TensorType type) {
    int inputs = 768;
    int outputs = 75;
    int most = 69; // with words as they are, in quads and one by one, and over levels
    Matrix w = RandomData.packed(random.matrix(type, outputs, inputs));
    float[] x = random.floats(most * inputs);
    Arrays.fill(x, 32, 64, 0);
    x[65] = 300; // an outlier takes the levels of its block
    float[] expected = quantized(SCALAR, 1, w, x, most);
    for (int rows : new int[] {1, 2, 3, 4, 5, 7, 8, 9, 12, 19, 63, 69}) {
      float[] part = Arrays.copyOf(expected, rows * outputs);
      assertThat(quantized(VECTOR, 1 + rows % 3, w, x, rows)).as("%d rows", rows).isEqualTo(part);
    }
    float[] alone = Arrays.copyOf(expected, outputs);
    assertThat(quantized(SCALAR, 1, w, x, 1)).isEqualTo(alone);
    float[] exact = multiply(VECTOR, 2, w, x, most);
    double error = 0;
    double magnitude = 0;
    for (int i = 0; i < exact.length; i++) {
      error += Math.pow(exact[i] - expected[i], 2);
      magnitude += Math.pow(exact[i], 2);
    }
    assertThat(Math.sqrt(error / magnitude)).isBetween(1e-4, 2e-2);
  }

  /** Tiles together and the rest of them, a chunk that isn't whole, and a tile that isn't. */
  @ParameterizedTest
  @EnumSource(
      value = TensorType.class,
      names = {"Q8_0", "Q4_0"})
  void aSingleRowOverManyTilesHasTheSameBits(TensorType type) {
    for (int outputs : new int[] {5, 64, 192, 261, 64 * 18, 64 * 67 + 40}) {
      Matrix w = RandomData.packed(random.matrix(type, outputs, 800));
      float[] x = random.floats(800);
      float[] expected = quantized(SCALAR, 1, w, x, 1);
      assertThat(quantized(VECTOR, 1, w, x, 1)).as("%d rows", outputs).isEqualTo(expected);
      assertThat(quantized(VECTOR, 2, w, x, 1)).as("%d rows", outputs).isEqualTo(expected);
    }
  }

  /** As above; chunks that have no whole visit, and activations that are too large to be scaled. */
  @ParameterizedTest
  @EnumSource(
      value = TensorType.class,
      names = {"F16", "BF16"})
  void aSingleRowOfElementsHasTheSameBits(TensorType type) {
    for (int inputs : new int[] {800, 601}) {
      for (int outputs : new int[] {5, 64 * 18, 64 * 67 + 40}) {
        Matrix w = RandomData.packed(random.matrix(type, outputs, inputs));
        float[] x = random.floats(inputs);
        x[3] = Float.MIN_VALUE;
        for (float large : new float[] {x[300], 1e6f, Float.POSITIVE_INFINITY}) {
          x[300] = large;
          float[] expected = multiply(SCALAR, 1, w, x, 1);
          assertThat(multiply(VECTOR, 1, w, x, 1)).as("%d rows", outputs).isEqualTo(expected);
          assertThat(multiply(VECTOR, 2, w, x, 1)).as("%d rows", outputs).isEqualTo(expected);
        }
      }
    }
  }

  /** The largest products: weights of −128 and nibbles of 15 by all that two activations may be. */
  @ParameterizedTest
  @EnumSource(
      value = TensorType.class,
      names = {"Q8_0", "Q4_0"})
  void extremeLevelsDontOverflow(TensorType type) {
    Matrix w = random.matrix(type, 64, 64);
    for (long at = 0; at < w.rowBytes() * 64; at++) {
      int inBlock = (int) (at % type.bytesFor(32));
      byte extreme = (byte) (type == TensorType.Q8_0 ? -128 : 0xFF);
      w.data().set(ValueLayout.JAVA_BYTE, at, inBlock == 0 ? 0 : inBlock == 1 ? 0x3C : extreme);
    }
    float[] x = new float[64];
    for (float sign : new float[] {-1, 1}) {
      for (int i = 0; i < 64; i++) {
        x[i] = sign * (i < 32 ? 1 : i % 16 == 3 ? 16 : 0); // as many even ones, and a single one
      }
      // By a single row, and by panels.
      float[] eight = new float[8 * 64];
      for (int r = 0; r < 8; r++) {
        System.arraycopy(x, 0, eight, 64 * r, 64);
      }
      Matrix packed = RandomData.packed(w);
      for (float[] out :
          List.of(quantized(VECTOR, 1, packed, x, 1), quantized(VECTOR, 1, packed, eight, 8))) {
        for (float v : out) {
          assertThat(v).isCloseTo(64 * sign * (type == TensorType.Q8_0 ? -128 : 7), within(1e-2f));
        }
      }
    }
  }

  @Test
  void largeMatricesInSeveralChunks() {
    Matrix w = random.matrix(TensorType.Q8_0, 200, 8192);
    float[] x = random.floats(7 * 8192);
    check(w, x, 7, multiply(VECTOR, 2, w, x, 7));
  }

  @ParameterizedTest
  @EnumSource(VectorWidth.class)
  void severalMatricesAtOnceGiveWhatEachGives(VectorWidth width) {
    Matrix a = RandomData.packed(random.matrix(TensorType.Q8_0, 70, 96));
    Matrix b = random.matrix(TensorType.F16, 9, 96);
    for (int rows : new int[] {1, 5}) {
      float[] x = random.floats(rows * 96);
      float[] outA = new float[rows * 70];
      float[] outB = new float[rows * 9];
      try (WorkerTeam team = new WorkerTeam(2)) {
        new MatMul(team, Arithmetic.of(width))
            .multiplyAll(List.of(a, b), x, rows, List.of(outA, outB));
      }
      assertThat(outA).isEqualTo(multiply(SCALAR, 1, a, x, rows));
      assertThat(outB).isEqualTo(multiply(SCALAR, 1, b, x, rows));
    }
  }

  @Test
  void halvesThatAreNotFiniteStayAsTheyLie() {
    Matrix w = random.matrix(TensorType.F16, 4, 16);
    short[] finite = {1, (short) 0x83FF, 0x0400, (short) 0x8000, 0, 0x7BFF, (short) 0xFBFF};
    for (int i = 0; i < finite.length; i++) {
      w.data().set(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i, finite[i]);
    }
    float[] ones = new float[16];
    Arrays.fill(ones, 1);
    assertThat(multiply(VECTOR, 1, RandomData.packed(w), ones, 1))
        .isEqualTo(multiply(SCALAR, 1, w, ones, 1));
    MemorySegment data =
        Arena.ofAuto().allocate(WeightTiles.bytes(TileLayout.HALF, 4, 16), Long.BYTES);
    assertThat(new TilePacker().pack(w, TileLayout.HALF, 0, data)).isTrue();
    for (short special : new short[] {0x7C00, (short) 0xFC00, 0x7E00}) {
      w.data().set(ValueLayout.JAVA_SHORT_UNALIGNED, 6, special);
      assertThat(new TilePacker().pack(w, TileLayout.HALF, 0, data)).isFalse();
    }
  }

  @Test
  void refusesArraysThatAreTooShort() {
    Matrix w = random.matrix(TensorType.F32, 4, 8);
    assertThatThrownBy(() -> multiply(SCALAR, 1, w, new float[15], 2))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessageContaining("2 rows of 8 floats");
  }
}
