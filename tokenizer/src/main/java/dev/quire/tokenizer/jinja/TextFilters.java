package dev.quire.tokenizer.jinja;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The filters that make text of values, and change text. */
final class TextFilters {
  private static final Pattern WORD = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern WORD_START =
      Pattern.compile("[-\\s({\\[<]+", Pattern.UNICODE_CHARACTER_CLASS);

  private TextFilters() {}

  static @Nullable Object apply(String name, @Nullable Object input, Given given) {
    String text = Values.text(input);
    Object result =
        switch (name) {
          case "safe" -> new Safe(text);
          case "escape", "e" -> new Safe(Safe.escaped(input));
          case "forceescape" -> new Safe(Safe.escape(text));
          case "string" -> text;
          case "upper" -> text.toUpperCase(Locale.ROOT);
          case "lower" -> text.toLowerCase(Locale.ROOT);
          case "capitalize" -> StringMethods.capitalize(text);
          case "trim" -> trim(text, Safe.plain(given.get("chars")));
          case "center" -> StringMethods.center(text, given.count("width", 80), ' ');
          case "indent" -> indent(indentable(input), given);
          default -> null;
        };
    if (result != null) {
      return input instanceof Safe ? Safe.of(result) : result;
    }
    return switch (name) {
      case "title" -> title(text);
      case "wordcount" -> WORD.matcher(text).results().count();
      case "striptags" -> withoutTags(text);
      case "truncate" -> truncate(input, given);
      case "wordwrap" -> wrap(input, given);
      case "urlencode" -> urlEncoded(Safe.plain(input));
      case "pprint" -> PrettyPrinter.format(input);
      default -> throw new JinjaException("No filter named '" + name + "'.");
    };
  }

  private static String trim(String text, @Nullable Object characters) {
    if (characters != null && !(characters instanceof String)) {
      throw new JinjaException("strip arg must be None or str");
    }
    return StringMethods.strip(text, characters, true, true);
  }

  /** A capital after each blank, hyphen or opening bracket: not what the method of strings does. */
  private static String title(String text) {
    StringBuilder out = new StringBuilder();
    int start = 0;
    var matcher = WORD_START.matcher(text);
    while (matcher.find()) {
      out.append(word(text.substring(start, matcher.start()))).append(matcher.group());
      start = matcher.end();
    }
    return out.append(word(text.substring(start))).toString();
  }

  private static String word(String word) {
    if (word.isEmpty()) {
      return word;
    }
    int first = word.offsetByCodePoints(0, 1);
    return word.substring(0, first).toUpperCase(Locale.ROOT)
        + word.substring(first).toLowerCase(Locale.ROOT);
  }

  private static String indentable(@Nullable Object value) {
    Values.refuseUndefined(value);
    if (Safe.plain(value) instanceof String text) {
      return text;
    }
    throw new JinjaException(
        value instanceof List
            ? "'" + Values.type(value) + "' object has no attribute 'splitlines'"
            : "unsupported operand type(s) for +=: '" + Values.type(value) + "' and 'str'");
  }

  private static String indent(String text, Given given) {
    Object width = given.get("width", 4L);
    String by = width instanceof String string ? string : " ".repeat(given.count("width", 4));
    boolean blank = given.flag("blank");
    List<@Nullable Object> lines = StringSplits.lines(text + "\n", false);
    StringBuilder out = new StringBuilder(given.flag("first") ? by : "");
    for (int i = 0; i < lines.size(); i++) {
      String line = Values.text(lines.get(i));
      out.append(i == 0 ? "" : "\n");
      out.append(i > 0 && (blank || !line.isEmpty()) ? by : "").append(line);
      if (out.length() > Budget.SIZE) {
        throw new JinjaException("a text is too large");
      }
    }
    return out.toString();
  }

  private static String withoutTags(String text) {
    String bare = text.replaceAll("(?s)<!--.*?-->", "").replaceAll("(?s)<.*?>", "");
    List<String> words = new ArrayList<>();
    StringSplits.split(bare, null, null, false).forEach(word -> words.add(Values.text(word)));
    return String.join(" ", words)
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#34;", "\"")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
  }

  private static @Nullable Object truncate(@Nullable Object value, Given given) {
    int length = given.count("length", 255);
    String end = Values.text(given.get("end", "..."));
    int leeway = given.get("leeway") == null ? 5 : given.count("leeway", 5);
    if (length < end.length()) {
      throw new JinjaException("expected length >= " + end.length() + ", got " + length);
    }
    if (Values.length(value) <= length + leeway) {
      return value;
    }
    String text = Values.text(value);
    String cut = FormatSpec.cut(text, length - end.length());
    if (given.flag("killwords")) {
      return cut + end;
    }
    int blank = cut.lastIndexOf(' ');
    return (blank < 0 ? cut : cut.substring(0, blank)) + end;
  }

  private static String wrap(@Nullable Object value, Given given) {
    if (!(Safe.plain(value) instanceof String text)) {
      Values.refuseUndefined(value);
      throw new JinjaException("'" + Values.type(value) + "' object has no attribute 'splitlines'");
    }
    int width = Math.max(1, given.count("width", 79));
    boolean breakLong = Values.truth(given.get("break_long_words", true));
    boolean hyphens = Values.truth(given.get("break_on_hyphens", true));
    Object newLine = given.get("wrapstring");
    String join = newLine == null ? "\n" : Values.text(newLine);
    List<String> lines = new ArrayList<>();
    for (Object line : StringSplits.lines(text, false)) {
      lines.add(String.join(join, wrapped(Values.text(line), width, breakLong, hyphens)));
    }
    return String.join(join, lines);
  }

  private static List<String> wrapped(String line, int width, boolean breakLong, boolean hyphens) {
    List<String> lines = new ArrayList<>();
    StringBuilder current = new StringBuilder();
    String unit =
        hyphens
            ? "(?<=\\s)(?=\\S)|(?<=\\S)(?=\\s)|(?<=\\w-)(?=\\w)"
            : "(?<=\\s)(?=\\S)|(?<=\\S)(?=\\s)";
    for (String piece : line.split(unit, -1)) {
      String rest = piece;
      if (current.length() + rest.length() > width && !current.isEmpty()) {
        if (breakLong && rest.length() > width) {
          int room = width - current.length();
          current.append(rest, 0, Math.max(0, room));
          rest = rest.substring(Math.max(0, room));
        }
        lines.add(current.toString().stripTrailing());
        current.setLength(0);
      }
      if (current.isEmpty() && rest.isBlank() && !lines.isEmpty()) {
        continue;
      }
      while (breakLong && rest.length() > width) {
        lines.add(rest.substring(0, width));
        rest = rest.substring(width);
      }
      current.append(rest);
    }
    if (!current.toString().isBlank()) {
      lines.add(current.toString().stripTrailing());
    }
    return lines;
  }

  private static String urlEncoded(@Nullable Object value) {
    if (value instanceof String || !(value instanceof Map || value instanceof List)) {
      return quoted(Values.text(value), false);
    }
    List<@Nullable Object> pairs =
        value instanceof Map<?, ?> map ? ContainerMethods.pairs(map) : Values.items(value);
    List<String> parts = new ArrayList<>();
    for (Object pair : pairs) {
      List<@Nullable Object> two = Values.items(pair);
      if (two.size() != 2) {
        throw new JinjaException(
            "not enough values to unpack (expected 2, got " + two.size() + ")");
      }
      parts.add(
          quoted(Values.text(two.get(0)), true) + "=" + quoted(Values.text(two.get(1)), true));
    }
    return String.join("&", parts);
  }

  private static String quoted(String text, boolean inQuery) {
    String encoded =
        URLEncoder.encode(text, StandardCharsets.UTF_8).replace("*", "%2A").replace("%7E", "~");
    return inQuery ? encoded : encoded.replace("+", "%20").replace("%2F", "/");
  }
}
