package dev.quire.tests;

import dev.quire.weights.HuggingFaceFolder;
import dev.quire.weights.Progress;
import dev.quire.weights.gguf.GgufWriter;
import dev.quire.weights.gguf.Metadata;
import dev.quire.weights.gguf.MetadataBuilder;
import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import tools.jackson.databind.JsonNode;

/**
 * Writes a Hugging Face folder as GGUF, as llama.cpp's converter lays such files out: its metadata
 * keys and tensor names, rows of the Llama family's queries and keys permuted for interleaved
 * rotation, experts stacked, Gemma's norm weights plus one.
 */
final class GgufConversion {
  private static final String EXPERTS = "num_local_experts";
  private final HuggingFaceFolder folder;
  private final JsonNode config;
  private final String architecture;
  private final String type;
  private final MetadataBuilder metadata = Metadata.builder();
  private final List<Tensor> tensors = new ArrayList<>();

  private GgufConversion(HuggingFaceFolder folder) {
    this.folder = folder;
    this.config = folder.config();
    this.type = config.get("model_type").stringValue();
    this.architecture =
        switch (type) {
          case "mistral", "mixtral" -> "llama";
          case "gemma3_text" -> "gemma3";
          case "qwen2_moe" -> "qwen2moe";
          case "qwen3_moe" -> "qwen3moe";
          default -> type;
        };
  }

  static void write(Path source, Path target) {
    try (HuggingFaceFolder folder = HuggingFaceFolder.open(source)) {
      var conversion = new GgufConversion(folder);
      conversion.describe();
      conversion.convert();
      var writer = new GgufWriter(conversion.metadata.build());
      conversion.tensors.forEach(writer::add);
      writer.write(target, Progress.NONE);
    }
  }

  private void describe() {
    metadata.string("general.architecture", architecture);
    integer("block_count", "num_hidden_layers");
    integer("context_length", "max_position_embeddings");
    integer("embedding_length", "hidden_size");
    integer("feed_forward_length", "intermediate_size");
    integer("attention.head_count", "num_attention_heads");
    integer("attention.head_count_kv", "num_key_value_heads");
    integer("attention.key_length", "head_dim");
    integer("attention.value_length", "head_dim");
    integer("attention.sliding_window", "sliding_window");
    integer("expert_count", config.hasNonNull(EXPERTS) ? EXPERTS : "num_experts");
    integer("expert_shared_feed_forward_length", "shared_expert_intermediate_size");
    integer("expert_used_count", "num_experts_per_tok");
    integer("expert_feed_forward_length", "moe_intermediate_size");
    number("attention.layer_norm_rms_epsilon", config.get("rms_norm_eps"));
    number("attn_logit_softcapping", config.get("attn_logit_softcapping"));
    number("final_logit_softcapping", config.get("final_logit_softcapping"));
    number("embedding_scale", config.get("embedding_multiplier"));
    number("residual_scale", config.get("residual_multiplier"));
    number("logit_scale", config.get("logits_scaling"));
    number("attention.scale", config.get("attention_multiplier"));
    JsonNode rope = config.get("rope_parameters");
    number(
        "rope.freq_base",
        rope.has("full_attention")
            ? rope.get("full_attention").get("rope_theta")
            : rope.get("rope_theta"));
    if (rope.path("rope_type").asString("").equals("llama3")) {
      add("rope_freqs.weight", llama3Divisors(rope));
    }
  }

  private void integer(String key, String field) {
    if (config.hasNonNull(field)) {
      metadata.integer(architecture + "." + key, config.get(field).intValue());
    }
  }

  private void number(String key, JsonNode value) {
    if (value != null && !value.isNull()) {
      metadata.number(architecture + "." + key, (float) value.doubleValue());
    }
  }

  /** Frequencies of the Llama 3.1 paper's scaling, as divisors of the plain ones. */
  private float[] llama3Divisors(JsonNode rope) {
    int size = headSize();
    double factor = rope.get("factor").doubleValue();
    double low = rope.get("low_freq_factor").doubleValue();
    double high = rope.get("high_freq_factor").doubleValue();
    double context = rope.get("original_max_position_embeddings").doubleValue();
    float[] divisors = new float[size / 2];
    for (int i = 0; i < divisors.length; i++) {
      double wavelength =
          2 * Math.PI * Math.pow(rope.get("rope_theta").doubleValue(), 2.0 * i / size);
      double blend = Math.clamp((context / wavelength - low) / (high - low), 0, 1);
      divisors[i] = (float) (1 / ((1 - blend) / factor + blend));
    }
    return divisors;
  }

  private int headSize() {
    return config.hasNonNull("head_dim")
        ? config.get("head_dim").intValue()
        : config.get("hidden_size").intValue() / config.get("num_attention_heads").intValue();
  }

  private void convert() {
    copy("model.embed_tokens.weight", "token_embd.weight");
    copy("model.norm.weight", "output_norm.weight");
    if (folder.tensor("lm_head.weight") != null) {
      copy("lm_head.weight", "output.weight");
    }
    for (int i = 0; i < config.get("num_hidden_layers").intValue(); i++) {
      layer("model.layers." + i + ".", "blk." + i + ".");
    }
  }

  private void layer(String from, String to) {
    boolean gemma = type.startsWith("gemma");
    boolean after = gemma || type.equals("olmo2");
    copyIfThere(from + "input_layernorm.weight", to + "attn_norm.weight");
    copyIfThere(
        from + "post_attention_layernorm.weight",
        to + (after ? "post_attention_norm.weight" : "ffn_norm.weight"));
    copyIfThere(from + "pre_feedforward_layernorm.weight", to + "ffn_norm.weight");
    copyIfThere(from + "post_feedforward_layernorm.weight", to + "post_ffw_norm.weight");
    copyIfThere(from + "self_attn.q_norm.weight", to + "attn_q_norm.weight");
    copyIfThere(from + "self_attn.k_norm.weight", to + "attn_k_norm.weight");
    for (String part : List.of("weight", "bias")) {
      copyIfThere(from + "self_attn.q_proj." + part, to + "attn_q." + part);
      copyIfThere(from + "self_attn.k_proj." + part, to + "attn_k." + part);
      copyIfThere(from + "self_attn.v_proj." + part, to + "attn_v." + part);
      copyIfThere(from + "self_attn.o_proj." + part, to + "attn_output." + part);
    }
    copyIfThere(from + "self_attn.qkv_proj.weight", to + "attn_qkv.weight");
    copyIfThere(from + "mlp.gate_proj.weight", to + "ffn_gate.weight");
    copyIfThere(from + "mlp.up_proj.weight", to + "ffn_up.weight");
    copyIfThere(from + "mlp.gate_up_proj.weight", to + "ffn_up.weight");
    copyIfThere(from + "mlp.down_proj.weight", to + "ffn_down.weight");
    if (type.equals("mixtral")) {
      copy(from + "block_sparse_moe.gate.weight", to + "ffn_gate_inp.weight");
      stack(from + "block_sparse_moe.experts.%d.w1.weight", to + "ffn_gate_exps.weight");
      stack(from + "block_sparse_moe.experts.%d.w3.weight", to + "ffn_up_exps.weight");
      stack(from + "block_sparse_moe.experts.%d.w2.weight", to + "ffn_down_exps.weight");
    } else if (type.equals("qwen2_moe") || type.equals("qwen3_moe")) {
      copy(from + "mlp.gate.weight", to + "ffn_gate_inp.weight");
      stack(from + "mlp.experts.%d.gate_proj.weight", to + "ffn_gate_exps.weight");
      stack(from + "mlp.experts.%d.up_proj.weight", to + "ffn_up_exps.weight");
      stack(from + "mlp.experts.%d.down_proj.weight", to + "ffn_down_exps.weight");
      copyIfThere(from + "mlp.shared_expert.gate_proj.weight", to + "ffn_gate_shexp.weight");
      copyIfThere(from + "mlp.shared_expert.up_proj.weight", to + "ffn_up_shexp.weight");
      copyIfThere(from + "mlp.shared_expert.down_proj.weight", to + "ffn_down_shexp.weight");
      copyRowIfThere(from + "mlp.shared_expert_gate.weight", to + "ffn_gate_inp_shexp.weight");
    }
  }

  private Tensor tensor(String name) {
    return Objects.requireNonNull(folder.tensor(name), name);
  }

  private void copyIfThere(String from, String to) {
    if (folder.tensor(from) != null) {
      copy(from, to);
    }
  }

  /** A matrix of one row as a vector. */
  private void copyRowIfThere(String from, String to) {
    Tensor row = folder.tensor(from);
    if (row != null) {
      add(to, row.toFloats(), row.elements());
    }
  }

  private void copy(String from, String to) {
    Tensor tensor = tensor(from);
    float[] values = tensor.toFloats();
    if (type.startsWith("gemma") && to.endsWith("norm.weight")) {
      for (int i = 0; i < values.length; i++) {
        values[i] += 1;
      }
    }
    if (List.of("llama", "granite", "smollm3").contains(architecture)
        && (to.contains("attn_q.") || to.contains("attn_k."))) {
      values = interleaved(values, (int) tensor.shape()[0]);
    }
    add(to, values, tensor.shape());
  }

  /** Row i of a head's first half and row i of its second become rows 2i and 2i + 1. */
  private float[] interleaved(float[] values, int rows) {
    int width = values.length / rows;
    int size = headSize();
    float[] result = new float[values.length];
    for (int row = 0; row < rows; row++) {
      int within = row % size;
      int target = row - within + 2 * (within % (size / 2)) + within / (size / 2);
      System.arraycopy(values, row * width, result, target * width, width);
    }
    return result;
  }

  private void stack(String pattern, String to) {
    int count = config.get(config.hasNonNull(EXPERTS) ? EXPERTS : "num_experts").intValue();
    Tensor first = tensor(pattern.formatted(0));
    float[] all = new float[(int) first.elements() * count];
    for (int e = 0; e < count; e++) {
      float[] values = tensor(pattern.formatted(e)).toFloats();
      System.arraycopy(values, 0, all, e * values.length, values.length);
    }
    add(to, all, count, first.shape()[0], first.shape()[1]);
  }

  private void add(String name, float[] values, long... shape) {
    long[] dimensions = shape.length == 0 ? new long[] {values.length} : shape;
    MemorySegment data = MemorySegment.ofArray(Arrays.copyOf(values, values.length));
    tensors.add(new Tensor(name, TensorType.F32, dimensions, data));
  }
}
