package dev.quire.tokenizer;

import dev.quire.tokenizer.split.BertSplitter;
import dev.quire.tokenizer.split.MetaspaceSplitter;
import dev.quire.tokenizer.split.MetaspaceSplitter.Prefix;
import dev.quire.tokenizer.split.PatternSplitter;
import dev.quire.tokenizer.split.PreTokenizers;
import dev.quire.tokenizer.split.RegexSplitter;
import dev.quire.tokenizer.split.RegexSplitter.Behavior;
import dev.quire.tokenizer.split.Splitter;
import dev.quire.tokenizer.split.SplitterChain;
import dev.quire.tokenizer.text.ByteLetters;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * The {@code pre_tokenizer} of a tokenizer.json.
 *
 * @param splitter what cuts the text
 * @param byteLevel whether the pieces stand for their bytes. Where the step that spells bytes as
 *     letters comes last, it is left out and the model works on the bytes themselves; elsewhere
 *     later steps must see the letters
 */
record HuggingFacePreTokenizers(Splitter splitter, boolean byteLevel) {

  /** Words, and what is neither word nor blank; this one is none of Oniguruma's patterns. */
  private static final String WORDS_AND_OTHERS =
      "[W]+|[^W\\s]+".replace("W", "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{200C}\\x{200D}");

  static HuggingFacePreTokenizers read(@Nullable JsonField field) {
    List<JsonField> steps = new ArrayList<>();
    if (field != null) {
      flatten(field, steps);
    }
    boolean byteLevel = !steps.isEmpty() && type(steps.getLast()).equals("ByteLevel");
    List<Splitter> splitters = new ArrayList<>();
    for (int i = 0; i < steps.size(); i++) {
      splitters.add(step(steps.get(i), i == steps.size() - 1));
    }
    return new HuggingFacePreTokenizers(SplitterChain.of(splitters), byteLevel);
  }

  private static String type(JsonField field) {
    return field.get("type").text();
  }

  private static void flatten(JsonField field, List<JsonField> steps) {
    if (type(field).equals("Sequence")) {
      field.get("pretokenizers").items().forEach(item -> flatten(item, steps));
    } else {
      steps.add(field);
    }
  }

  private static Splitter step(JsonField field, boolean last) {
    return switch (type(field)) {
      case "ByteLevel" -> byteLevel(field, !last);
      case "Split" -> split(field);
      case "Metaspace" -> metaspace(field);
      case "BertPreTokenizer" -> new BertSplitter();
      case "Whitespace" -> new RegexSplitter(WORDS_AND_OTHERS, Behavior.REMOVED, true);
      case "WhitespaceSplit" -> new RegexSplitter("\\s+", Behavior.REMOVED, false);
      case "Digits" ->
          new RegexSplitter(
              "\\p{N}",
              field.flag("individual_digits", false) ? Behavior.ISOLATED : Behavior.CONTIGUOUS,
              false);
      case "Punctuation" ->
          new RegexSplitter("[\\p{P}$+<=>^`|~]", behavior(field, "Isolated"), false);
      case "CharDelimiterSplit" ->
          new RegexSplitter(
              JsonField.quoted(field.get("delimiter").text()), Behavior.REMOVED, false);
      case "FixedLength" -> fixedLength(field);
      default ->
          throw field
              .get("type")
              .wrong("is “" + type(field) + "”, a pre-tokenizer that Quire lacks");
    };
  }

  private static Splitter byteLevel(JsonField field, boolean spell) {
    boolean prefix = field.flag("add_prefix_space", true);
    Splitter cut = field.flag("use_regex", true) ? PatternSplitter.gpt2() : Splitter.whole();
    Splitter prefixed =
        !prefix
            ? cut
            : (text, start, end, atStart, sink) -> {
              if (start < end && text.charAt(start) != ' ') {
                String spaced = " " + text.substring(start, end);
                cut.split(spaced, 0, spaced.length(), atStart, sink);
              } else {
                cut.split(text, start, end, atStart, sink);
              }
            };
    if (!spell) {
      return prefixed;
    }
    return (text, start, end, atStart, sink) ->
        prefixed.split(
            text,
            start,
            end,
            atStart,
            (piece, from, to, first) -> {
              String letters = ByteLetters.spell(piece.substring(from, to));
              sink.accept(letters, 0, letters.length(), first);
            });
  }

  private static Splitter split(JsonField field) {
    Behavior behavior = behavior(field, "");
    boolean invert = field.flag("invert", false);
    String pattern = field.pattern("pattern");
    try {
      return behavior == Behavior.ISOLATED && !invert
          ? PreTokenizers.ofPattern(pattern)
          : new RegexSplitter(pattern, behavior, invert);
    } catch (PatternSyntaxException e) {
      throw field.get("pattern").wrong("is no regular expression: " + e.getDescription());
    }
  }

  private static Behavior behavior(JsonField field, String fallback) {
    String name = field.text("behavior", fallback);
    return switch (name) {
      case "Removed" -> Behavior.REMOVED;
      case "Isolated" -> Behavior.ISOLATED;
      case "MergedWithPrevious" -> Behavior.MERGED_WITH_PREVIOUS;
      case "MergedWithNext" -> Behavior.MERGED_WITH_NEXT;
      case "Contiguous" -> Behavior.CONTIGUOUS;
      default -> throw field.get("behavior").wrong("is “" + name + "”, which Quire lacks");
    };
  }

  private static Splitter metaspace(JsonField field) {
    String mark = field.text("replacement", "▁");
    if (mark.isEmpty()) {
      throw field.get("replacement").wrong("is empty");
    }
    return new MetaspaceSplitter(mark, prefix(field), field.flag("split", true));
  }

  /** Where a Metaspace step, or its decoder, puts a mark; older files have a flag instead. */
  static Prefix prefix(JsonField field) {
    String scheme =
        field.text("prepend_scheme", field.flag("add_prefix_space", true) ? "always" : "never");
    return switch (scheme) {
      case "always" -> Prefix.ALWAYS;
      case "first" -> Prefix.FIRST;
      case "never" -> Prefix.NEVER;
      default -> throw field.get("prepend_scheme").wrong("is “" + scheme + "”");
    };
  }

  private static Splitter fixedLength(JsonField field) {
    int length = field.get("length").integer();
    if (length < 1) {
      throw field.get("length").wrong("must be at least 1");
    }
    return new RegexSplitter("(?s:.{1," + length + "})", Behavior.ISOLATED, false);
  }
}
