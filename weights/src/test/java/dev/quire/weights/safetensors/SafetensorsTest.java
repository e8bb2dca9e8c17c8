package dev.quire.weights.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.weights.HuggingFaceFolder;
import dev.quire.weights.ModelFile;
import dev.quire.weights.ModelSummary;
import dev.quire.weights.WeightsException;
import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsTest {
  @TempDir Path folder;

  private static Tensor tensor(String name, TensorType type, float... values) {
    var data = MemorySegment.ofArray(new byte[(int) type.bytesFor(values.length)]);
    type.codec().encode(values, 0, data, 0, values.length);
    return new Tensor(name, type, new long[] {1, values.length}, data);
  }

  private Path file(String json, int dataBytes) throws IOException {
    byte[] utf8 = json.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + utf8.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    return Files.write(
        folder.resolve("model.safetensors"), bytes.putLong(utf8.length).put(utf8).array());
  }

  @Test
  void whatIsWrittenIsReadAgain() {
    Path path = folder.resolve("model.safetensors");
    new SafetensorsWriter()
        .metadata("format", "pt")
        .add(tensor("a \"quoted\" é", TensorType.F32, 1, 2, 3))
        .add(tensor("b", TensorType.BF16, -1, 0.5f))
        .write(path);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.tensors()).containsOnlyKeys("a \"quoted\" é", "b");
      Tensor a = Objects.requireNonNull(file.tensors().get("a \"quoted\" é"));
      assertThat(a.toFloats()).containsExactly(1, 2, 3);
      assertThat(a.shape()).containsExactly(1, 3);
      assertThat(Objects.requireNonNull(file.tensors().get("b")).toFloats())
          .containsExactly(-1, 0.5f);
      assertThat(file.metadata()).containsEntry("format", "pt");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'t':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}|4|cut short",
        "{'t':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}|12|4 bytes follow",
        "{'t':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}}|8|takes 12 bytes",
        "{'t':{'dtype':'F32','shape':[2],'data_offsets':[8,0]}}|8|data_offsets",
        "{'t':{'dtype':'F32','shape':[2],'data_offsets':[4,12]}}|12|hole",
        "{'t':{'dtype':'F32','shape':[1152921504606846976,16],'data_offsets':[0,8]}}|8|large",
        "{'t':{'dtype':'F32','shape':[1e3],'data_offsets':[0,8]}}|8|integers",
        "{'t':{'dtype':'F32','shape':[-2],'data_offsets':[0,8]}}|8|negative",
        "{'t':{'dtype':'F32','shape':[99999999999999999999],'data_offsets':[0,8]}}|8|range",
        "{'t':{'dtype':'F8_E4M3','shape':[8],'data_offsets':[0,8]}}|8|F8_E4M3",
        "{'t':{'dtype':'F32','shape':[2]}}|8|lacks",
        "{'t':{'dtype':'F32','shape':[2],'data_offsets':[0,8],'x':1}}|8|unknown field 'x'",
        "{'t':{'dtype':5,'shape':[2],'data_offsets':[0,8]}}|8|a string",
        "{'t':[]}|8|a JSON object",
        "[]|0|a JSON object",
        "{'t'|0|JSON",
        "{}{}|0|goes on",
        "{'t':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},"
            + "'u':{'dtype':'F32','shape':[2],'data_offsets':[4,12]}}|12|overlap",
        "{'t':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},"
            + "'t':{'dtype':'F32','shape':[2],'data_offsets':[8,16]}}|16|uplicate"
      })
  void unsoundFilesAreRefused(String json, int dataBytes, String message) throws IOException {
    Path file = file(json.strip().replace('\'', '"'), dataBytes);
    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .isInstanceOf(WeightsException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @ValueSource(longs = {1L << 60, -1, 1000, 0})
  void impossibleDirectoriesAreRefused(long length) throws IOException {
    Path file = folder.resolve("model.safetensors");
    Files.write(
        file, ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining("byte 0");
  }

  @Test
  void aFolderOfSeveralFiles() throws IOException {
    Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"llama\"}");
    Files.writeString(folder.resolve("generation_config.json"), "{\"temperature\": 0.6}");
    new SafetensorsWriter()
        .add(tensor("a", TensorType.F32, 1))
        .write(folder.resolve("one.safetensors"));
    new SafetensorsWriter()
        .add(tensor("b", TensorType.F16, 2))
        .write(folder.resolve("two.safetensors"));
    index("\"a\": \"one.safetensors\", \"b\": \"two.safetensors\"");
    try (ModelFile model = ModelFile.open(folder)) {
      assertThat(Objects.requireNonNull(model.tensor("b")).toFloats()).containsExactly(2);
      assertThat(ModelSummary.of(model).parameters()).isEqualTo(2);
      assertThat(((HuggingFaceFolder) model).config().get("model_type").stringValue())
          .isEqualTo("llama");
      assertThat(((HuggingFaceFolder) model).generationConfig()).isNotNull();
      assertThat(((HuggingFaceFolder) model).tokenizerConfig()).isNull();
    }
    index("\"a\": \"one.safetensors\", \"b\": \"one.safetensors\"");
    refused("lacks tensor 'b'");
    index("\"a\": \"one.safetensors\", \"c\": \"two.safetensors\"");
    refused("'b'");
    index("\"a\": \"../one.safetensors\"");
    refused("'a'");
    index("\"a\": \"three.safetensors\"");
    refused("three.safetensors: no such file");
  }

  private void index(String map) throws IOException {
    Files.writeString(
        folder.resolve("model.safetensors.index.json"), "{\"weight_map\": {" + map + "}}");
  }

  private void refused(String message) {
    assertThatThrownBy(() -> ModelFile.open(folder))
        .isInstanceOf(WeightsException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gptq", "awq", "fp8"})
  void quantisedFoldersAreRefusedByName(String method) throws IOException {
    Files.writeString(
        folder.resolve("config.json"),
        "{\"quantization_config\": {\"quant_method\": \"" + method + "\"}}");
    refused("'" + method + "'");
  }

  @Test
  void otherFoldersAndBrokenConfigsAreRefused() throws IOException {
    refused("config.json");
    Files.writeString(folder.resolve("config.json"), "{\"a\": }");
    refused("line 1");
    Files.writeString(folder.resolve("config.json"), "[".repeat(100_000));
    refused("config.json");
    Files.writeString(folder.resolve("config.json"), "{}");
    refused("model.safetensors");
  }
}
