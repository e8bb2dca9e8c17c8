package dev.quire.weights.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.weights.GgufFile;
import dev.quire.weights.WeightsException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class HostileGgufTest {
  private static final long HUGE = 1L << 60;

  private static void refused(GgufBytes bytes, String... words) {
    assertThatThrownBy(bytes::open)
        .isInstanceOf(WeightsException.class)
        .hasMessageStartingWith("made-up.gguf")
        .hasMessageContainingAll(words);
  }

  @Test
  @Timeout(20)
  void otherFormatsAndVersions() {
    refused(new GgufBytes(), "byte 0", "not a GGUF file");
    refused(new GgufBytes().ascii("GGU"), "not a GGUF file");
    refused(new GgufBytes().ascii("GGML").int64(1), "not a GGUF file");
    refused(new GgufBytes().ascii("GGUF").int32(1).int64(0).int64(0), "byte 4", "version 1");
    refused(new GgufBytes().ascii("GGUF").int32(77).int64(0).int64(0), "version 77");
    refused(new GgufBytes().ascii("GGUF").int32(3 << 24).int64(0).int64(0), "big-endian");
  }

  @Test
  @Timeout(20)
  void impossibleCounts() {
    refused(GgufBytes.header(HUGE, 0), "byte 8", "tensor count", "" + HUGE);
    refused(GgufBytes.header(-1, 0), "tensor count");
    refused(GgufBytes.header(0, HUGE), "byte 16", "metadata count");
    refused(GgufBytes.header(0, 1).int64(HUGE).data(64), "byte 24", "metadata key");
    refused(GgufBytes.header(0, 1).string("k").int32(8).int64(HUGE).int64(0), "metadata 'k'");
    refused(
        GgufBytes.header(0, 1).string("k").int32(9).int32(4).int64(HUGE), "element count", "'k'");
    refused(
        GgufBytes.header(0, 1).string("k").int32(9).int32(8).int64(1).int64(HUGE), "string", "'k'");
    refused(
        GgufBytes.header(0, 1).string("k").int32(9).int32(9).int64(1).int32(9).int64(HUGE), "'k'");
    refused(GgufBytes.header(1, 0).int64(HUGE).data(64), "tensor name");
  }

  @Test
  @Timeout(20)
  void unknownTypesAndBadValues() {
    refused(GgufBytes.header(0, 1).string("k").int32(13).int64(0), "type of metadata 'k'", "13");
    refused(GgufBytes.header(0, 1).string("k").int32(7).integer(2, 1), "boolean");
    refused(GgufBytes.header(1, 0).tensor("t", 4, 0, 32).data(512), "'t'", "type 4");
    refused(GgufBytes.header(1, 0).tensor("t", -1, 0, 32).data(512), "'t'", "type");
    refused(
        GgufBytes.header(0, 1).string("general.alignment").int32(4).int32(0), "general.alignment");
    refused(GgufBytes.header(0, 1).string("general.alignment").int32(4).int32(24), "power of two");
    refused(GgufBytes.header(0, 1).string("general.alignment").int32(8).string("32"), "an integer");
  }

  @Test
  @Timeout(20)
  void deeplyNestedArrays() {
    GgufBytes bytes = GgufBytes.header(0, 1).string("k").int32(9);
    for (int i = 0; i < 100_000; i++) {
      bytes.int32(9).int64(1);
    }
    refused(bytes.int32(4).int64(0), "'k'", "deep");
  }

  @Test
  @Timeout(20)
  void twins() {
    refused(
        GgufBytes.header(0, 2).string("k").int32(4).int32(1).string("k").int32(4).int32(2),
        "'k'",
        "twice");
    refused(
        GgufBytes.header(2, 0).tensor("t", 0, 0, 8).tensor("t", 0, 32, 8).data(64), "'t'", "twice");
  }

  @Test
  @Timeout(20)
  void impossibleShapes() {
    refused(GgufBytes.header(1, 0).tensor("t", 0, 0).data(64), "0 dimensions");
    refused(GgufBytes.header(1, 0).tensor("t", 0, 0, 1, 1, 1, 1, 8).data(64), "5 dimensions");
    refused(GgufBytes.header(1, 0).tensor("t", 0, 0, 0, 8).data(64), "dimension of 0");
    refused(GgufBytes.header(1, 0).tensor("t", 0, 0, -8).data(64), "dimension of 184");
    refused(GgufBytes.header(1, 0).tensor("t", 0, 0, HUGE, HUGE).data(64), "impossibly large");
    refused(GgufBytes.header(1, 0).tensor("t", 0, 0, HUGE).data(64), "'t'", "cut short");
    refused(GgufBytes.header(1, 0).tensor("t", 2, 0, 48).data(64), "48", "Q4_0");
    refused(GgufBytes.header(1, 0).tensor("t", 2, 0, 16, 2).data(64), "16", "Q4_0");
  }

  @Test
  @Timeout(20)
  void impossiblePlaces() {
    refused(GgufBytes.header(1, 0).tensor("t", 0, 32, 64).data(64), "'t'", "cut short");
    refused(GgufBytes.header(1, 0).tensor("t", 0, 1L << 40, 8).data(64), "'t'", "cut short");
    refused(GgufBytes.header(1, 0).tensor("t", 0, -32, 8).data(64), "'t'", "alignment");
    refused(GgufBytes.header(1, 0).tensor("t", 0, Long.MAX_VALUE - 31, 8).data(64), "'t'");
    refused(GgufBytes.header(1, 0).tensor("t", 0, 4, 8).data(64), "'t'", "alignment");
    refused(
        GgufBytes.header(2, 0).tensor("a", 0, 0, 16).tensor("b", 0, 32, 8).data(64),
        "'a' and 'b' overlap");
  }

  @Test
  @Timeout(20)
  void cutAnywhere() {
    byte[] whole =
        GgufBytes.header(1, 2)
            .string("k")
            .int32(8)
            .string("value")
            .string("list")
            .int32(9)
            .int32(8)
            .int64(2)
            .string("a")
            .string("b")
            .tensor("t", 0, 0, 8)
            .data(32)
            .bytes();
    for (int length = 0; length < whole.length; length++) {
      MemorySegment cut = MemorySegment.ofArray(Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> GgufFile.of(cut, Path.of("cut.gguf")))
          .as("cut at %d", length)
          .isInstanceOf(WeightsException.class)
          .hasMessageStartingWith("cut.gguf");
    }
  }

  @Property(tries = 3000)
  void aFlippedByteNeverDoesWorseThanARefusal(
      @ForAll @IntRange(max = 300) int position, @ForAll byte value) {
    byte[] bytes =
        GgufBytes.header(2, 3)
            .string("general.alignment")
            .int32(4)
            .int32(32)
            .string("k")
            .int32(8)
            .string("value")
            .string("list")
            .int32(9)
            .int32(8)
            .int64(2)
            .string("a")
            .string("b")
            .tensor("t", 0, 0, 8)
            .tensor("u", 8, 32, 32, 2)
            .data(128)
            .bytes();
    bytes[position % bytes.length] = value;
    try (GgufFile file = GgufFile.of(MemorySegment.ofArray(bytes), Path.of("flipped.gguf"))) {
      file.metadata().keys().forEach(key -> assertThat(file.metadata().raw(key)).isNotNull());
      file.tensors().forEach(t -> assertThat(t.data().byteSize()).isLessThan(bytes.length));
    } catch (WeightsException e) {
      assertThat(e).hasMessageStartingWith("flipped.gguf").message().doesNotContain("\n\n");
    }
  }
}
