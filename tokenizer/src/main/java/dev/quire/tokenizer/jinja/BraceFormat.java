package dev.quire.tokenizer.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Python's {@code format.format(…)}: fields in braces, with attributes, items and specs. */
final class BraceFormat {
  private final Interpreter interpreter;
  private final List<@Nullable Object> arguments;
  private final Map<String, @Nullable Object> named;
  private int next;

  BraceFormat(
      Interpreter interpreter,
      List<@Nullable Object> arguments,
      Map<String, @Nullable Object> named) {
    this.interpreter = interpreter;
    this.arguments = arguments;
    this.named = named;
  }

  String format(String text) {
    return format(text, 3);
  }

  private String format(String text, int depth) {
    if (depth == 0) {
      throw new JinjaException("Max string recursion exceeded");
    }
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean twice = i + 1 < text.length() && text.charAt(i + 1) == c;
      if ((c == '{' || c == '}') && twice) {
        out.append(c);
        i++;
      } else if (c == '}') {
        throw new JinjaException("Single '}' encountered in format string");
      } else if (c == '{') {
        int close = closing(text, i);
        out.append(field(text.substring(i + 1, close), depth));
        i = close;
      } else {
        out.append(c);
      }
      if (out.length() > Budget.SIZE) {
        throw new JinjaException("a text is too large");
      }
    }
    return out.toString();
  }

  private static int closing(String text, int open) {
    int depth = 0;
    for (int i = open; i < text.length(); i++) {
      depth += text.charAt(i) == '{' ? 1 : text.charAt(i) == '}' ? -1 : 0;
      if (depth == 0) {
        return i;
      }
    }
    throw new JinjaException(
        open + 1 == text.length()
            ? "Single '{' encountered in format string"
            : "expected '}' before end of string");
  }

  private String field(String field, int depth) {
    int bracket = field.indexOf('[');
    int colon = field.indexOf(':', bracket < 0 ? 0 : Math.max(0, field.indexOf(']', bracket)));
    String spec = colon < 0 ? "" : field.substring(colon + 1);
    String name = colon < 0 ? field : field.substring(0, colon);
    char conversion = 0;
    int mark = name.indexOf('!');
    if (mark >= 0) {
      if (mark + 2 != name.length() || "rsa".indexOf(name.charAt(mark + 1)) < 0) {
        throw new JinjaException("expected ':' after conversion specifier");
      }
      conversion = name.charAt(mark + 1);
      name = name.substring(0, mark);
    }
    Object value = value(name);
    if (conversion != 0) {
      value = conversion == 's' ? Values.text(value) : Printer.represent(value);
    }
    return FormatSpec.parse(format(spec, depth - 1)).format(Safe.plain(value));
  }

  private @Nullable Object value(String path) {
    int end = 0;
    while (end < path.length() && path.charAt(end) != '.' && path.charAt(end) != '[') {
      end++;
    }
    Object value = start(path.substring(0, end));
    while (end < path.length()) {
      if (path.charAt(end) == '.') {
        int from = ++end;
        while (end < path.length() && path.charAt(end) != '.' && path.charAt(end) != '[') {
          end++;
        }
        value = interpreter.attribute(value, path.substring(from, end));
      } else {
        int close = path.indexOf(']', end);
        if (close < 0) {
          throw new JinjaException("Missing ']' in format string");
        }
        String key = path.substring(end + 1, close);
        value = interpreter.item(value, isNumber(key) ? (Object) Long.valueOf(key) : key);
        end = close + 1;
      }
      Values.refuseUndefined(value);
    }
    return value;
  }

  private @Nullable Object start(String name) {
    if (name.isEmpty() || isNumber(name)) {
      int place = name.isEmpty() ? next++ : Integer.parseInt(name);
      if (place >= arguments.size()) {
        throw new JinjaException(
            "Replacement index " + place + " out of range for positional args tuple");
      }
      return arguments.get(place);
    }
    if (!named.containsKey(name)) {
      throw new JinjaException(Printer.represent(name));
    }
    return named.get(name);
  }

  private static boolean isNumber(String text) {
    return !text.isEmpty() && text.length() < 8 && text.chars().allMatch(c -> c >= '0' && c <= '9');
  }
}
