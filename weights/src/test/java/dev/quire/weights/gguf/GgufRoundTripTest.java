package dev.quire.weights.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.weights.GgufFile;
import dev.quire.weights.ModelFile;
import dev.quire.weights.ModelSummary;
import dev.quire.weights.Progress;
import dev.quire.weights.WeightsException;
import dev.quire.weights.tensor.TensorType;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufRoundTripTest {
  @TempDir Path folder;

  @Test
  void everyMetadataType() {
    Metadata metadata =
        Metadata.builder()
            .integer("u8", ValueType.UINT8, 255)
            .integer("i8", ValueType.INT8, -128)
            .integer("u16", ValueType.UINT16, 65535)
            .integer("i16", ValueType.INT16, -32768)
            .integer("u32", ValueType.UINT32, 0xFFFFFFFFL)
            .integer("i32", ValueType.INT32, -5)
            .integer("u64", ValueType.UINT64, -1)
            .integer("i64", ValueType.INT64, Long.MIN_VALUE)
            .number("f32", 0.1f)
            .number("f64", 0.1)
            .flag("yes", true)
            .string("text", "naïve 日本 🙂")
            .strings("words", List.of("a", "", "Ġthe"))
            .integers("numbers", new int[] {1, -2, 3})
            .numbers("scores", new float[] {-1.5f, 0})
            .flags("flags", new boolean[] {true, false})
            .build();
    Path file = folder.resolve("types.gguf");
    new GgufWriter(metadata).write(file, Progress.NONE);
    try (GgufFile read = GgufFile.open(file)) {
      Metadata m = read.metadata();
      assertThat(read.version()).isEqualTo(3);
      assertThat(read.tensors()).isEmpty();
      assertThat(m.keys()).containsExactlyElementsOf(metadata.keys());
      for (String key : m.keys()) {
        assertThat(m.raw(key)).as(key).isEqualTo(metadata.raw(key));
        assertThat(m.typeName(key)).isEqualTo(metadata.typeName(key));
      }
      assertThat(m.integer("u8")).isEqualTo(255);
      assertThat(m.integer("i16")).isEqualTo(-32768);
      assertThat(m.longInteger("u32")).isEqualTo(0xFFFFFFFFL);
      assertThat(m.raw("u64")).isEqualTo(new BigInteger("18446744073709551615"));
      assertThat(m.number("f64")).isEqualTo(0.1f);
      assertThat(m.number("i32")).isEqualTo(-5f);
      assertThat(m.strings("words")).containsExactly("a", "", "Ġthe");
      assertThat(m.integers("numbers")).containsExactly(1, -2, 3);
      assertThat(m.integers("u8")).containsExactly(255);
      assertThat(m.numbers("scores")).containsExactly(-1.5f, 0);
      assertThat(m.typeName("words")).isEqualTo("[string; 3]");
      assertThat(m.integer("absent", 7)).isEqualTo(7);
      assertThatThrownBy(() -> m.integer("u32"))
          .isInstanceOf(WeightsException.class)
          .hasMessageContainingAll("types.gguf", "'u32'");
      assertThatThrownBy(() -> m.string("u8")).hasMessageContainingAll("'u8'", "a string");
      assertThatThrownBy(() -> m.flag("gone")).hasMessageContainingAll("'gone'", "missing");
    }
  }

  @Test
  void nestedArraysAndVersionTwo() {
    byte[] bytes =
        GgufBytes.header(0, 1)
            .string("nested")
            .int32(9)
            .int32(9)
            .int64(2)
            .int32(5)
            .int64(2)
            .int32(1)
            .int32(-2)
            .int32(8)
            .int64(1)
            .string("x")
            .bytes();
    bytes[4] = 2;
    var segment = java.lang.foreign.MemorySegment.ofArray(bytes);
    try (GgufFile file = GgufFile.of(segment, Path.of("nested.gguf"))) {
      assertThat(file.version()).isEqualTo(2);
      assertThat(file.metadata().raw("nested")).isEqualTo(List.of(List.of(1L, -2L), List.of("x")));
    }
  }

  @Property(tries = 40)
  void tensorsComeBackAsTheyWere(
      @ForAll @Size(min = 1, max = 6) List<@IntRange(min = 1, max = 70) Integer> rows,
      @ForAll @IntRange(max = 8) int alignmentBits)
      throws IOException {
    Path file = Files.createTempFile("quire", ".gguf");
    try {
      Metadata metadata =
          Metadata.builder().integer("general.alignment", 1 << alignmentBits).build();
      var writer = new GgufWriter(metadata);
      for (int i = 0; i < rows.size(); i++) {
        TensorType type = i % 2 == 0 ? TensorType.F32 : TensorType.Q8_0;
        byte mark = (byte) (i + 1);
        long[] shape = {rows.get(i), 32};
        writer.add("t" + i, type, shape, (first, elements, piece) -> piece.fill(mark));
      }
      writer.write(file, Progress.NONE);
      try (ModelFile read = ModelFile.open(file)) {
        assertThat(read.tensors()).hasSameSizeAs(rows);
        for (int i = 0; i < rows.size(); i++) {
          var tensor = Objects.requireNonNull(read.tensor("t" + i));
          assertThat(tensor.shape()).containsExactly(rows.get(i), 32);
          assertThat(tensor.data().toArray(ValueLayout.JAVA_BYTE)).containsOnly(i + 1);
        }
      }
    } finally {
      Files.delete(file);
    }
  }

  @Test
  void progressReachesTheTotalAndFailuresLeaveNothing() throws IOException {
    Path file = folder.resolve("progress.gguf");
    long[] last = new long[2];
    new GgufWriter(Metadata.builder().build())
        .add("t", TensorType.F32, new long[] {3, 1 << 20}, (_, _, piece) -> piece.fill((byte) 1))
        .write(
            file,
            (done, total) -> {
              assertThat(done).isGreaterThan(last[0]);
              last[0] = done;
              last[1] = total;
            });
    assertThat(last[0]).isEqualTo(last[1]).isEqualTo(12L << 20);

    var failing =
        new GgufWriter(Metadata.builder().build())
            .add(
                "t",
                TensorType.F32,
                new long[] {8},
                (_, _, _) -> {
                  throw new WeightsException("no");
                });
    assertThatThrownBy(() -> failing.write(folder.resolve("failed.gguf"), Progress.NONE))
        .hasMessage("no");
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void filesBeyondTwoGibibytes() throws IOException {
    Path file = folder.resolve("large.gguf");
    long rows = (3L << 30) / 4096;
    byte[] header =
        GgufBytes.header(2, 0)
            .tensor("first", 0, 0, 1024, rows)
            .tensor("last", 0, 3L << 30, 8)
            .data(0)
            .bytes();
    try (var sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.write(header);
      sparse.seek(header.length + (3L << 30));
      sparse.writeInt(Integer.reverseBytes(Float.floatToIntBits(42)));
      sparse.setLength(header.length + (3L << 30) + 32);
    }
    try (ModelFile model = ModelFile.open(file)) {
      assertThat(Objects.requireNonNull(model.tensor("first")).data().byteSize())
          .isEqualTo(3L << 30);
      assertThat(Objects.requireNonNull(model.tensor("last")).toFloats()).startsWith(42, 0);
    }
  }

  @Test
  void splitFiles() throws IOException {
    for (int part = 0; part < 3; part++) {
      writePart(part, 3, "t" + part);
    }
    Path first = folder.resolve("m-00001-of-00003.gguf");
    try (GgufFile model = GgufFile.open(first)) {
      assertThat(model.files()).hasSize(3);
      assertThat(model.tensors()).extracting(t -> t.name()).containsExactly("t0", "t1", "t2");
      assertThat(Objects.requireNonNull(model.tensor("t2")).toFloats()).containsOnly(2);
      assertThat(ModelSummary.of(model).parameters()).isEqualTo(24);
    }
    assertThatThrownBy(() -> GgufFile.open(folder.resolve("m-00002-of-00003.gguf")))
        .hasMessageContaining("m-00001-of-00003.gguf");
    Path renamed = Files.copy(first, folder.resolve("renamed.gguf"));
    assertThatThrownBy(() -> GgufFile.open(renamed)).hasMessageContaining("-00001-of-00003.gguf");
    writePart(1, 3, "t0");
    assertThatThrownBy(() -> GgufFile.open(first)).hasMessageContaining("'t0'");
    Files.delete(folder.resolve("m-00002-of-00003.gguf"));
    assertThatThrownBy(() -> GgufFile.open(first))
        .hasMessageContainingAll("m-00002-of-00003.gguf", "no such file");
  }

  private void writePart(int part, int parts, String tensor) {
    Metadata metadata =
        Metadata.builder()
            .integer("split.no", ValueType.UINT16, part)
            .integer("split.count", ValueType.UINT16, parts)
            .integer("split.tensors.count", ValueType.INT32, parts)
            .build();
    float[] values = new float[8];
    java.util.Arrays.fill(values, part);
    new GgufWriter(metadata)
        .add(
            tensor,
            TensorType.F32,
            new long[] {8},
            (first, elements, piece) ->
                TensorType.F32.codec().encode(values, (int) first, piece, 0, elements))
        .write(folder.resolve("m-%05d-of-%05d.gguf".formatted(part + 1, parts)), Progress.NONE);
  }

  @Test
  void theWriterRefusesWhatItCannotWrite() {
    var writer = new GgufWriter(Metadata.builder().build());
    writer.add("t", TensorType.F32, new long[] {8}, (_, _, _) -> {});
    for (var shape :
        Map.of("t", new long[] {8}, "q", new long[] {0}, "r", new long[0]).entrySet()) {
      assertThatThrownBy(
              () -> writer.add(shape.getKey(), TensorType.F32, shape.getValue(), (_, _, _) -> {}))
          .isInstanceOf(WeightsException.class)
          .hasMessageContaining("'" + shape.getKey() + "'");
    }
    assertThatThrownBy(() -> writer.write(folder.resolve("no/such/folder.gguf"), Progress.NONE))
        .isInstanceOf(WeightsException.class);
  }
}
