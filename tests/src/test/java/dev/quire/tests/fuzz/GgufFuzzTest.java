package dev.quire.tests.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.quire.engine.model.ModelLoader;
import dev.quire.weights.GgufFile;
import dev.quire.weights.ModelSummary;
import dev.quire.weights.WeightsException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/** GGUF files, read as far as a model of them can be made. */
class GgufFuzzTest {
  private static final Path LABEL = Path.of("fuzzed.gguf");

  @FuzzTest(maxDuration = "10m")
  void gguf(byte[] bytes) {
    try (Arena arena = Arena.ofConfined()) {
      // Off the heap and exactly as long: a read past the end is caught.
      MemorySegment segment =
          arena.allocate(Math.max(1, bytes.length), 64).asSlice(0, bytes.length);
      MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
      GgufFile file = GgufFile.of(segment, LABEL);
      ModelSummary.of(file);
      ModelLoader.examine(file);
    } catch (WeightsException refused) {
      Refusals.check(refused, LABEL.toString());
    }
  }
}
