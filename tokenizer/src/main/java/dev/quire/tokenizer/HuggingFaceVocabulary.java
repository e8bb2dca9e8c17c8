package dev.quire.tokenizer;

import dev.quire.tokenizer.AddedTokens.AddedToken;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The tokens of a tokenizer.json: those of its model and those added to them. */
final class HuggingFaceVocabulary {
  /** Ids may have gaps, but not so many that a small file takes much memory. */
  private static final int MOST_GAPS = 1 << 16;

  private final Map<String, Integer> modelIds;
  private final List<AddedToken> added = new ArrayList<>();

  /** The spelling of each id, “” for the gaps. */
  private final List<String> tokens;

  private final boolean[] special;

  private HuggingFaceVocabulary(
      Map<String, Integer> modelIds, Map<Integer, AddedToken> addedById, JsonField root) {
    this.modelIds = modelIds;
    added.addAll(addedById.values());
    int largest = -1;
    for (int id : modelIds.values()) {
      largest = Math.max(largest, id);
    }
    for (AddedToken token : added) {
      largest = Math.max(largest, token.id());
    }
    if (largest < 0) {
      throw root.wrong("has no tokens");
    }
    if (largest > MOST_GAPS + 2L * (modelIds.size() + added.size())) {
      throw root.wrong("gives id " + largest + " in a vocabulary of far fewer tokens");
    }
    String[] spellings = new String[largest + 1];
    Arrays.fill(spellings, "");
    special = new boolean[spellings.length];
    modelIds.forEach((token, id) -> spellings[id] = token);
    for (AddedToken token : added) {
      spellings[token.id()] = token.text();
      special[token.id()] = token.special();
    }
    tokens = List.of(spellings);
  }

  /**
   * @param config the tokenizer_config.json, which may add tokens of its own
   */
  static HuggingFaceVocabulary read(JsonField root, @Nullable JsonField config) {
    JsonField vocab = root.get("model").get("vocab");
    Map<String, Integer> ids = vocab.isArray() ? listed(vocab) : numbered(vocab);
    Map<Integer, AddedToken> added = new TreeMap<>();
    JsonField list = root.find("added_tokens");
    if (list != null) {
      for (JsonField item : list.items()) {
        AddedToken token = addedToken(item, item.get("id").integer(), ids);
        added.put(token.id(), token);
      }
    }
    JsonField more = config == null ? null : config.find("added_tokens_decoder");
    if (more != null) {
      for (Map.Entry<String, JsonField> entry : more.entries()) {
        AddedToken token = addedToken(entry.getValue(), number(entry), ids);
        added.putIfAbsent(token.id(), token);
      }
    }
    return new HuggingFaceVocabulary(ids, added, root);
  }

  /** {@code {"token": id, …}}. */
  private static Map<String, Integer> numbered(JsonField vocab) {
    Map<String, Integer> ids = new HashMap<>();
    Map<Integer, String> byId = new HashMap<>();
    for (Map.Entry<String, JsonField> entry : vocab.entries()) {
      int id = entry.getValue().integer();
      if (id < 0) {
        throw entry.getValue().wrong("is negative");
      }
      String other = byId.put(id, entry.getKey());
      if (other != null) {
        throw entry.getValue().wrong("has the id " + id + " of “" + other + "”");
      }
      ids.put(entry.getKey(), id);
    }
    return ids;
  }

  /** {@code [["token", score], …]}; of equal tokens the last one counts. */
  private static Map<String, Integer> listed(JsonField vocab) {
    Map<String, Integer> ids = new HashMap<>();
    List<JsonField> items = vocab.items();
    for (int id = 0; id < items.size(); id++) {
      List<JsonField> pair = items.get(id).items();
      if (pair.size() != 2) {
        throw items.get(id).wrong("must be a token and its score");
      }
      ids.put(pair.get(0).text(), id);
    }
    return ids;
  }

  private static int number(Map.Entry<String, JsonField> entry) {
    try {
      return Integer.parseInt(entry.getKey());
    } catch (NumberFormatException e) {
      throw new TokenizerException(entry.getValue().place() + " is named by no id", e);
    }
  }

  /** A token that the model has, too, keeps the model's id. */
  private static AddedToken addedToken(JsonField item, int listedId, Map<String, Integer> ids) {
    String text = item.get("content").text();
    int id = ids.getOrDefault(text, listedId);
    if (id < 0) {
      throw item.wrong("has a negative id");
    }
    boolean special = item.flag("special", false);
    return new AddedToken(
        id,
        text,
        special,
        item.flag("lstrip", false),
        item.flag("rstrip", false),
        item.flag("single_word", false),
        item.flag("normalized", !special));
  }

  List<String> tokens() {
    return tokens;
  }

  boolean[] special() {
    return special;
  }

  List<AddedToken> added() {
    return added;
  }

  Map<String, Integer> modelIds() {
    return modelIds;
  }

  /** The id of a token of the model or an added one, or -1. */
  int find(String token) {
    for (AddedToken one : added) {
      if (one.text().equals(token)) {
        return one.id();
      }
    }
    return modelIds.getOrDefault(token, -1);
  }
}
