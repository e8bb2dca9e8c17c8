package dev.quire.tokenizer;

import dev.quire.tokenizer.model.BpeModel;
import dev.quire.tokenizer.model.BpeModel.Affixes;
import dev.quire.tokenizer.model.BpeModel.Rules;
import dev.quire.tokenizer.model.BpeModel.Symbols;
import dev.quire.tokenizer.model.PairTable;
import dev.quire.tokenizer.model.SubwordModel;
import dev.quire.tokenizer.model.UnigramModel;
import dev.quire.tokenizer.model.WordLevelModel;
import dev.quire.tokenizer.model.WordPieceModel;
import dev.quire.tokenizer.text.ByteLetters;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The {@code model} of a tokenizer.json. */
final class HuggingFaceModels {
  private final JsonField model;
  private final HuggingFaceVocabulary vocabulary;
  private final boolean byteLevel;

  private HuggingFaceModels(JsonField model, HuggingFaceVocabulary vocabulary, boolean byteLevel) {
    this.model = model;
    this.vocabulary = vocabulary;
    this.byteLevel = byteLevel;
  }

  /**
   * @param byteLevel whether pieces arrive as they are although tokens are spelled in byte letters
   */
  static SubwordModel read(JsonField model, HuggingFaceVocabulary vocabulary, boolean byteLevel) {
    HuggingFaceModels reader = new HuggingFaceModels(model, vocabulary, byteLevel);
    String type = type(model);
    return switch (type) {
      case "BPE" -> reader.bpe();
      case "Unigram" -> reader.unigram();
      case "WordPiece" -> reader.wordPiece();
      case "WordLevel" -> new WordLevelModel(reader.keys(""), reader.unknown());
      default -> throw model.get("type").wrong("is “" + type + "”, a model that Quire lacks");
    };
  }

  /** The model's type; the oldest files leave it to the reader to see. */
  static String type(JsonField model) {
    String implied =
        model.find("merges") != null
            ? "BPE"
            : model.find("unk_id") != null
                ? "Unigram"
                : model.find("max_input_chars_per_word") != null ? "WordPiece" : "";
    return implied.isEmpty() ? model.get("type").text() : model.text("type", implied);
  }

  /** What each token matches in a piece that starts with {@code prefix} unseen; else null. */
  private byte[] @Nullable [] keys(String prefix) {
    byte[][] keys = new byte[vocabulary.tokens().size()][];
    vocabulary
        .modelIds()
        .forEach(
            (token, id) -> {
              // Text must not be able to spell a special token that was not asked for.
              if (!vocabulary.special()[id] && token.startsWith(prefix)) {
                keys[id] = key(token.substring(prefix.length()));
              }
            });
    return keys;
  }

  private byte @Nullable [] key(String token) {
    return byteLevel ? ByteLetters.bytes(token) : token.getBytes(StandardCharsets.UTF_8);
  }

  private int unknown() {
    String token = model.get("unk_token").text();
    int id = vocabulary.find(token);
    if (id < 0) {
      throw model.get("unk_token").wrong("is “" + token + "”, which is no token");
    }
    return id;
  }

  private SubwordModel bpe() {
    String continuing = model.text("continuing_subword_prefix", "");
    String endOfWord = model.text("end_of_word_suffix", "");
    Affixes affixes =
        continuing.isEmpty() && endOfWord.isEmpty()
            ? null
            : new Affixes(
                continuing.getBytes(StandardCharsets.UTF_8),
                endOfWord.getBytes(StandardCharsets.UTF_8));
    boolean bytes = byteLevel && affixes == null;
    if (byteLevel && !bytes) {
      throw model.wrong("has affixes together with the ByteLevel pre-tokenizer, which Quire lacks");
    }
    JsonField unknown = model.find("unk_token");
    Rules rules =
        new Rules(
            bytes ? Symbols.BYTES : Symbols.CHARACTERS,
            model.flag("byte_fallback", false) ? byteTokens() : null,
            unknown == null ? -1 : vocabulary.find(unknown.text()),
            model.flag("fuse_unk", false),
            model.flag("ignore_merges", false),
            affixes);
    byte[] @Nullable [] keys = keys("");
    return BpeModel.ofMerges(keys, merges(continuing.length()), rules);
  }

  private PairTable merges(int prefixLength) {
    List<JsonField> merges = model.get("merges").items();
    PairTable table = new PairTable(merges.size());
    // Of equal merges the last one counts here, and the first one in the table.
    for (int rank = merges.size() - 1; rank >= 0; rank--) {
      JsonField merge = merges.get(rank);
      String left;
      String right;
      if (merge.isText()) {
        String text = merge.text();
        int space = text.indexOf(' ');
        if (space < 0 || text.indexOf(' ', space + 1) >= 0) {
          throw merge.wrong("is “" + text + "”; a merge is two tokens with a space between");
        }
        left = text.substring(0, space);
        right = text.substring(space + 1);
      } else {
        List<JsonField> pair = merge.items();
        if (pair.size() != 2) {
          throw merge.wrong("must be two tokens");
        }
        left = pair.get(0).text();
        right = pair.get(1).text();
      }
      if (right.length() < prefixLength) {
        throw merge.wrong("continues a word without the prefix for that");
      }
      int merged = known(merge, left + right.substring(prefixLength));
      table.add(known(merge, left), known(merge, right), rank, merged);
    }
    return table;
  }

  private int known(JsonField merge, String token) {
    Integer id = vocabulary.modelIds().get(token);
    if (id == null) {
      throw merge.wrong("needs “" + token + "”, which is no token");
    }
    return id;
  }

  private int[] byteTokens() {
    int[] ids = new int[256];
    Arrays.fill(ids, -1);
    for (Map.Entry<String, Integer> entry : vocabulary.modelIds().entrySet()) {
      int value = GgufVocabulary.byteValue(entry.getKey());
      if (value >= 0) {
        ids[value] = entry.getValue();
      }
    }
    return ids;
  }

  private SubwordModel unigram() {
    List<JsonField> items = model.get("vocab").items();
    double[] scores = new double[vocabulary.tokens().size()];
    for (int id = 0; id < items.size(); id++) {
      scores[id] = items.get(id).items().get(1).number();
    }
    int unknown = model.integer("unk_id", -1);
    if (unknown >= items.size()) {
      throw model.get("unk_id").wrong("is outside the vocabulary of " + items.size() + " tokens");
    }
    byte[] @Nullable [] keys = keys("");
    if (unknown >= 0) {
      keys[unknown] = null;
    }
    return new UnigramModel(
        keys, scores, unknown, model.flag("byte_fallback", false) ? byteTokens() : null);
  }

  private SubwordModel wordPiece() {
    String prefix = model.text("continuing_subword_prefix", "##");
    int longest = model.integer("max_input_chars_per_word", 100);
    return new WordPieceModel(keys(""), keys(prefix), unknown(), longest);
  }
}
