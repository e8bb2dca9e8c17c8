package dev.quire.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.weights.GgufFile;
import dev.quire.weights.Progress;
import dev.quire.weights.gguf.GgufWriter;
import dev.quire.weights.gguf.Metadata;
import dev.quire.weights.gguf.MetadataBuilder;
import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What can't run is refused with the file and the field or tensor at fault. */
class ModelLoaderTest {
  @TempDir Path folder;
  private final Map<String, long[]> shapes = new LinkedHashMap<>();

  ModelLoaderTest() {
    shapes.put("token_embd.weight", new long[] {5, 8});
    shapes.put("output_norm.weight", new long[] {8});
    shapes.put("blk.0.attn_norm.weight", new long[] {8});
    shapes.put("blk.0.ffn_norm.weight", new long[] {8});
    shapes.put("blk.0.attn_q.weight", new long[] {8, 8});
    shapes.put("blk.0.attn_k.weight", new long[] {4, 8});
    shapes.put("blk.0.attn_v.weight", new long[] {4, 8});
    shapes.put("blk.0.attn_output.weight", new long[] {8, 8});
    shapes.put("blk.0.ffn_gate.weight", new long[] {6, 8});
    shapes.put("blk.0.ffn_up.weight", new long[] {6, 8});
    shapes.put("blk.0.ffn_down.weight", new long[] {8, 6});
  }

  private static MetadataBuilder llama() {
    return Metadata.builder()
        .string("general.architecture", "llama")
        .integer("llama.block_count", 1)
        .integer("llama.context_length", 32)
        .integer("llama.embedding_length", 8)
        .integer("llama.feed_forward_length", 6)
        .integer("llama.attention.head_count", 2)
        .integer("llama.attention.head_count_kv", 1)
        .number("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  }

  private ModelLoader.Capability examine(MetadataBuilder metadata) {
    Path path = folder.resolve("model.gguf");
    var writer = new GgufWriter(metadata.build());
    shapes.forEach(
        (name, shape) -> {
          int bytes = (int) Tensor.bytes(name, TensorType.F32, shape);
          writer.add(
              new Tensor(name, TensorType.F32, shape, MemorySegment.ofArray(new float[bytes / 4])));
        });
    writer.write(path, Progress.NONE);
    try (GgufFile file = GgufFile.open(path)) {
      return ModelLoader.examine(file);
    }
  }

  private void refused(MetadataBuilder metadata, String... parts) {
    ModelLoader.Capability capability = examine(metadata);
    assertThat(capability.runs()).isFalse();
    assertThat(capability.reason()).contains("model.gguf").contains(parts).doesNotContain("\n");
  }

  @Test
  void soundModelRuns() {
    assertThat(examine(llama()).reason()).contains("llama").contains("1 layers");
  }

  @Test
  void aLayerMoreThanTheMetadataHas() {
    shapes.put("blk.1.attn_output.weight", new long[] {8, 8});
    refused(llama(), "blk.1.attn_output.weight", "belongs to no layer", "1");
  }

  @Test
  void unknownArchitecture() {
    refused(llama().string("general.architecture", "rwkv7"), "general.architecture", "rwkv7");
  }

  @Test
  void missingField() {
    refused(llama().remove("llama.context_length"), "llama.context_length", "missing");
  }

  @Test
  void ropeBaseThatIsNoNumber() {
    refused(llama().number("llama.rope.freq_base", Float.NaN), "llama.rope.freq_base", "NaN");
  }

  @Test
  void unknownRopeScaling() {
    refused(llama().string("llama.rope.scaling.type", "spiral"), "rope.scaling.type", "spiral");
  }

  @Test
  void countsBeyondReason() {
    refused(llama().integer("llama.block_count", 2_000_000_000), "llama.block_count");
    refused(llama().integer("llama.attention.head_count", 0), "llama.attention.head_count");
    refused(llama().integer("llama.attention.head_count", 9), "llama.attention.head_count");
  }

  @Test
  void headsThatDoNotDivide() {
    refused(llama().integer("llama.attention.head_count_kv", 3), "head_count_kv");
  }

  @Test
  void missingTensor() {
    shapes.remove("blk.0.attn_v.weight");
    refused(llama(), "blk.0.attn_v.weight", "missing");
  }

  @Test
  void misshapenTensor() {
    shapes.put("blk.0.ffn_down.weight", new long[] {6, 8});
    refused(llama(), "blk.0.ffn_down.weight", "[6, 8]", "[8, 6]");
  }
}
