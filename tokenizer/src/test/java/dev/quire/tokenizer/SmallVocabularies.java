package dev.quire.tokenizer;

import dev.quire.tokenizer.text.ByteLetters;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Vocabularies small enough to check by hand, as a GGUF file would describe them. */
final class SmallVocabularies {
  static final int NORMAL = 1;
  static final int UNKNOWN = 2;
  static final int CONTROL = 3;
  static final int USER_DEFINED = 4;
  static final int BYTE = 6;

  private SmallVocabularies() {}

  /** The vocabulary of the model in the jar: byte-level, 2048 tokens. */
  static Tokenizer shipped() {
    Path root = Path.of(System.getProperty("quire.root", ".."));
    return Tokenizer.fromGguf(
        GgufHeader.read(
            root.resolve("engine/core/src/main/resources/dev/quire/model/default.gguf")));
  }

  /** Ids 0 … 255 are the bytes, then the results of the merges, then three added tokens. */
  static Map<String, Object> byteLevel(String preTokenizer, String... merges) {
    List<String> tokens = new ArrayList<>();
    for (int b = 0; b < 256; b++) {
      tokens.add(String.valueOf(ByteLetters.letter(b)));
    }
    for (String merge : merges) {
      tokens.add(merge.replace(" ", ""));
    }
    List<Integer> types = new ArrayList<>(Collections.nCopies(tokens.size(), NORMAL));
    int bos = tokens.size();
    tokens.addAll(List.of("<|begin|>", "<|end|>", "<tool>"));
    types.addAll(List.of(CONTROL, CONTROL, USER_DEFINED));
    Map<String, Object> values = describe("gpt2", tokens, types);
    values.put("tokenizer.ggml.pre", preTokenizer);
    values.put("tokenizer.ggml.merges", List.of(merges));
    values.put("tokenizer.ggml.bos_token_id", bos);
    values.put("tokenizer.ggml.eos_token_id", bos + 1);
    return values;
  }

  static Map<String, Object> describe(String model, List<String> tokens, List<Integer> types) {
    Map<String, Object> values = new HashMap<>();
    values.put("tokenizer.ggml.model", model);
    values.put("tokenizer.ggml.tokens", tokens);
    values.put("tokenizer.ggml.token_type", types);
    return values;
  }

  static Tokenizer load(Map<String, Object> values) {
    return Tokenizer.fromGguf(new GgufHeader(values));
  }

  /** Spellings of the ids, which read better than numbers. */
  static List<String> tokens(Tokenizer tokenizer, String text) {
    return spellings(tokenizer, tokenizer.encode(text, false, false));
  }

  static List<String> spellings(Tokenizer tokenizer, int[] ids) {
    List<String> spellings = new ArrayList<>();
    for (int id : ids) {
      spellings.add(tokenizer.token(id));
    }
    return spellings;
  }
}
