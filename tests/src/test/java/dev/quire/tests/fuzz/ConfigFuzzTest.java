package dev.quire.tests.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.quire.engine.model.ModelLoader;
import dev.quire.weights.HuggingFaceFolder;
import dev.quire.weights.WeightsException;
import java.nio.charset.StandardCharsets;

/** A folder's {@code config.json}, read into a model's description. */
class ConfigFuzzTest {
  private static final String CONFIG = "config.json";
  private static final String WEIGHTS = "model.safetensors";
  private static final String HEADER =
      "{\"model.embed_tokens.weight\": {\"dtype\": \"F32\", \"shape\": [4, 2], \"data_offsets\": [0,"
          + " 32]}}";

  @FuzzTest(maxDuration = "10m")
  void config(byte[] bytes) {
    Scratch scratch = new Scratch();
    scratch.write(CONFIG, bytes);
    scratch.write(WEIGHTS, weights());
    try (HuggingFaceFolder folder = HuggingFaceFolder.open(scratch.folder())) {
      ModelLoader.examine(folder);
    } catch (WeightsException refused) {
      Refusals.check(refused, CONFIG);
    } finally {
      scratch.delete(CONFIG, WEIGHTS);
    }
  }

  /** One small matrix, so that what is refused is refused for the configuration. */
  private static byte[] weights() {
    byte[] header = HEADER.getBytes(StandardCharsets.UTF_8);
    byte[] file = new byte[8 + header.length + 32];
    file[0] = (byte) header.length;
    System.arraycopy(header, 0, file, 8, header.length);
    return file;
  }
}
