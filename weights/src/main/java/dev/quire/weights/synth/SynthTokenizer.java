package dev.quire.weights.synth;

import dev.quire.weights.gguf.MetadataBuilder;
import java.util.ArrayList;
import java.util.List;

/** The tokenizer's part of a made-up model's metadata. */
final class SynthTokenizer {
  private static final int NORMAL = 1;
  private static final int CONTROL = 3;

  private static final List<String> LLAMA =
      List.of(
          "<|begin_of_text|>",
          "<|end_of_text|>",
          "<|reserved_special_token_0|>",
          "<|reserved_special_token_1|>",
          "<|finetune_right_pad_id|>",
          "<|reserved_special_token_2|>",
          "<|start_header_id|>",
          "<|end_header_id|>",
          "<|eom_id|>",
          "<|eot_id|>",
          "<|python_tag|>");

  private static final List<String> QWEN = List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");

  private static final String LLAMA_TEMPLATE =
      "{{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message['role'] }}"
          + "<|end_header_id|>\n\n{{ message['content'] | trim }}<|eot_id|>{% endfor %}"
          + "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n"
          + "{% endif %}";

  private static final String QWEN_TEMPLATE =
      "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
          + "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
          + "{% endif %}";

  private SynthTokenizer() {}

  static void describe(ModelShape shape, MetadataBuilder metadata) {
    boolean qwen = shape.architecture().equals("qwen3");
    List<String> specials = specials(qwen, shape.vocabulary());
    Vocabulary vocabulary = Vocabulary.of(shape.vocabulary(), specials);
    int firstSpecial = shape.vocabulary() - specials.size();
    int[] types = new int[shape.vocabulary()];
    for (int i = 0; i < types.length; i++) {
      types[i] = i < firstSpecial ? NORMAL : CONTROL;
    }
    metadata
        .string("tokenizer.ggml.model", "gpt2")
        .string("tokenizer.ggml.pre", qwen ? "qwen2" : "llama-bpe")
        .strings("tokenizer.ggml.tokens", vocabulary.tokens())
        .integers("tokenizer.ggml.token_type", types)
        .strings("tokenizer.ggml.merges", vocabulary.merges())
        .integer("tokenizer.ggml.bos_token_id", firstSpecial)
        .integer(
            "tokenizer.ggml.eos_token_id",
            firstSpecial + specials.indexOf(qwen ? "<|im_end|>" : "<|eot_id|>"))
        .integer(
            "tokenizer.ggml.padding_token_id",
            firstSpecial + specials.indexOf(qwen ? "<|endoftext|>" : "<|finetune_right_pad_id|>"))
        .flag("tokenizer.ggml.add_bos_token", !qwen)
        .string("tokenizer.chat_template", qwen ? QWEN_TEMPLATE : LLAMA_TEMPLATE);
  }

  /** As many as the real vocabularies have, where the size is theirs. */
  private static List<String> specials(boolean qwen, int vocabulary) {
    List<String> specials = new ArrayList<>(qwen ? QWEN : LLAMA);
    int wanted =
        switch (vocabulary) {
          case 128256 -> 256;
          case 151936 -> 151936 - 151643;
          default -> 16;
        };
    for (int n = 3; specials.size() < wanted; n++) {
      specials.add("<|reserved_special_token_" + n + "|>");
    }
    return specials;
  }
}
