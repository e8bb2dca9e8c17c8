package dev.quire.tests.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.quire.weights.WeightsException;
import dev.quire.weights.safetensors.SafetensorsFile;
import dev.quire.weights.tensor.Tensor;
import java.nio.file.Path;

/** Safetensors files: header and tensors. */
class SafetensorsFuzzTest {
  private static final String NAME = "fuzzed.safetensors";

  @FuzzTest(maxDuration = "10m")
  void safetensors(byte[] bytes) {
    Scratch scratch = new Scratch();
    Path path = scratch.write(NAME, bytes);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      for (Tensor tensor : file.tensors().values()) {
        tensor.data().byteSize();
      }
    } catch (WeightsException refused) {
      Refusals.check(refused, NAME);
    } finally {
      scratch.delete(NAME);
    }
  }
}
