package dev.quire.tokenizer.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** JSON as Python's {@code json.dumps(…, ensure_ascii=False)} writes it. */
final class Json {
  private final StringBuilder out = new StringBuilder();
  private final int indent;
  private final String itemSeparator;
  private final String keySeparator;
  private final boolean sortKeys;

  private Json(int indent, String itemSeparator, String keySeparator, boolean sortKeys) {
    this.indent = indent;
    this.itemSeparator = itemSeparator;
    this.keySeparator = keySeparator;
    this.sortKeys = sortKeys;
  }

  /**
   * @param indent spaces a level; negative for one line
   * @param separators between items and after keys; null for Python's default
   */
  static String write(
      @Nullable Object value, int indent, @Nullable List<?> separators, boolean sortKeys) {
    String item = separators != null ? Values.text(separators.get(0)) : indent < 0 ? ", " : ",";
    String key = separators != null ? Values.text(separators.get(1)) : ": ";
    Json json = new Json(indent, item, key, sortKeys);
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
      case Double d -> out.append(number(d));
      case String s -> string(s);
      case List<?> list -> {
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
        List<? extends Map.Entry<?, ?>> entries = List.copyOf(map.entrySet());
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
        : Double.isInfinite(value) ? (value > 0 ? "Infinity" : "-Infinity") : Values.text(value);
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
    if (indent >= 0) {
      out.append('\n').repeat(' ', indent * depth);
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
          if (c < 0x20) {
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
