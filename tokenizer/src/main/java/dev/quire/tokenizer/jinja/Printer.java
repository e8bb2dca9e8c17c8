package dev.quire.tokenizer.jinja;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Python's {@code repr}: values as they print inside a list. */
final class Printer {
  private final StringBuilder out = new StringBuilder();
  private final int most;

  private Printer(int most) {
    this.most = most;
  }

  static String represent(@Nullable Object value) {
    Printer printer = new Printer(Integer.MAX_VALUE);
    printer.print(value, 0);
    return printer.out.toString();
  }

  /**
   * What {@link #represent} gives, or null where that has more than {@code most} characters; looks
   * no further then.
   */
  static @Nullable String within(@Nullable Object value, int most) {
    Printer printer = new Printer(most);
    printer.print(value, 0);
    StringBuilder out = printer.out;
    return out.codePointCount(0, out.length()) > most ? null : out.toString();
  }

  /** Whether so much is printed that the rest isn't wanted. */
  private boolean full() {
    return most < Integer.MAX_VALUE && out.length() > 2L * most;
  }

  private void print(@Nullable Object value, int depth) {
    if (full()) {
      return;
    }
    if (depth > 100 || out.length() > Budget.SIZE) {
      throw new JinjaException("a value is nested too deeply or too large to print");
    }
    switch (value) {
      case null -> out.append("None");
      case Undefined _ -> out.append("Undefined");
      case Boolean b -> out.append(b ? "True" : "False");
      case Double d -> out.append(real(d));
      case String s -> quote(s);
      case Safe safe -> {
        out.append("Markup(");
        quote(safe.text());
        out.append(')');
      }
      case Range range -> out.append(range);
      case Tuple tuple -> {
        items(tuple, '(', depth);
        out.append(tuple.size() == 1 ? ",)" : ")");
      }
      case List<?> list -> {
        items(list, '[', depth);
        out.append(']');
      }
      case Map<?, ?> map -> map(map, depth);
      case Generated view when view.isView() -> {
        out.append(view.type()).append('(');
        items(view.peek(), '[', depth);
        out.append("])");
      }
      case Namespace namespace -> namespace(namespace, depth);
      case MacroCall macro -> {
        out.append("<Macro ");
        quote(macro.name());
        out.append('>');
      }
      case Number number -> out.append(number);
      default -> out.append('<').append(Values.type(value)).append('>');
    }
  }

  private void items(List<?> list, char open, int depth) {
    out.append(open);
    String separator = "";
    for (Object item : list) {
      if (full()) {
        return;
      }
      out.append(separator);
      print(item, depth + 1);
      separator = ", ";
    }
  }

  private void map(Map<?, ?> map, int depth) {
    out.append('{');
    String separator = "";
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      if (full()) {
        return;
      }
      out.append(separator);
      print(entry.getKey(), depth + 1);
      out.append(": ");
      print(entry.getValue(), depth + 1);
      separator = ", ";
    }
    out.append('}');
  }

  private void namespace(Namespace namespace, int depth) {
    if (namespace.type().equals(Namespace.LOOP)) {
      out.append("<LoopContext ")
          .append(namespace.values().get("index"))
          .append('/')
          .append(namespace.values().get("length"))
          .append('>');
    } else if (namespace.type().equals(Namespace.SELF)) {
      out.append("<TemplateReference None>");
    } else {
      out.append("<Namespace ");
      map(namespace.values(), depth);
      out.append('>');
    }
  }

  private void quote(String text) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    out.append(quote);
    for (int i = 0; i < text.length() && !full(); i += Character.charCount(text.codePointAt(i))) {
      character(text.codePointAt(i), quote);
    }
    out.append(quote);
  }

  private void character(int c, char quote) {
    switch (c) {
      case '\n' -> out.append("\\n");
      case '\r' -> out.append("\\r");
      case '\t' -> out.append("\\t");
      case '\\' -> out.append("\\\\");
      default -> {
        if (c == quote) {
          out.append('\\').append(quote);
        } else if (printable(c)) {
          out.appendCodePoint(c);
        } else if (c < 0x100) {
          out.append(String.format("\\x%02x", c));
        } else {
          out.append(String.format(c < 0x10000 ? "\\u%04x" : "\\U%08x", c));
        }
      }
    }
  }

  /** Whether Python prints a character as it is. */
  static boolean printable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }

  /** Python's shortest spelling of a float. */
  static String real(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal exact = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    int exponent = exact.precision() - exact.scale() - 1;
    if (exponent >= -4 && exponent < 16) {
      String plain = exact.toPlainString();
      return plain.indexOf('.') < 0 ? plain + ".0" : plain;
    }
    String digits = exact.unscaledValue().abs().toString();
    String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
    return (value < 0 ? "-" : "")
        + mantissa
        + (exponent < 0 ? "e-" : "e+")
        + (Math.abs(exponent) < 10 ? "0" : "")
        + Math.abs(exponent);
  }
}
