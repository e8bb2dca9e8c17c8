package dev.quire.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The filters whose text depends on whether output is escaped for HTML. */
final class MarkupFilters {
  private static final Pattern NOT_IN_NAMES = Pattern.compile("[\\s/>=]");

  private MarkupFilters() {}

  static Object apply(String name, @Nullable Object input, Given given, boolean escapes) {
    return switch (name) {
      case "replace" -> replace(input, given, escapes);
      case "urlize" -> marked(Links.of(given).in(Safe.escaped(input)), escapes);
      default -> marked(attributes(input, given), escapes);
    };
  }

  private static Object marked(String text, boolean safe) {
    return safe ? new Safe(text) : text;
  }

  private static Object replace(@Nullable Object input, Given given, boolean escapes) {
    Object old = given.get("old");
    Object with = given.get("new");
    Object count = given.get("count");
    boolean safe =
        escapes && (input instanceof Safe || old instanceof Safe || with instanceof Safe);
    if (!safe) {
      return StringMethods.replace(Values.text(input), Values.text(old), Values.text(with), count);
    }
    return new Safe(
        StringMethods.replace(Safe.escaped(input), Values.text(old), Safe.escaped(with), count));
  }

  private static String attributes(@Nullable Object value, Given given) {
    if (!(Safe.plain(value) instanceof Map<?, ?> map)) {
      Values.refuseUndefined(value);
      throw new JinjaException("'" + Values.type(value) + "' object has no attribute 'items'");
    }
    List<String> parts = new ArrayList<>();
    map.forEach(
        (name, item) -> {
          if (item != null && !(item instanceof Undefined)) {
            if (NOT_IN_NAMES.matcher(Values.text(name)).find()) {
              throw new JinjaException(
                  "Invalid character in attribute name: " + Printer.represent(name));
            }
            parts.add(Safe.escaped(name) + "=\"" + Safe.escaped(item) + "\"");
          }
        });
    String all = String.join(" ", parts);
    return !all.isEmpty() && Values.truth(given.get("autospace", true)) ? " " + all : all;
  }
}
