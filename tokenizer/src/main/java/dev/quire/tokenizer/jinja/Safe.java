package dev.quire.tokenizer.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Text that a template called safe. What is joined to it gets escaped for HTML, even where nothing
 * else is: so Python's Markup does, and templates are rendered with it. Everything but joining
 * takes it for plain text.
 */
record Safe(String text) {

  /** The value, or the text of a safe one. */
  static @Nullable Object plain(@Nullable Object value) {
    return value instanceof Safe(String text) ? text : value;
  }

  /** The value's text as it is joined to safe text. */
  static String escaped(@Nullable Object value) {
    return value instanceof Safe(String text) ? text : escape(Values.text(value));
  }

  /** A value with all texts in it escaped, for a format that is safe. */
  static @Nullable Object escapedDeeply(@Nullable Object value) {
    return switch (value) {
      case Safe safe -> safe.text();
      case String text -> escape(text);
      case Tuple tuple -> {
        List<@Nullable Object> items = new ArrayList<>();
        tuple.forEach(item -> items.add(escapedDeeply(item)));
        yield Tuple.of(items);
      }
      case Map<?, ?> map -> {
        Map<@Nullable Object, @Nullable Object> entries = new LinkedHashMap<>();
        map.forEach((key, item) -> entries.put(key, escapedDeeply(item)));
        yield entries;
      }
      case null, default -> value;
    };
  }

  /** A value that comes of a safe text: its texts are safe. */
  static @Nullable Object of(@Nullable Object value) {
    return switch (value) {
      case String text -> new Safe(text);
      case List<?> list -> {
        List<@Nullable Object> items = new ArrayList<>();
        list.forEach(item -> items.add(of(item)));
        yield list instanceof Tuple ? Tuple.of(items) : items;
      }
      case null, default -> value;
    };
  }

  static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("'", "&#39;")
        .replace("\"", "&#34;");
  }
}
