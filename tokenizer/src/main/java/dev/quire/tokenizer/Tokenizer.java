package dev.quire.tokenizer;

import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalInt;

/**
 * A model's tokenizer: text to token ids and back. Immutable apart from a bounded word cache, safe
 * for use by many threads at once.
 */
public interface Tokenizer {

  /**
   * Builds the tokenizer that a GGUF file describes.
   *
   * @throws TokenizerException where a key is missing, contradictory or of an unknown kind
   */
  static Tokenizer fromGguf(TokenizerMetadata metadata) {
    return GgufLoader.load(metadata);
  }

  /**
   * Builds the tokenizer of a Hugging Face folder from its {@code tokenizer.json}; {@code
   * tokenizer_config.json}, {@code special_tokens_map.json}, {@code generation_config.json} and
   * {@code config.json}, where present, say which tokens begin and end texts and turns.
   *
   * @throws TokenizerException where a file is missing, damaged or asks for something unknown; the
   *     message names file and field
   */
  static Tokenizer fromHuggingFace(Path folder) {
    return HuggingFaceLoader.load(folder);
  }

  /**
   * Makes a tokenizer of the texts of such a folder's files.
   *
   * @param texts by the names of the files; {@code tokenizer.json} must be among them
   * @param place where the texts are from, for errors
   * @throws TokenizerException as {@link #fromHuggingFace(Path)}
   */
  static Tokenizer fromHuggingFace(Map<String, String> texts, String place) {
    return HuggingFaceLoader.load(texts, place);
  }

  /**
   * Encodes text. Unpaired surrogates become U+FFFD.
   *
   * @param addSpecial puts the model's leading and trailing special tokens (BOS, …) around the ids
   * @param parseSpecial lets special tokens written out in the text become their ids; without it
   *     they are plain text (user input should not be able to forge a turn)
   */
  int[] encode(String text, boolean addSpecial, boolean parseSpecial);

  /**
   * The text of the ids. Bytes that are no UTF-8 become U+FFFD.
   *
   * @throws TokenizerException for an id outside the vocabulary
   */
  String decode(int[] ids, boolean skipSpecial);

  /** The bytes that the token adds to a text; for a special token, those of its name. */
  byte[] tokenBytes(int id);

  /** Whether the token steers the model rather than standing for text. */
  boolean isSpecial(int id);

  /** Ids are 0 … vocabularySize - 1. */
  int vocabularySize();

  OptionalInt bosId();

  OptionalInt eosId();

  OptionalInt padId();

  /** Every id that ends a turn or the text, ascending. */
  int[] endOfTurnIds();

  /** The id of a token by its spelling in the vocabulary. */
  OptionalInt idOf(String token);

  /** The token's spelling in the vocabulary, for example {@code Ġthe}. */
  String token(int id);

  /** A decoder for ids that arrive one by one. */
  StreamingDecoder streamingDecoder(boolean skipSpecial);
}
