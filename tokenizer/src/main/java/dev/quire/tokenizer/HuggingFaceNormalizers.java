package dev.quire.tokenizer;

import dev.quire.tokenizer.normalize.BertNormalizer;
import dev.quire.tokenizer.normalize.CharsMap;
import dev.quire.tokenizer.normalize.NormalForm;
import dev.quire.tokenizer.normalize.Normalizer;
import dev.quire.tokenizer.normalize.TextForms;
import dev.quire.tokenizer.split.BoundedText;
import dev.quire.tokenizer.split.RegexSplitter;
import dev.quire.tokenizer.text.ByteLetters;
import java.text.Normalizer.Form;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/** The {@code normalizer} of a tokenizer.json. */
final class HuggingFaceNormalizers {
  private HuggingFaceNormalizers() {}

  static Normalizer read(@Nullable JsonField field) {
    if (field == null) {
      return Normalizer.NONE;
    }
    String type = field.get("type").text();
    return switch (type) {
      case "Sequence" -> {
        Normalizer all = Normalizer.NONE;
        for (JsonField item : field.get("normalizers").items()) {
          all = all.then(read(item));
        }
        yield all;
      }
      case "NFC" -> new NormalForm(Form.NFC);
      case "NFD" -> new NormalForm(Form.NFD);
      case "NFKC" -> new NormalForm(Form.NFKC);
      case "NFKD" -> new NormalForm(Form.NFKD);
      case "Lowercase" -> TextForms::lowercase;
      case "StripAccents" -> TextForms::withoutAnyMarks;
      case "Nmt" -> TextForms::cleaned;
      case "ByteLevel" -> ByteLetters::spell;
      case "Strip" -> {
        boolean left = field.flag("strip_left", true);
        boolean right = field.flag("strip_right", true);
        yield text -> TextForms.stripped(text, left, right);
      }
      case "Prepend" -> {
        String prefix = field.get("prepend").text();
        yield text -> text.isEmpty() ? text : prefix + text;
      }
      case "Replace" -> replace(field);
      case "Precompiled" -> precompiled(field.get("precompiled_charsmap"));
      case "BertNormalizer" -> {
        boolean lowercase = field.flag("lowercase", true);
        yield new BertNormalizer(
            field.flag("clean_text", true),
            field.flag("handle_chinese_chars", true),
            field.flag("strip_accents", lowercase),
            lowercase);
      }
      default -> throw field.get("type").wrong("is “" + type + "”, a normalizer that Quire lacks");
    };
  }

  static Normalizer replace(JsonField field) {
    String content = field.get("content").text();
    JsonField literal = field.get("pattern").find("String");
    if (literal != null) {
      String searched = literal.text();
      return searched.isEmpty() ? Normalizer.NONE : text -> text.replace(searched, content);
    }
    String replacement = Matcher.quoteReplacement(content);
    Pattern pattern = compile(field, "pattern");
    return text -> {
      try {
        return pattern.matcher(new BoundedText(text)).replaceAll(replacement);
      } catch (StackOverflowError e) {
        throw new TokenizerException(
            "the pattern “" + pattern + "” of the vocabulary is too deep for this text", e);
      }
    };
  }

  private static Pattern compile(JsonField field, String name) {
    try {
      return RegexSplitter.compile(field.pattern(name));
    } catch (PatternSyntaxException e) {
      throw field.get(name).wrong("is no regular expression: " + e.getDescription());
    }
  }

  private static Normalizer precompiled(JsonField map) {
    try {
      return CharsMap.parse(Base64.getDecoder().decode(map.text()), map.place());
    } catch (IllegalArgumentException e) {
      throw new TokenizerException(map.place() + " is no Base64: " + e.getMessage(), e);
    }
  }
}
