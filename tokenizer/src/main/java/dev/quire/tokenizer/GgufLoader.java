package dev.quire.tokenizer;

import dev.quire.tokenizer.PipelineTokenizer.Stages;
import dev.quire.tokenizer.Vocabulary.Edges;
import dev.quire.tokenizer.Vocabulary.Roles;
import dev.quire.tokenizer.model.BpeModel;
import dev.quire.tokenizer.model.BpeModel.Rules;
import dev.quire.tokenizer.model.BpeModel.Symbols;
import dev.quire.tokenizer.model.PairTable;
import dev.quire.tokenizer.model.UnigramModel;
import dev.quire.tokenizer.model.WordPieceModel;
import dev.quire.tokenizer.normalize.BertNormalizer;
import dev.quire.tokenizer.normalize.CharsMap;
import dev.quire.tokenizer.normalize.Normalizer;
import dev.quire.tokenizer.normalize.Spaces;
import dev.quire.tokenizer.split.BertSplitter;
import dev.quire.tokenizer.split.MarkSplitter;
import dev.quire.tokenizer.split.PreTokenizers;
import dev.quire.tokenizer.split.Splitter;
import dev.quire.tokenizer.text.ByteTable;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Builds a tokenizer from the {@code tokenizer.ggml.*} keys of a GGUF file. */
final class GgufLoader {
  private static final String PREFIX = "tokenizer.ggml.";

  private final TokenizerMetadata metadata;
  private final GgufVocabulary vocabulary;

  private GgufLoader(TokenizerMetadata metadata) {
    this.metadata = metadata;
    vocabulary = new GgufVocabulary(metadata);
  }

  static Tokenizer load(TokenizerMetadata metadata) {
    String model = metadata.string(PREFIX + "model", "");
    if (model.isEmpty()) {
      throw new TokenizerException(
          "tokenizer.ggml.model is missing: the file describes no tokenizer");
    }
    GgufLoader loader = new GgufLoader(metadata);
    return switch (model) {
      case "gpt2" -> loader.byteLevel();
      case "llama" -> loader.sentencePiece();
      case "t5" -> loader.unigram();
      case "bert" -> loader.wordPiece();
      default ->
          throw new TokenizerException(
              "tokenizer.ggml.model is “"
                  + model
                  + "”; Quire knows gpt2 (byte-level BPE), llama (SentencePiece BPE), t5 (unigram)"
                  + " and bert (WordPiece)");
    };
  }

  private Tokenizer byteLevel() {
    String name = metadata.string(PREFIX + "pre", "default");
    Splitter splitter = PreTokenizers.named(name);
    if (splitter == null) {
      throw new TokenizerException(
          "tokenizer.ggml.pre is “"
              + name
              + "”, a pre-tokenizer that Quire does not know; its text would be cut in the wrong"
              + " places");
    }
    Rules rules =
        new Rules(
            Symbols.BYTES,
            null,
            role("unknown_token_id", -1),
            false,
            PreTokenizers.takesWholePieces(name),
            null);
    byte[] @Nullable [] keys = vocabulary.byteLevelKeys();
    BpeModel model = BpeModel.ofMerges(keys, merges(), rules);
    boolean bos = PreTokenizers.startsWithBos(name);
    return build(
        vocabulary.byteLevelBytes(keys), Edges.NONE, Normalizer.NONE, splitter, model, bos, false);
  }

  private PairTable merges() {
    String key = PREFIX + "merges";
    if (!metadata.has(key)) {
      throw new TokenizerException(key + " is missing; a byte-level vocabulary needs its merges");
    }
    byte[][] merges = metadata.utf8Strings(key);
    ByteTable ids = new ByteTable(vocabulary.utf8());
    PairTable table = new PairTable(merges.length);
    byte[] merged = new byte[0];
    for (int rank = 0; rank < merges.length; rank++) {
      byte[] merge = merges[rank];
      int space = space(merge);
      if (space < 0) {
        throw new TokenizerException(
            (key + "[" + rank + "] is “" + text(merge, 0, merge.length))
                + "”; a merge is two tokens with a space between");
      }
      int length = merge.length - 1;
      if (merged.length < length) {
        merged = new byte[2 * length];
      }
      System.arraycopy(merge, 0, merged, 0, space);
      System.arraycopy(merge, space + 1, merged, space, length - space);
      table.add(
          known(ids, merge, 0, space, rank),
          known(ids, merge, space + 1, merge.length, rank),
          rank,
          known(ids, merged, 0, length, rank));
    }
    return table;
  }

  /** Where a merge's first symbol ends; it may itself begin with a space in odd vocabularies. */
  private static int space(byte[] merge) {
    for (int i = 1; i < merge.length; i++) {
      if (merge[i] == ' ') {
        return i;
      }
    }
    return -1;
  }

  private static int known(ByteTable ids, byte[] bytes, int from, int to, int rank) {
    int id = ids.find(bytes, from, to);
    if (id < 0) {
      throw new TokenizerException(
          ("tokenizer.ggml.merges[" + rank + "] needs “" + text(bytes, from, to))
              + "”, which is no token");
    }
    return id;
  }

  private static String text(byte[] utf8, int from, int to) {
    return new String(utf8, from, to - from, StandardCharsets.UTF_8);
  }

  private Tokenizer sentencePiece() {
    boolean prefix = metadata.flag(PREFIX + "add_space_prefix", true);
    Rules rules =
        new Rules(
            Symbols.CHARACTERS,
            vocabulary.byteTokens(),
            role("unknown_token_id", 0),
            false,
            false,
            null);
    BpeModel model = BpeModel.ofScores(vocabulary.textKeys(), scores(), rules);
    return build(
        vocabulary.spacedBytes(),
        new Edges(prefix ? 1 : 0, false),
        Spaces.marked(prefix),
        wordsAtMarks(),
        model,
        true,
        false);
  }

  private Splitter wordsAtMarks() {
    return MarkSplitter.isSafe(vocabulary.textTokens(), Spaces.MARK)
        ? new MarkSplitter(Spaces.MARK)
        : Splitter.whole();
  }

  private float[] scores() {
    String key = PREFIX + "scores";
    if (!metadata.has(key)) {
      throw new TokenizerException(key + " is missing; a SentencePiece vocabulary needs scores");
    }
    float[] scores = metadata.numbers(key);
    if (scores.length != vocabulary.tokens().size()) {
      throw new TokenizerException(
          key + " has " + scores.length + " entries for " + vocabulary.tokens().size() + " tokens");
    }
    for (int id = 0; id < scores.length; id++) {
      if (Float.isNaN(scores[id])) {
        throw new TokenizerException(key + "[" + id + "] is not a number");
      }
    }
    return scores;
  }

  private Tokenizer unigram() {
    Normalizer normalizer = Normalizer.NONE;
    if (metadata.has(PREFIX + "precompiled_charsmap")) {
      int[] map = metadata.integers(PREFIX + "precompiled_charsmap");
      byte[] bytes = new byte[map.length];
      for (int i = 0; i < map.length; i++) {
        bytes[i] = (byte) map[i];
      }
      normalizer = CharsMap.parse(bytes, PREFIX + "precompiled_charsmap");
    }
    if (metadata.flag(PREFIX + "remove_extra_whitespaces", false)) {
      normalizer = normalizer.then(Spaces.collapsed());
    }
    boolean prefix = metadata.flag(PREFIX + "add_space_prefix", true);
    float[] scores = scores();
    double[] wide = new double[scores.length];
    for (int id = 0; id < scores.length; id++) {
      wide[id] = vocabulary.isUserDefined(id) ? 0 : scores[id];
    }
    UnigramModel model =
        new UnigramModel(
            vocabulary.textKeys(),
            wide,
            role("unknown_token_id", 2),
            vocabulary.hasByteTokens() ? vocabulary.byteTokens() : null);
    return build(
        vocabulary.spacedBytes(),
        new Edges(prefix ? 1 : 0, false),
        normalizer.then(Spaces.marked(prefix)),
        Splitter.whole(),
        model,
        false,
        true);
  }

  private Tokenizer wordPiece() {
    boolean lowercase = metadata.flag(PREFIX + "normalizer.lowercase", true);
    boolean accents = metadata.flag(PREFIX + "normalizer.strip_accents", lowercase);
    int unknown = role("unknown_token_id", 100);
    if (unknown < 0) {
      throw new TokenizerException(
          PREFIX + "unknown_token_id is missing; a WordPiece vocabulary needs one");
    }
    WordPieceModel model =
        new WordPieceModel(vocabulary.wordStarts(), vocabulary.wordRests(), unknown, 100);
    return build(
        vocabulary.wordPieceBytes(),
        new Edges(1, false),
        new BertNormalizer(true, true, accents, lowercase),
        new BertSplitter(),
        model,
        true,
        true);
  }

  private Tokenizer build(
      byte[][] bytes,
      Edges edges,
      Normalizer normalizer,
      Splitter splitter,
      dev.quire.tokenizer.model.SubwordModel model,
      boolean bosByDefault,
      boolean eosByDefault) {
    boolean wordPiece = model instanceof WordPieceModel;
    boolean llama = metadata.string(PREFIX + "model", "").equals("llama");
    int bos = role("bos_token_id", wordPiece ? role("cls_token_id", -1) : llama ? 1 : -1);
    int eos = role("eos_token_id", wordPiece ? role("seperator_token_id", -1) : llama ? 2 : -1);
    int end = wordPiece ? role("seperator_token_id", role("separator_token_id", eos)) : eos;
    boolean addBos = metadata.flag(PREFIX + "add_bos_token", bosByDefault);
    boolean addEos =
        metadata.flag(
            PREFIX + "add_eos_token", metadata.flag(PREFIX + "add_sep_token", eosByDefault));
    Roles roles =
        new Roles(bos, eos, role("padding_token_id", -1), vocabulary.endOfTurn(metadata, eos));
    return new PipelineTokenizer(
        new Vocabulary(vocabulary.tokens(), bytes, vocabulary.special(), roles, edges),
        new Stages(
            vocabulary.added(metadata.string("general.name", "")),
            normalizer,
            new AddedTokens(List.of()),
            splitter,
            model,
            addBos && bos >= 0 ? new int[] {bos} : new int[0],
            addEos && end >= 0 ? new int[] {end} : new int[0]));
  }

  /**
   * The id under a key such as {@code bos_token_id}; negative for none. A fallback outside a small
   * vocabulary counts as none, as does padding that a model was given after its training.
   */
  private int role(String key, int fallback) {
    int id = metadata.integer(PREFIX + key, fallback);
    if (id < vocabulary.tokens().size()) {
      return id;
    }
    if (metadata.has(PREFIX + key) && !key.equals("padding_token_id")) {
      throw new TokenizerException(
          (PREFIX + key + " is " + id)
              + ("; the vocabulary has only " + vocabulary.tokens().size() + " tokens"));
    }
    return -1;
  }
}
