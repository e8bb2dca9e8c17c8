package dev.quire.engine.cpu.math;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Laid-out weights that a later start finds again, or not. */
class TileStoreTest {
  private static final int OUTPUTS = 96;
  private static final int INPUTS = 64;

  @TempDir Path folder;

  private TileStore store(String model, long most) {
    return new TileStore(folder.resolve("cache"), most, folder.resolve(model), 1);
  }

  private static float[] weights(long seed) {
    return new RandomData(seed).floats(OUTPUTS * INPUTS);
  }

  /** What a start does: lays out, keeps or finds. Returns a product and what it says. */
  @SuppressWarnings("ArrayRecordComponent") // compared by the arrays themselves
  private record Start(float[] product, String report) {
    static Start of(TileStore store, float[] weights) {
      try (Arena arena = Arena.ofShared();
          WorkerTeam team = new WorkerTeam(2)) {
        MemorySegment data = arena.allocateFrom(ValueLayout.JAVA_FLOAT, weights);
        Tensor tensor = new Tensor("w", TensorType.F32, new long[] {OUTPUTS, INPUTS}, data);
        WeightPacking packing = new WeightPacking();
        packing.announce(tensor);
        Arithmetic arithmetic = Arithmetic.of(VectorWidth.SCALAR);
        packing.pack(team, arena, arithmetic, store);
        float[] out = new float[OUTPUTS];
        new MatMul(team, arithmetic)
            .multiply(packing.of(tensor), new RandomData(7).floats(INPUTS), 1, out);
        packing.close();
        return new Start(out, packing.describe());
      }
    }
  }

  private List<Path> kept() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("cache"))) {
      return files.sorted().toList();
    }
  }

  @Test
  void theSecondStartMapsWhatTheFirstKept() throws IOException {
    Start first = Start.of(store("model", 4 << 20), weights(1));
    assertThat(first.report()).contains("laid out").contains("kept in");
    Start second = Start.of(store("model", 4 << 20), weights(1));
    assertThat(kept()).hasSize(1);
    assertThat(second.report()).contains("mapped from " + kept().getFirst());
    assertThat(second.product()).isEqualTo(first.product());
  }

  @Test
  void otherWeightsUnderTheSameNameAreLaidOutAndTakeThePlace() throws IOException {
    Start.of(store("model", 4 << 20), weights(1));
    Path before = kept().getFirst();
    Start other = Start.of(store("model", 4 << 20), weights(2));
    assertThat(other.report()).contains("laid out");
    assertThat(other.product()).isEqualTo(Start.of(store("none", 0), weights(2)).product());
    assertThat(kept()).hasSize(1).doesNotContain(before);
  }

  @Test
  void aCutOrForeignFileIsNotUsed() throws IOException {
    Start first = Start.of(store("model", 4 << 20), weights(1));
    Path file = kept().getFirst();
    try (var cut = new RandomAccessFile(file.toFile(), "rw")) {
      cut.setLength(file.toFile().length() - 1);
    }
    Start second = Start.of(store("model", 4 << 20), weights(1));
    assertThat(second.report()).contains("laid out");
    try (var foreign = new RandomAccessFile(file.toFile(), "rw")) {
      foreign.write('x');
    }
    Start third = Start.of(store("model", 4 << 20), weights(1));
    assertThat(third.report()).contains("laid out");
    assertThat(third.product()).isEqualTo(first.product());
  }

  @Test
  void theOldestGoWhereTheBoundIsPassed() throws IOException {
    Start.of(store("a", 4 << 20), weights(1));
    long size = kept().getFirst().toFile().length();
    Files.setLastModifiedTime(kept().getFirst(), FileTime.from(Instant.now().minusSeconds(60)));
    Path oldest = kept().getFirst();
    Start.of(store("b", 2 * size), weights(2));
    assertThat(kept()).hasSize(2);
    Start.of(store("c", 2 * size), weights(3));
    assertThat(kept()).hasSize(2).doesNotContain(oldest);
    assertThat(Start.of(store("d", size - 1), weights(4)).report()).doesNotContain("kept");
    assertThat(kept()).hasSize(2);
  }

  @Test
  void aFolderThatCannotBeMadeIsNoFailure() throws IOException {
    Files.createFile(folder.resolve("cache"));
    Start first = Start.of(store("model", 4 << 20), weights(1));
    assertThat(first.product()).isEqualTo(Start.of(store("none", 0), weights(1)).product());
    assertThat(folder.resolve("cache")).isRegularFile();
  }

  @Test
  void nothingHalfWrittenIsLeft() throws IOException {
    Path part = Files.createDirectories(folder.resolve("cache")).resolve("tiles-1.part");
    Files.createFile(part);
    Files.setLastModifiedTime(part, FileTime.from(Instant.now().minusSeconds(7200)));
    Start.of(store("model", 4 << 20), weights(1));
    assertThat(kept()).hasSize(1).doesNotContain(part);
  }

  /** Where this fails, what lies where has changed: {@link TileLayout#VERSION} takes the next. */
  @Test
  void theLayoutIsThatOfItsVersion() throws NoSuchAlgorithmException {
    StringBuilder places = new StringBuilder();
    for (TensorType type :
        List.of(
            TensorType.F32,
            TensorType.F16,
            TensorType.BF16,
            TensorType.Q8_0,
            TensorType.Q4_0,
            TensorType.Q4_K,
            TensorType.Q6_K)) {
      TileLayout layout = Objects.requireNonNull(TileLayout.of(type));
      try (Arena arena = Arena.ofConfined()) {
        byte[] bytes = new byte[Math.toIntExact(128 * type.bytesFor(256))];
        for (int i = 0; i < bytes.length; i++) {
          bytes[i] = (byte) (i * 31 + i / 251 * 7);
        }
        Matrix matrix =
            new Matrix(type, 128, 256, arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes));
        MemorySegment tiles = arena.allocate(WeightTiles.bytes(layout, 128, 256), 64);
        new TilePacker().pack(matrix, layout, 0, tiles);
        new TilePacker().pack(matrix, layout, 1, tiles);
        var digest =
            MessageDigest.getInstance("SHA-256").digest(tiles.toArray(ValueLayout.JAVA_BYTE));
        places.append(HexFormat.of().formatHex(digest, 0, 2));
      }
    }
    assertThat(TileLayout.VERSION + " " + places).isEqualTo("4 beea655c655ce1152f5b2482e5f4");
  }
}
