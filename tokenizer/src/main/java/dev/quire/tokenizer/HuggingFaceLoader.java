package dev.quire.tokenizer;

import dev.quire.tokenizer.AddedTokens.AddedToken;
import dev.quire.tokenizer.PipelineTokenizer.Stages;
import dev.quire.tokenizer.Vocabulary.Roles;
import dev.quire.tokenizer.model.SubwordModel;
import dev.quire.tokenizer.normalize.Normalizer;
import dev.quire.tokenizer.normalize.Spaces;
import dev.quire.tokenizer.split.MarkSplitter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Builds a tokenizer from the files of a Hugging Face folder. */
final class HuggingFaceLoader {
  private static final String MAIN = "tokenizer.json";
  private final Function<String, @Nullable JsonField> files;
  private final JsonField root;
  private final @Nullable JsonField config;
  private final HuggingFaceVocabulary vocabulary;

  /**
   * @param files the other files of the folder by name; null for those that are not there
   */
  private HuggingFaceLoader(JsonField root, Function<String, @Nullable JsonField> files) {
    this.files = files;
    this.root = root;
    this.config = files.apply("tokenizer_config.json");
    vocabulary = HuggingFaceVocabulary.read(root, config);
  }

  static Tokenizer load(Path folder) {
    Path file = folder.resolve(MAIN);
    if (!Files.isRegularFile(file)) {
      throw new TokenizerException(
          file
              + " is missing; a folder that has only tokenizer.model or vocab.json must be saved"
              + " again with a fast tokenizer");
    }
    return new HuggingFaceLoader(JsonField.ofFile(file), name -> optional(folder, name)).build();
  }

  static Tokenizer load(Map<String, String> texts, String place) {
    String main = texts.get(MAIN);
    if (main == null) {
      throw new TokenizerException(place + ": " + MAIN + " is missing");
    }
    return new HuggingFaceLoader(
            JsonField.ofText(main, place + ": " + MAIN),
            name -> {
              String text = texts.get(name);
              return text == null ? null : JsonField.ofText(text, place + ": " + name);
            })
        .build();
  }

  private static @Nullable JsonField optional(Path folder, String name) {
    Path file = folder.resolve(name);
    return Files.isRegularFile(file) ? JsonField.ofFile(file) : null;
  }

  private Tokenizer build() {
    Normalizer normalizer = HuggingFaceNormalizers.read(root.find("normalizer"));
    HuggingFacePreTokenizers pre = HuggingFacePreTokenizers.read(root.find("pre_tokenizer"));
    SubwordModel model = HuggingFaceModels.read(root.get("model"), vocabulary, pre.byteLevel());
    JsonField post = root.find("post_processor");
    HuggingFaceFrame frame = HuggingFaceFrame.read(post);
    int size = vocabulary.tokens().size();
    if (post != null) {
      frame.check(size, post);
    }
    return new PipelineTokenizer(
        withBytes(normalizer),
        new Stages(
            added(false, Normalizer.NONE),
            normalizer,
            added(true, normalizer),
            root.find("pre_tokenizer") == null && cutsAtMarks()
                ? new MarkSplitter(Spaces.MARK)
                : pre.splitter(),
            model,
            frame.prefix().stream().mapToInt(Integer::intValue).toArray(),
            frame.suffix().stream().mapToInt(Integer::intValue).toArray()));
  }

  /**
   * Whether text may be cut before the marks that stand for spaces although the file does not say
   * so: merges never reach across, and short pieces are cheaper.
   */
  private boolean cutsAtMarks() {
    JsonField model = root.get("model");
    return HuggingFaceModels.type(model).equals("BPE")
        && !model.flag("ignore_merges", false)
        && model.find("end_of_word_suffix") == null
        && model.find("continuing_subword_prefix") == null
        && vocabulary.modelIds().containsKey(String.valueOf(Spaces.MARK))
        && MarkSplitter.isSafe(vocabulary.modelIds().keySet(), Spaces.MARK);
  }

  private AddedTokens added(boolean normalized, Normalizer normalizer) {
    List<AddedToken> chosen = new ArrayList<>();
    for (AddedToken token : vocabulary.added()) {
      if (token.normalized() == normalized) {
        chosen.add(
            new AddedToken(
                token.id(),
                normalizer.normalize(token.text()),
                token.special(),
                token.stripLeft(),
                token.stripRight(),
                token.singleWord(),
                normalized));
      }
    }
    return new AddedTokens(chosen);
  }

  private Vocabulary withBytes(Normalizer normalizer) {
    HuggingFaceDecoder decoder = HuggingFaceDecoder.read(root.find("decoder"));
    List<String> tokens = new ArrayList<>(vocabulary.tokens());
    // An added token that is looked for in normalised text decodes as it stands there.
    for (AddedToken token : vocabulary.added()) {
      if (token.normalized()) {
        tokens.set(token.id(), normalizer.normalize(token.text()));
      }
    }
    BitSet byteTokens = new BitSet();
    byte[][] bytes = new byte[tokens.size()][];
    byte[][] firstBytes = new byte[tokens.size()][];
    for (int id = 0; id < bytes.length; id++) {
      byteTokens.set(id, decoder.isByte(tokens.get(id)));
      bytes[id] = decoder.bytes(tokens.get(id), false);
      firstBytes[id] = decoder.bytes(tokens.get(id), true);
    }
    return new Vocabulary(
        vocabulary.tokens(),
        bytes,
        firstBytes,
        byteTokens,
        vocabulary.special(),
        roles(),
        decoder.edges());
  }

  private Roles roles() {
    JsonField map = files.apply("special_tokens_map.json");
    JsonField generation = files.apply("generation_config.json");
    JsonField model = files.apply("config.json");
    TreeSet<Integer> ends = new TreeSet<>();
    for (JsonField file : new JsonField[] {generation, model}) {
      if (file != null && ends.isEmpty()) {
        ends.addAll(numbers(file.find("eos_token_id")));
      }
    }
    int eos = role("eos_token", map);
    if (eos < 0 && !ends.isEmpty()) {
      eos = ends.first();
    }
    ends.add(eos);
    for (AddedToken token : vocabulary.added()) {
      if (GgufVocabulary.endsTurn(token.text())) {
        ends.add(token.id());
      }
    }
    int size = vocabulary.tokens().size();
    return new Roles(
        role("bos_token", map),
        eos,
        role("pad_token", map),
        ends.stream().filter(id -> id >= 0 && id < size).mapToInt(Integer::intValue).toArray());
  }

  /** One id or a list of them. */
  private static List<Integer> numbers(@Nullable JsonField field) {
    if (field == null) {
      return List.of();
    }
    return field.isArray()
        ? field.items().stream().map(JsonField::integer).toList()
        : List.of(field.integer());
  }

  /** The id of the token that the configuration names for a role, as text or as an object. */
  private int role(String name, @Nullable JsonField map) {
    for (JsonField file : new JsonField[] {config, map}) {
      JsonField field = file == null ? null : file.find(name);
      if (field != null) {
        return vocabulary.find((field.isObject() ? field.get("content") : field).text());
      }
    }
    return -1;
  }
}
