package dev.quire.engine.cpu.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ArithmeticTest {
  private static final Arithmetic SCALAR = Arithmetic.of(VectorWidth.SCALAR);
  private static final Arithmetic VECTOR = Arithmetic.of(VectorWidth.VECTOR);

  @Test
  void exponentialIsWithinTwoUnitsInTheLastPlace() {
    for (float x = -87; x < 88; x += 0.0137f) {
      float exact = (float) Math.exp(x);
      assertThat(ScalarMath.exp(x)).isCloseTo(exact, within(2 * Math.ulp(exact)));
    }
    assertThat(ScalarMath.exp(Float.NEGATIVE_INFINITY)).isZero();
    assertThat(ScalarMath.exp(0)).isEqualTo(1);
    assertThat(ScalarMath.exp(Float.NaN)).isNaN();
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void activationsAgreeWithTheirFormulasAndWithEachOther(Activation f) {
    float[] x = new float[2001];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i - 1000) * 0.02f;
    }
    float[] scalar = x.clone();
    float[] vector = x.clone();
    SCALAR.activate(f, scalar, 0, x.length);
    VECTOR.activate(f, vector, 0, x.length);
    assertThat(vector).isEqualTo(scalar);
    for (int i = 0; i < x.length; i++) {
      double v = x[i];
      double expected =
          switch (f) {
            case SILU -> v / (1 + Math.exp(-v));
            case GELU_TANH ->
                0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v)));
            case GELU -> scalar[i]; // below, at known points
            case RELU -> Math.max(v, 0);
          };
      assertThat((double) scalar[i]).isCloseTo(expected, within(1e-6 + 1e-6 * Math.abs(v)));
    }
  }

  @Test
  void geluByTheErrorFunction() {
    float[] x = {-2, -1, 0, 0.5f, 1, 3};
    SCALAR.activate(Activation.GELU, x, 0, x.length);
    assertThat(x)
        .containsExactly(
            new float[] {-0.0455003f, -0.1586553f, 0, 0.3457312f, 0.8413447f, 2.9959502f},
            within(2e-6f));
  }

  @Test
  void softCapIsTheSameAtAnyWidth() {
    float[] x = new RandomData(3).floats(101);
    SCALAR.scale(x, 0, x.length, 40);
    float[] vector = x.clone();
    float[] scalar = x.clone();
    VECTOR.softCap(vector, 0, x.length, 30);
    SCALAR.softCap(scalar, 0, x.length, 30);
    assertThat(vector).isEqualTo(scalar);
    for (int i = 0; i < x.length; i++) {
      assertThat((double) scalar[i]).isCloseTo(30 * Math.tanh(x[i] / 30.0), within(2e-5));
    }
  }

  @Test
  void normsAreTheSameAtAnyWidth() {
    for (int n : new int[] {1, 12, 16, 100, 2048}) {
      float[] x = new RandomData(n).floats(n);
      float[] weight = new RandomData(n + 1).floats(n);
      float[] scalar = new float[n];
      float[] vector = new float[n];
      SCALAR.rmsNorm(x, 0, weight, 1e-5f, n, scalar, 0);
      VECTOR.rmsNorm(x, 0, weight, 1e-5f, n, vector, 0);
      assertThat(vector).isEqualTo(scalar);
      double squares = 0;
      for (float v : x) {
        squares += (double) v * v;
      }
      double expected = x[0] / Math.sqrt(squares / n + 1e-5) * weight[0];
      assertThat((double) scalar[0]).isCloseTo(expected, within(1e-5));
      SCALAR.layerNorm(x, 0, weight, weight, 1e-5f, n, scalar, 0);
      VECTOR.layerNorm(x, 0, weight, weight, 1e-5f, n, vector, 0);
      assertThat(vector).isEqualTo(scalar);
    }
  }

  @Test
  void rotatesNeighboursAndHalves() {
    for (Rope.Pairing pairing : Rope.Pairing.values()) {
      Rope rope = new Rope(Rope.frequencies(10000, 4), 1, pairing);
      float[] table = new float[rope.tableSize()];
      rope.fillTable(3, table, 0);
      float[] x = {1, 2, 3, 4, 5, 6};
      rope.rotate(x, 0, 1, 6, table, 0);
      int other = pairing == Rope.Pairing.NEIGHBOURS ? 1 : 2;
      assertThat(x[0]).isCloseTo((float) (Math.cos(3) - (1 + other) * Math.sin(3)), within(1e-6f));
      assertThat(x[other])
          .isCloseTo((float) (Math.sin(3) + (1 + other) * Math.cos(3)), within(1e-6f));
      assertThat(x[4]).isEqualTo(5);
    }
  }

  /** What a JVM without the vector module prints. */
  static final class WithoutModule {
    public static void main(String[] args) {
      System.out.println(Arithmetic.of(VectorWidth.AUTO).describe());
      assertThatThrownBy(() -> Arithmetic.of(VectorWidth.VECTOR))
          .hasMessageContaining("--add-modules jdk.incubator.vector");
    }
  }

  @Test
  void withoutTheModuleItIsScalarAndSaysWhichFlagIsMissing() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                WithoutModule.class.getName())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output).contains("scalar").contains("--add-modules jdk.incubator.vector");
  }
}
