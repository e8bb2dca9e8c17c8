package dev.quire.tokenizer.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** JSON as Python's {@code json.dumps(…, ensure_ascii=False)} writes it. */
final class Json {
  private final StringBuilder out = new StringBuilder();
  private final @Nullable String indent;
  private final String itemSeparator;
  private final String keySeparator;
  private final boolean sortKeys;
  private final boolean ascii;

  private Json(Given given) {
    Object width = given.get("indent");
    indent =
        width == null
            ? null
            : width instanceof String text
                ? text
                : " ".repeat(Math.clamp(Values.index(width), 0, 100));
    Object separators = given.get("separators");
    List<?> pair =
        separators == null ? List.of(indent == null ? ", " : ",", ": ") : Values.items(separators);
    if (pair.size() != 2) {
      throw new JinjaException("separators must be two; they are " + pair.size());
    }
    itemSeparator = Values.text(pair.get(0));
    keySeparator = Values.text(pair.get(1));
    sortKeys = given.flag("sort_keys");
    ascii = given.flag("ensure_ascii");
  }

  /** The JSON of a value, as transformers replaces Jinja's own: no escapes for HTML. */
  static String write(@Nullable Object value, Given given) {
    Json json = new Json(given);
    json.value(value, 0);
    return json.out.toString();
  }

  private void value(@Nullable Object value, int depth) {
    if (depth > 100 || out.length() > Budget.SIZE) {
      throw new JinjaException("a value is nested too deeply or too large for JSON");
    }
    switch (value) {
      case null -> out.append("null");
      case Boolean b -> out.append(b.booleanValue());
      case Long l -> out.append(l.longValue());
      case BigInteger big -> out.append(big);
      case Double d -> out.append(number(d));
      case String s -> string(s);
      case Safe safe -> string(safe.text());
      case List<?> list when !(list instanceof Range) -> {
        out.append('[');
        boolean first = true;
        for (Object item : list) {
          separate(first, depth + 1);
          value(item, depth + 1);
          first = false;
        }
        close(first, depth, ']');
      }
      case Map<?, ?> map -> {
        out.append('{');
        boolean first = true;
        List<? extends Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
        if (sortKeys) {
          entries =
              entries.stream()
                  .sorted((a, b) -> Values.compare(a.getKey(), b.getKey(), "<"))
                  .toList();
        }
        for (Map.Entry<?, ?> entry : entries) {
          separate(first, depth + 1);
          key(entry.getKey());
          out.append(keySeparator);
          value(entry.getValue(), depth + 1);
          first = false;
        }
        close(first, depth, '}');
      }
      default ->
          throw new JinjaException(
              "Object of type " + Values.type(value) + " is not JSON serializable");
    }
  }

  private static String number(double value) {
    return Double.isNaN(value)
        ? "NaN"
        : Double.isInfinite(value) ? (value > 0 ? "Infinity" : "-Infinity") : Printer.real(value);
  }

  private void key(@Nullable Object key) {
    if (key instanceof String text) {
      string(text);
    } else {
      out.append('"');
      value(key, 0);
      out.append('"');
    }
  }

  private void separate(boolean first, int depth) {
    if (!first) {
      out.append(itemSeparator);
    }
    newLine(depth);
  }

  private void close(boolean empty, int depth, char bracket) {
    if (!empty) {
      newLine(depth);
    }
    out.append(bracket);
  }

  private void newLine(int depth) {
    if (indent != null) {
      out.append('\n').repeat(indent, depth);
    }
  }

  private void string(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (c < 0x20 || ascii && c > 0x7E) {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
