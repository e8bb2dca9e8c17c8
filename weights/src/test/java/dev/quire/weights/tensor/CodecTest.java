package dev.quire.weights.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.weights.WeightsException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;
import java.util.Objects;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

class CodecTest {

  /** Blocks written by ggml, and the floats that its Python package decodes from them. */
  @ParameterizedTest
  @EnumSource(
      mode = Mode.INCLUDE,
      names = {
        "F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K",
        "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"
      })
  void decodesGgmlsBlocksExactly(TensorType type) throws IOException {
    String name = type.name().toLowerCase(Locale.ROOT);
    byte[] blocks = resource(name + ".blocks");
    float[] expected = floats(resource(name + ".floats"));
    assertThat((long) blocks.length).isEqualTo(type.bytesFor(expected.length));

    // One byte off, because a mapped file promises no alignment.
    MemorySegment shifted = MemorySegment.ofArray(new byte[blocks.length + 1]);
    shifted.asSlice(1).copyFrom(MemorySegment.ofArray(blocks));
    float[] decoded = new float[expected.length + 3];
    type.codec().decode(shifted, 1, decoded, 3, expected.length);

    assertThat(decoded).endsWith(expected);
  }

  /** The errors are those of ggml's own quantiser without an importance matrix. */
  @ParameterizedTest
  @CsvSource({
    "Q8_0, 0.000431758132",
    "Q4_0, 0.00693974805",
    "Q4_K, 0.00569501799",
    "Q5_K, 0.00289102824",
    "Q6_K, 0.00142424119"
  })
  void encodesNoWorseThanGgml(TensorType type, double ggmlError) throws IOException {
    float[] weights = floats(resource("weights.floats"));
    assertThat(rootMeanSquareError(weights, roundTrip(type, weights)))
        .isLessThanOrEqualTo(ggmlError * 1.0000001);
  }

  @Property(tries = 60)
  void errorsStayWithinAStep(
      @ForAll @LongRange(min = 0, max = Long.MAX_VALUE) long seed,
      @ForAll @FloatRange(min = 0.01f, max = 100) float size,
      @ForAll @FloatRange(min = -2, max = 2) float shift) {
    float[] values = new float[512];
    var random = new java.util.SplittableRandom(seed);
    float largest = 0;
    for (int i = 0; i < values.length; i++) {
      values[i] = size * ((float) random.nextDouble(-1, 1) + shift);
      largest = Math.max(largest, Math.abs(values[i]));
    }
    assertThat(roundTrip(TensorType.F32, values)).isEqualTo(values);
    assertWithin(values, roundTrip(TensorType.F16, values), largest / 2000);
    assertWithin(values, roundTrip(TensorType.BF16, values), largest / 250);
    assertWithin(values, roundTrip(TensorType.Q8_0, values), largest / 200);
    assertWithin(values, roundTrip(TensorType.Q6_K, values), largest / 20);
    assertWithin(values, roundTrip(TensorType.Q5_K, values), largest / 8);
    assertWithin(values, roundTrip(TensorType.Q4_K, values), largest / 4);
    assertWithin(values, roundTrip(TensorType.Q4_0, values), largest / 5);
  }

  @ParameterizedTest
  @EnumSource(
      mode = Mode.INCLUDE,
      names = {"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K"})
  void zerosStayZerosAndConstantsStayClose(TensorType type) {
    assertThat(roundTrip(type, new float[256])).containsOnly(0f);
    for (float constant : new float[] {1, -1, 0.02f, -3}) {
      float[] values = new float[256];
      java.util.Arrays.fill(values, constant);
      assertWithin(values, roundTrip(type, values), Math.abs(constant) / 60);
    }
  }

  @Test
  void brainFloatsRoundToNearestEvenAndKeepNan() {
    float[] values = {
      1f, 0x1.01p0f, 0x1.03p0f, Float.NaN, Float.NEGATIVE_INFINITY, Float.MAX_VALUE, -0f
    };
    assertThat(roundTrip(TensorType.BF16, values))
        .containsExactly(
            1f, 1f, 0x1.04p0f, Float.NaN, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY, -0f);
  }

  @Test
  void unreadableAndUnwritableTypesAreRefusedByName() {
    assertThatThrownBy(() -> TensorType.IQ2_XS.codec())
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining("IQ2_XS");
    assertThat(TensorType.Q5_1.codec().canEncode()).isFalse();
    assertThatThrownBy(() -> roundTrip(TensorType.Q5_1, new float[32]))
        .isInstanceOf(WeightsException.class);
    assertThatThrownBy(() -> TensorType.ofGgufId(4)).hasMessageContaining("4");
    assertThatThrownBy(() -> TensorType.ofGgufId(-1)).hasMessageContaining("4294967295");
    assertThatThrownBy(() -> TensorType.Q4_K.bytesFor(255)).hasMessageContaining("256");
  }

  private static float[] roundTrip(TensorType type, float[] values) {
    var encoded = MemorySegment.ofArray(new byte[(int) type.bytesFor(values.length)]);
    type.codec().encode(values, 0, encoded, 0, values.length);
    float[] decoded = new float[values.length];
    type.codec().decode(encoded, 0, decoded, 0, values.length);
    return decoded;
  }

  private static void assertWithin(float[] expected, float[] actual, float bound) {
    for (int i = 0; i < expected.length; i++) {
      assertThat(Math.abs(expected[i] - actual[i])).isLessThanOrEqualTo(bound);
    }
  }

  private static double rootMeanSquareError(float[] expected, float[] actual) {
    double sum = 0;
    for (int i = 0; i < expected.length; i++) {
      sum += Math.pow((double) expected[i] - actual[i], 2);
    }
    return Math.sqrt(sum / expected.length);
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream in = CodecTest.class.getResourceAsStream(name)) {
      return Objects.requireNonNull(in, name).readAllBytes();
    }
  }

  private static float[] floats(byte[] bytes) {
    float[] floats = new float[bytes.length / 4];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(floats);
    return floats;
  }
}
