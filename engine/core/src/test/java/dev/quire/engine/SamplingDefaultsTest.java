package dev.quire.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.weights.ModelFile;
import dev.quire.weights.Progress;
import dev.quire.weights.WeightsException;
import dev.quire.weights.gguf.GgufWriter;
import dev.quire.weights.gguf.Metadata;
import dev.quire.weights.gguf.MetadataBuilder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SamplingDefaultsTest {
  @TempDir Path folder;

  @Test
  void aFolderSaysThemInItsGenerationConfig() throws IOException {
    assertThat(
            ofFolder("{\"temperature\": 0.7, \"top_p\": 0.8, \"top_k\": 20, \"bos_token_id\": 1}"))
        .isEqualTo(new SamplingDefaults(0.7, 20, 0.8, null, null, null));
    assertThat(ofFolder("{\"repetition_penalty\": 1.05, \"min_p\": 0.1, \"top_k\": null}"))
        .isEqualTo(new SamplingDefaults(null, null, null, 0.1, null, 1.05));
    assertThat(ofFolder(null)).isEqualTo(SamplingDefaults.NONE);
  }

  @Test
  void aFileSaysThemInItsMetadata() {
    MetadataBuilder metadata = Metadata.builder();
    metadata.string("general.architecture", "llama");
    metadata.number("general.sampling.temp", 0.6f);
    metadata.integer("general.sampling.top_k", 20);
    metadata.number("general.sampling.top_p", 0.95f);
    Path file = folder.resolve("model.gguf");
    new GgufWriter(metadata.build()).write(file, Progress.NONE);
    try (ModelFile model = ModelFile.open(file)) {
      assertThat(SamplingDefaultsReader.read(model))
          .isEqualTo(new SamplingDefaults(0.6, 20, 0.95, null, null, null));
    }
  }

  @Test
  void nonsenseIsRefusedWithItsFile() {
    assertThatThrownBy(() -> ofFolder("{\"top_p\": 7}"))
        .isInstanceOf(WeightsException.class)
        .hasMessageContainingAll("generation_config.json", "topP", "7");
    assertThatThrownBy(() -> ofFolder("{\"temperature\": \"hot\"}"))
        .isInstanceOf(WeightsException.class)
        .hasMessageContainingAll("generation_config.json", "temperature", "hot");
  }

  private SamplingDefaults ofFolder(@Nullable String generation) throws IOException {
    Path config = folder.resolve("generation_config.json");
    Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"llama\"}");
    Files.write(folder.resolve("model.safetensors"), oneNumber());
    Files.deleteIfExists(config);
    if (generation != null) {
      Files.writeString(config, generation);
    }
    try (ModelFile model = ModelFile.open(folder)) {
      return SamplingDefaultsReader.read(model);
    }
  }

  private static byte[] oneNumber() {
    byte[] header =
        "{\"x\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}}"
            .getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + header.length + 4)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(header.length)
        .put(header)
        .array();
  }
}
