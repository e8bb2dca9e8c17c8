package dev.quire.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The ids that the {@code post_processor} of a tokenizer.json puts around a text. */
record HuggingFaceFrame(List<Integer> prefix, List<Integer> suffix) {

  static HuggingFaceFrame read(@Nullable JsonField field) {
    List<Integer> prefix = new ArrayList<>();
    List<Integer> suffix = new ArrayList<>();
    if (field != null) {
      add(field, prefix, suffix);
    }
    Collections.reverse(prefix);
    return new HuggingFaceFrame(prefix, suffix);
  }

  /** Grows the frame from the inside out: the prefix is held in reverse. */
  private static void add(JsonField field, List<Integer> prefix, List<Integer> suffix) {
    String type = field.get("type").text();
    switch (type) {
      case "Sequence" -> field.get("processors").items().forEach(item -> add(item, prefix, suffix));
      case "ByteLevel" -> {}
      case "BertProcessing", "RobertaProcessing" -> {
        prefix.add(second(field.get("cls")));
        suffix.add(second(field.get("sep")));
      }
      case "TemplateProcessing" -> template(field, prefix, suffix);
      default ->
          throw field.get("type").wrong("is “" + type + "”, a post-processor that Quire lacks");
    }
  }

  private static int second(JsonField pair) {
    List<JsonField> items = pair.items();
    if (items.size() != 2) {
      throw pair.wrong("must be a token and its id");
    }
    return items.get(1).integer();
  }

  private static void template(JsonField field, List<Integer> prefix, List<Integer> suffix) {
    JsonField single = field.get("single");
    List<Integer> before = new ArrayList<>();
    boolean afterText = false;
    for (JsonField item : single.items()) {
      JsonField token = item.find("SpecialToken");
      if (token == null) {
        item.get("Sequence");
        if (afterText) {
          throw single.wrong("holds the text twice");
        }
        afterText = true;
        continue;
      }
      String name = token.get("id").text();
      for (JsonField id : field.get("special_tokens").get(name).get("ids").items()) {
        (afterText ? suffix : before).add(id.integer());
      }
    }
    if (!afterText) {
      throw single.wrong("has no place for the text");
    }
    Collections.reverse(before);
    prefix.addAll(before);
  }

  /**
   * @throws TokenizerException for an id outside a vocabulary of {@code size} tokens
   */
  void check(int size, JsonField field) {
    for (List<Integer> ids : Arrays.asList(prefix, suffix)) {
      for (int id : ids) {
        if (id < 0 || id >= size) {
          throw field.wrong("adds token " + id + "; the vocabulary has " + size + " tokens");
        }
      }
    }
  }
}
