package dev.quire.engine;

import dev.quire.tokenizer.Tokenizer;
import dev.quire.weights.GgufFile;
import dev.quire.weights.HuggingFaceFolder;
import dev.quire.weights.WeightsException;
import dev.quire.weights.gguf.Metadata;
import dev.quire.weights.gguf.MetadataBuilder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The vocabulary in a GGUF file's metadata: in GGUF's own terms, or as the JSON files of the folder
 * that the file was made of.
 *
 * <p>{@code tokenizer.huggingface.json} is the key that the GGUF specification has for a whole
 * {@code tokenizer.json}; the files that belong to it have keys of Quire's own.
 */
public final class GgufTokenizer {
  private static final String OWN = "tokenizer.ggml.model";
  private static final String MAIN = "tokenizer.huggingface.json";
  private static final String OTHERS = "quire.";
  private static final List<String> FILES =
      List.of("tokenizer_config.json", "special_tokens_map.json", "generation_config.json");

  private GgufTokenizer() {}

  /** Whether a file has a vocabulary. */
  public static boolean isIn(GgufFile file) {
    return file.metadata().has(OWN) || file.metadata().has(MAIN);
  }

  /**
   * The tokenizer of a file that has a vocabulary.
   *
   * @throws dev.quire.tokenizer.TokenizerException naming what is wrong with it
   */
  public static Tokenizer read(GgufFile file) {
    Metadata metadata = file.metadata();
    if (metadata.has(OWN) || !metadata.has(MAIN)) {
      return Tokenizer.fromGguf(new GgufTokenizerMetadata(metadata));
    }
    Map<String, String> texts = new HashMap<>();
    texts.put("tokenizer.json", metadata.string(MAIN));
    for (String name : FILES) {
      if (metadata.has(OTHERS + name)) {
        texts.put(name, metadata.string(OTHERS + name));
      }
    }
    return Tokenizer.fromHuggingFace(texts, file.path().toString());
  }

  /** Takes a folder's files over, if it has a vocabulary. */
  static void write(HuggingFaceFolder folder, MetadataBuilder metadata) {
    Path main = folder.tokenizer();
    if (main == null) {
      return;
    }
    metadata.string(MAIN, text(main));
    for (String name : FILES) {
      Path file = folder.path().resolve(name);
      if (Files.isRegularFile(file)) {
        metadata.string(OTHERS + name, text(file));
      }
    }
  }

  private static String text(Path file) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new WeightsException(file + ": can't be read: " + e.getMessage(), e);
    }
  }
}
