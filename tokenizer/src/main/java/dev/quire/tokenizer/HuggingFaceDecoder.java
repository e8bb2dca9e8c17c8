package dev.quire.tokenizer;

import dev.quire.tokenizer.Vocabulary.Edges;
import dev.quire.tokenizer.normalize.Normalizer;
import dev.quire.tokenizer.split.MetaspaceSplitter.Prefix;
import dev.quire.tokenizer.text.ByteLetters;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The {@code decoder} of a tokenizer.json, boiled down to what a streaming decoder needs: the bytes
 * of each token inside a text and at its start, and what is dropped at the edges of a whole text.
 */
final class HuggingFaceDecoder {

  /** What one step makes of a token's text; {@code first} tells whether it starts the text. */
  private interface Step {
    String apply(String token, boolean first);
  }

  private final List<Step> steps = new ArrayList<>();
  private boolean byteLevel;
  private boolean byteFallback;
  private boolean fused;
  private int leadingSpaces;
  private boolean dropTrailingSpace;

  private HuggingFaceDecoder() {}

  static HuggingFaceDecoder read(@Nullable JsonField field) {
    HuggingFaceDecoder decoder = new HuggingFaceDecoder();
    if (field == null) {
      decoder.steps.add((token, first) -> first ? token : " " + token);
    } else {
      decoder.add(field);
    }
    return decoder;
  }

  private void add(JsonField field) {
    String type = field.get("type").text();
    if (byteLevel && !type.equals("Fuse")) {
      throw field.wrong("comes after ByteLevel, an order that Quire lacks");
    }
    switch (type) {
      case "Sequence" -> field.get("decoders").items().forEach(this::add);
      case "ByteLevel" -> byteLevel = true;
      case "ByteFallback" -> {
        if (fused) {
          throw field.wrong("comes after Fuse, an order that Quire lacks");
        }
        byteFallback = true;
      }
      case "Fuse" -> fused = true;
      case "Metaspace" -> metaspace(field);
      case "WordPiece" -> wordPiece(field);
      case "BPEDecoder" -> {
        String suffix = field.text("suffix", "</w>");
        steps.add((token, _) -> suffix.isEmpty() ? token : token.replace(suffix, " "));
        dropTrailingSpace = true;
      }
      case "Replace" -> replace(field);
      case "Strip" -> strip(field);
      default -> throw field.get("type").wrong("is “" + type + "”, a decoder that Quire lacks");
    }
  }

  private void metaspace(JsonField field) {
    String mark = field.text("replacement", "▁");
    boolean dropsFirst = HuggingFacePreTokenizers.prefix(field) != Prefix.NEVER;
    steps.add((token, first) -> token.replace(mark, first && dropsFirst ? "" : " "));
  }

  private void wordPiece(JsonField field) {
    String prefix = field.text("prefix", "##");
    boolean cleanup = field.flag("cleanup", true);
    steps.add(
        (token, first) -> {
          String text =
              first
                  ? token
                  : token.startsWith(prefix) ? token.substring(prefix.length()) : " " + token;
          return cleanup ? cleanedUp(text) : text;
        });
  }

  /** The spaces before English punctuation and contractions go. */
  private static String cleanedUp(String text) {
    return text.replace(" .", ".")
        .replace(" ?", "?")
        .replace(" !", "!")
        .replace(" ,", ",")
        .replace(" ' ", "'")
        .replace(" n't", "n't")
        .replace(" 'm", "'m")
        .replace(" do not", " don't")
        .replace(" 's", "'s")
        .replace(" 've", "'ve")
        .replace(" 're", "'re");
  }

  private void replace(JsonField field) {
    JsonField literal = field.get("pattern").find("String");
    boolean oneCharacter =
        literal != null && literal.text().codePointCount(0, literal.text().length()) == 1;
    if (fused && !oneCharacter) {
      throw field.wrong("replaces across tokens, which a streaming decoder cannot");
    }
    Normalizer replaced = HuggingFaceNormalizers.replace(field);
    steps.add((token, _) -> replaced.normalize(token));
  }

  private void strip(JsonField field) {
    String content = field.get("content").text();
    int start = field.integer("start", 0);
    int stop = field.integer("stop", 0);
    if (start < 0 || stop < 0 || content.codePointCount(0, content.length()) != 1) {
      throw field.wrong("must strip one character, start and stop at least 0");
    }
    if (!fused) {
      steps.add((token, _) -> stripped(token, content, start, stop));
    } else if (content.equals(" ") && stop <= 1) {
      leadingSpaces = start;
      dropTrailingSpace = stop == 1;
    } else {
      throw field.wrong("strips a whole text of other than spaces, which Quire lacks");
    }
  }

  private static String stripped(String token, String content, int start, int stop) {
    int from = 0;
    int to = token.length();
    for (int n = 0; n < start && token.startsWith(content, from); n++) {
      from += content.length();
    }
    for (int n = 0; n < stop && to - content.length() >= from; n++) {
      if (!token.startsWith(content, to - content.length())) {
        break;
      }
      to -= content.length();
    }
    return token.substring(from, to);
  }

  Edges edges() {
    return new Edges(leadingSpaces, dropTrailingSpace);
  }

  /** Whether the token is the name of a byte, like {@code <0x0A>}. */
  boolean isByte(String token) {
    return byteFallback && GgufVocabulary.byteValue(token) >= 0;
  }

  byte[] bytes(String token, boolean first) {
    if (isByte(token)) {
      return new byte[] {(byte) GgufVocabulary.byteValue(token)};
    }
    String text = token;
    for (Step step : steps) {
      text = step.apply(text, first);
    }
    byte[] spelled = byteLevel ? ByteLetters.bytes(text) : null;
    return spelled != null ? spelled : text.getBytes(StandardCharsets.UTF_8);
  }
}
