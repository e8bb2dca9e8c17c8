package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.weights.Progress;
import dev.quire.weights.synth.ModelShape;
import dev.quire.weights.synth.Synthesizer;
import dev.quire.weights.tensor.TensorType;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Single tokens of one sequence, whose products read the residual stream normalised and add to it
 * themselves, give the CPU's logits, alone and after chunks.
 */
class DeviceStreamTest {
  private static final double RELATIVE_ERROR = 5e-3;
  private static final int TOKENS = 6;

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"tiny-llama, F16, 1", "tiny-llama-untied, Q8_0, 1", "tiny-qwen3, F16, 4"})
  void oneTokenAtATime(String shape, TensorType type, int chunk) {
    Path model = folder.resolve("model.gguf");
    new Synthesizer(ModelShape.named(shape), type, 1).write(model, Progress.NONE);
    int[] tokens = new Random(5).ints(TOKENS, 0, 300).toArray();
    try (var cpu = new PagedModel(model, PagedModel.Setup.EXACT);
        var device = PagedModel.onJvmDevice(model, PagedModel.Setup.EXACT)) {
      float[] expected = cpu.logits(tokens, TOKENS);
      float[] actual = device.logits(tokens, chunk);
      double difference = 0;
      double size = 0;
      for (int i = 0; i < expected.length; i++) {
        difference += Math.pow(actual[i] - expected[i], 2);
        size += Math.pow(expected[i], 2);
      }
      assertThat(Math.sqrt(difference / size)).isLessThan(RELATIVE_ERROR);
    }
  }
}
