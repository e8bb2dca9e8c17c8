package dev.quire.tokenizer.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Python's {@code format % values}. */
final class PercentFormat {
  private final String format;
  private final @Nullable Object values;
  private final StringBuilder out = new StringBuilder();
  private int at;
  private int next;
  private boolean byName;

  private PercentFormat(String format, @Nullable Object values) {
    this.format = format;
    this.values = values;
  }

  /**
   * @param values a tuple of the values, a dictionary for those that the format names, or one value
   */
  static String format(String format, @Nullable Object values) {
    return new PercentFormat(format, values).run();
  }

  private String run() {
    while (at < format.length()) {
      char c = format.charAt(at++);
      if (c != '%') {
        out.append(c);
      } else {
        conversion();
      }
      if (out.length() > Budget.SIZE) {
        throw new JinjaException("a text is too large");
      }
    }
    boolean items = values instanceof Map || values instanceof List && !(values instanceof Tuple);
    if (!byName && !items && next < count()) {
      throw new JinjaException("not all arguments converted during string formatting");
    }
    return out.toString();
  }

  private int count() {
    return values instanceof Tuple tuple ? tuple.size() : 1;
  }

  private void conversion() {
    String name = null;
    if (peek() == '(') {
      int close = format.indexOf(')', at);
      if (close < 0) {
        throw new JinjaException("incomplete format key");
      }
      name = format.substring(at + 1, close);
      at = close + 1;
    }
    String flags = "";
    while ("-+ #0".indexOf(peek()) >= 0 && peek() != 0) {
      flags += format.charAt(at++);
    }
    int width = number(-1);
    int precision = -1;
    if (peek() == '.') {
      at++;
      precision = number(0);
    }
    while (peek() != 0 && "hlL".indexOf(peek()) >= 0) {
      at++;
    }
    if (at == format.length()) {
      throw new JinjaException("incomplete format");
    }
    char type = format.charAt(at++);
    if (type == '%') {
      out.append('%');
      return;
    }
    out.append(convert(flags, width, precision, type, value(name)));
  }

  private char peek() {
    return at < format.length() ? format.charAt(at) : 0;
  }

  /** Digits, or {@code *} for the next value. */
  private int number(int fallback) {
    if (peek() == '*') {
      at++;
      return Math.clamp(Values.index(value(null)), 0, FormatSpec.WIDEST);
    }
    int start = at;
    while (peek() >= '0' && peek() <= '9') {
      at++;
    }
    return start == at ? fallback : FormatSpec.width(format.substring(start, at));
  }

  private @Nullable Object value(@Nullable String name) {
    if (name != null) {
      byName = true;
      if (!(values instanceof Map<?, ?> map)) {
        throw new JinjaException("format requires a mapping");
      }
      if (!map.containsKey(name)) {
        throw new JinjaException(Printer.represent(name));
      }
      return map.get(name);
    }
    if (next >= count()) {
      throw new JinjaException("not enough arguments for format string");
    }
    int place = next++;
    return values instanceof Tuple tuple ? tuple.get(place) : values;
  }

  private String convert(
      String flags, int width, int precision, char type, @Nullable Object value) {
    boolean left = flags.indexOf('-') >= 0;
    char align = left ? '<' : flags.indexOf('0') >= 0 ? '=' : '>';
    char sign = flags.indexOf('+') >= 0 ? '+' : flags.indexOf(' ') >= 0 ? ' ' : '-';
    char fill = flags.indexOf('0') >= 0 && !left ? '0' : ' ';
    boolean alternate = flags.indexOf('#') >= 0;
    return switch (type) {
      case 's', 'r', 'a' -> {
        String text = type == 's' ? Values.text(value) : Printer.represent(value);
        yield padded(precision < 0 ? text : FormatSpec.cut(text, precision), left, width);
      }
      case 'c' -> {
        String text = value instanceof String s ? s : Character.toString((int) Values.index(value));
        yield padded(text, left, width);
      }
      case 'd', 'i', 'u', 'x', 'X', 'o' -> {
        refuseText(type, value, type == 'd' || type == 'i' || type == 'u');
        yield new FormatSpec(
                fill,
                align,
                sign,
                alternate,
                width,
                (char) 0,
                -1,
                type == 'i' || type == 'u' ? 'd' : type)
            .whole(Values.whole(value));
      }
      case 'e', 'E', 'f', 'F', 'g', 'G' -> {
        if (!Values.isNumber(value)) {
          throw new JinjaException("must be real number, not " + Values.type(value));
        }
        yield new FormatSpec(fill, align, sign, alternate, width, (char) 0, precision, type)
            .real(Values.number(value));
      }
      default ->
          throw new JinjaException(
              "unsupported format character '%c' (0x%x) at index %d"
                  .formatted(type, (int) type, at - 1));
    };
  }

  private static void refuseText(char type, @Nullable Object value, boolean real) {
    if (!(real ? Values.isNumber(value) : Values.isWhole(value))) {
      throw new JinjaException(
          "%%%c format: %s is required, not %s"
              .formatted(type, real ? "a real number" : "an integer", Values.type(value)));
    }
  }

  private static String padded(String text, boolean left, int width) {
    return FormatSpec.pad(text, left ? '<' : '>', ' ', width);
  }

  /** The values of the filter {@code format}: a tuple, or a dictionary where names are given. */
  static @Nullable Object values(
      List<@Nullable Object> positional, Map<String, @Nullable Object> named) {
    if (!positional.isEmpty() && !named.isEmpty()) {
      throw new JinjaException("can't handle positional and keyword arguments at the same time");
    }
    return named.isEmpty() ? Tuple.of(positional) : named;
  }
}
