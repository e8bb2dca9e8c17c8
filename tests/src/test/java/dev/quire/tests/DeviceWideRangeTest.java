package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.weights.safetensors.SafetensorsFile;
import dev.quire.weights.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * BF16 has numbers that no half holds. A Llama whose residual stream is 2^20 times as large gives
 * the same logits, as every norm divides by that: so the golden ones hold for it, too.
 */
class DeviceWideRangeTest {
  private static final int DOUBLINGS = 20;
  private static final double RELATIVE_ERROR = 5e-3;

  @Test
  void weightsBeyondHalvesSurvive(@TempDir Path folder) throws IOException {
    Golden golden = Golden.folder("llama");
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(golden.model().resolve(name), folder.resolve(name));
    }
    scale(folder.resolve("model.safetensors"));
    try (var cpu = new PagedModel(folder, PagedModel.Setup.EXACT);
        var device = PagedModel.onJvmDevice(folder, PagedModel.Setup.EXACT)) {
      int[] tokens = golden.tokens()[0];
      assertThat(golden.worstError(0, cpu.logits(tokens, 48))).isLessThan(RELATIVE_ERROR);
      assertThat(golden.worstError(0, device.logits(tokens, 19))).isLessThan(RELATIVE_ERROR);
      assertThat(device.greedy(tokens, golden.greedy())).startsWith(golden.greedy()[0]);
    }
  }

  /** Multiplies what goes to the residual stream: each number's exponent grows. */
  private static void scale(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    MemorySegment all = MemorySegment.ofArray(bytes);
    try (SafetensorsFile tensors = SafetensorsFile.open(file)) {
      long end = 8 + all.get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
      long first =
          tensors.tensors().values().stream()
              .mapToLong(t -> t.data().address())
              .min()
              .orElseThrow();
      for (Map.Entry<String, Tensor> entry : tensors.tensors().entrySet()) {
        if (entry.getKey().matches(".*(embed_tokens|o_proj|down_proj)\\.weight")) {
          Tensor tensor = entry.getValue();
          long start = end + tensor.data().address() - first;
          for (long at = start; at < start + tensor.data().byteSize(); at += 2) {
            short bits = all.get(ValueLayout.JAVA_SHORT_UNALIGNED, at);
            int grown = (bits & 0x7FFF) == 0 ? bits : bits + (DOUBLINGS << 7);
            all.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, (short) grown);
          }
        }
      }
    }
    Files.write(file, bytes);
  }
}
