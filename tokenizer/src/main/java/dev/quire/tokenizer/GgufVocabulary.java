package dev.quire.tokenizer;

import dev.quire.tokenizer.AddedTokens.AddedToken;
import dev.quire.tokenizer.normalize.Spaces;
import dev.quire.tokenizer.text.ByteLetters;
import dev.quire.tokenizer.text.Utf8Strings;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The token list of a GGUF file with the kinds that {@code tokenizer.ggml.token_type} gives. */
final class GgufVocabulary {
  private static final int NORMAL = 1;
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int BYTE = 6;

  /** Names that end a turn or a text in published models, for files that do not list their ids. */
  private static final Set<String> END_NAMES =
      Set.of(
          "<|eot_id|>",
          "<|im_end|>",
          "<|end|>",
          "<end_of_turn>",
          "<turn|>",
          "<|endoftext|>",
          "<|end_of_text|>",
          "<|eom_id|>",
          "<EOT>",
          "<|EOT|>",
          "<_EOT>",
          "<|END_OF_TURN_TOKEN|>",
          "<|return|>",
          "<|call|>",
          "<|end_of_turn|>",
          "<|endofturn|>",
          "<｜end▁of▁sentence｜>",
          "<end_of_utterance>");

  private final byte[][] utf8;
  private final List<String> tokens;
  private final int[] types;

  GgufVocabulary(TokenizerMetadata metadata) {
    String key = "tokenizer.ggml.tokens";
    if (!metadata.has(key)) {
      throw new TokenizerException(key + " is missing: the file has no vocabulary");
    }
    utf8 = metadata.utf8Strings(key);
    tokens = new Utf8Strings(utf8);
    if (tokens.isEmpty()) {
      throw new TokenizerException(key + " is empty");
    }
    String typeKey = "tokenizer.ggml.token_type";
    if (metadata.has(typeKey)) {
      types = metadata.integers(typeKey);
      if (types.length != tokens.size()) {
        throw new TokenizerException(
            typeKey + " has " + types.length + " entries for " + tokens.size() + " tokens");
      }
    } else {
      types = new int[tokens.size()];
      Arrays.fill(types, NORMAL);
    }
  }

  /** Whether a token of this name ends a turn or a text in published models. */
  static boolean endsTurn(String token) {
    return END_NAMES.contains(token);
  }

  List<String> tokens() {
    return tokens;
  }

  boolean isUserDefined(int id) {
    return types[id] == USER_DEFINED;
  }

  boolean[] special() {
    boolean[] special = new boolean[types.length];
    for (int id = 0; id < types.length; id++) {
      special[id] = types[id] == CONTROL || types[id] == UNKNOWN;
    }
    return special;
  }

  /** The tokens that are matched as text: control tokens on request, user-defined ones always. */
  AddedTokens added(String modelName) {
    String name = modelName.toLowerCase(java.util.Locale.ROOT);
    boolean phi3 = name.contains("phi-3") || name.contains("phi3");
    List<AddedToken> added = new ArrayList<>();
    for (int id = 0; id < types.length; id++) {
      if (types[id] == CONTROL || types[id] == USER_DEFINED || types[id] == UNKNOWN) {
        String text = tokens.get(id);
        // Phi-3's special tokens swallow the space after them; GGUF has no field to say so.
        boolean stripRight =
            phi3 && !text.equals("<unk>") && !text.equals("<s>") && !text.equals("<|endoftext|>");
        added.add(
            new AddedToken(id, text, types[id] != USER_DEFINED, false, stripRight, false, false));
      }
    }
    return new AddedTokens(added);
  }

  int[] endOfTurn(TokenizerMetadata metadata, int eos) {
    TreeSet<Integer> ids = new TreeSet<>();
    ids.add(eos);
    for (String key : List.of("eos_token_id", "eot_token_id", "eom_token_id")) {
      ids.add(metadata.integer("tokenizer.ggml." + key, -1));
    }
    for (String key : List.of("eos_token_ids", "tokenizer.ggml.eos_token_ids")) {
      if (metadata.has(key)) {
        Arrays.stream(metadata.integers(key)).forEach(ids::add);
      }
    }
    for (int id = 0; id < types.length; id++) {
      if ((types[id] == CONTROL || types[id] == USER_DEFINED)
          && END_NAMES.contains(tokens.get(id))) {
        ids.add(id);
      }
    }
    return ids.stream()
        .filter(id -> id >= 0 && id < types.length)
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** The tokens in UTF-8; not a copy. */
  byte[][] utf8() {
    return utf8;
  }

  /** What each token of a byte-level vocabulary matches in text; null for tokens that are names. */
  byte[] @Nullable [] byteLevelKeys() {
    byte[][] keys = new byte[types.length][];
    for (int id = 0; id < types.length; id++) {
      keys[id] = types[id] == NORMAL ? ByteLetters.bytesOfUtf8(utf8[id]) : null;
    }
    return keys;
  }

  /**
   * What each token adds to a text.
   *
   * @param keys as {@link #byteLevelKeys} gives them
   */
  byte[][] byteLevelBytes(byte[] @Nullable [] keys) {
    byte[][] bytes = new byte[types.length][];
    for (int id = 0; id < types.length; id++) {
      byte[] spelled = keys[id];
      bytes[id] = spelled != null ? spelled : utf8[id];
    }
    return bytes;
  }

  /** Tokens that text can merge into, for a vocabulary over characters. */
  List<String> textTokens() {
    List<String> texts = new ArrayList<>();
    for (int id = 0; id < types.length; id++) {
      if (isText(id)) {
        texts.add(tokens.get(id));
      }
    }
    return texts;
  }

  private boolean isText(int id) {
    return types[id] == NORMAL || types[id] == USER_DEFINED;
  }

  byte[] @Nullable [] textKeys() {
    byte[][] keys = new byte[types.length][];
    for (int id = 0; id < types.length; id++) {
      keys[id] = isText(id) ? utf8(tokens.get(id)) : null;
    }
    return keys;
  }

  /** Bytes with marks turned back into spaces and byte tokens into their byte. */
  byte[][] spacedBytes() {
    byte[][] bytes = new byte[types.length][];
    for (int id = 0; id < types.length; id++) {
      String token = tokens.get(id);
      int value = types[id] == BYTE ? byteValue(token) : -1;
      if (value >= 0) {
        bytes[id] = new byte[] {(byte) value};
      } else {
        bytes[id] = utf8(isText(id) ? token.replace(Spaces.MARK, ' ') : token);
      }
    }
    return bytes;
  }

  boolean hasByteTokens() {
    return Arrays.stream(types).anyMatch(type -> type == BYTE);
  }

  /** The token of each byte, -1 where there is none. */
  int[] byteTokens() {
    int[] ids = new int[256];
    Arrays.fill(ids, -1);
    for (int id = 0; id < types.length; id++) {
      int value = types[id] == BYTE ? byteValue(tokens.get(id)) : -1;
      if (value >= 0) {
        ids[value] = id;
      }
    }
    return ids;
  }

  /** The byte that a name like {@code <0x0A>} stands for, or -1. */
  static int byteValue(String token) {
    if (token.length() != 6 || !token.startsWith("<0x") || !token.endsWith(">")) {
      return -1;
    }
    int high = Character.digit(token.charAt(3), 16);
    int low = Character.digit(token.charAt(4), 16);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
  }

  /** Texts of the tokens that start a word; GGUF marks these, and not the ones that continue. */
  byte[] @Nullable [] wordStarts() {
    return wordTokens(true);
  }

  byte[] @Nullable [] wordRests() {
    return wordTokens(false);
  }

  private byte[] @Nullable [] wordTokens(boolean starts) {
    byte[][] keys = new byte[types.length][];
    for (int id = 0; id < types.length; id++) {
      String token = tokens.get(id);
      boolean marked = token.length() > 1 && token.charAt(0) == Spaces.MARK;
      if (isText(id) && marked == starts) {
        keys[id] = utf8(marked ? token.substring(1) : token);
      }
    }
    return keys;
  }

  byte[][] wordPieceBytes() {
    byte[][] bytes = new byte[types.length][];
    for (int id = 0; id < types.length; id++) {
      bytes[id] = utf8(tokens.get(id).replace(Spaces.MARK, ' '));
    }
    return bytes;
  }
}
