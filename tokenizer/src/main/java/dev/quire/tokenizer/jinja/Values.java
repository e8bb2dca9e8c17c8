package dev.quire.tokenizer.jinja;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What Python's operators and built-in functions do to values. */
final class Values {
  private Values() {}

  static boolean truth(@Nullable Object value) {
    return switch (value) {
      case null -> false;
      case Undefined _ -> false;
      case Boolean b -> b;
      case Long l -> l != 0;
      case Double d -> d != 0;
      case String s -> !s.isEmpty();
      case Safe safe -> !safe.text().isEmpty();
      case List<?> list -> !list.isEmpty();
      case Map<?, ?> map -> !map.isEmpty();
      case Generated(String type, List<?> items) -> type.equals("generator") || !items.isEmpty();
      default -> true;
    };
  }

  /** Python's name of the value's type. */
  static String type(@Nullable Object value) {
    return switch (value) {
      case null -> "NoneType";
      case Undefined _ -> "Undefined";
      case Boolean _ -> "bool";
      case Long _ -> "int";
      case Double _ -> "float";
      case String _ -> "str";
      case Safe _ -> "Markup";
      case List<?> _ -> "list";
      case Map<?, ?> _ -> "dict";
      case Generated generated -> generated.type();
      case Namespace namespace -> namespace.type();
      default -> "function";
    };
  }

  /** {@code str(value)}. */
  static String text(@Nullable Object value) {
    return switch (value) {
      case String s -> s;
      case Safe safe -> safe.text();
      case Undefined _ -> "";
      case null, default -> {
        StringBuilder out = new StringBuilder();
        represent(value, out, 0);
        yield out.toString();
      }
    };
  }

  private static void represent(@Nullable Object value, StringBuilder out, int depth) {
    if (depth > 100 || out.length() > Budget.SIZE) {
      throw new JinjaException("a value is nested too deeply or too large to print");
    }
    switch (value) {
      case null -> out.append("None");
      case Undefined _ -> out.append("Undefined");
      case Boolean b -> out.append(b ? "True" : "False");
      case Double d -> out.append(text(d));
      case String s -> quote(s, out);
      case Safe safe -> quote(safe.text(), out);
      case List<?> list -> {
        out.append('[');
        String separator = "";
        for (Object item : list) {
          out.append(separator);
          represent(item, out, depth + 1);
          separator = ", ";
        }
        out.append(']');
      }
      case Map<?, ?> map -> {
        out.append('{');
        String separator = "";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          out.append(separator);
          represent(entry.getKey(), out, depth + 1);
          out.append(": ");
          represent(entry.getValue(), out, depth + 1);
          separator = ", ";
        }
        out.append('}');
      }
      case Long l -> out.append(l.longValue());
      default -> out.append('<').append(type(value)).append('>');
    }
  }

  private static void quote(String text, StringBuilder out) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    out.append(quote);
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                  if (c == quote) {
                    out.append('\\').append(quote);
                  } else if (c < 0x20 || c >= 0x7F && c <= 0xA0 || c == 0xAD) {
                    out.append(String.format("\\x%02x", c));
                  } else {
                    out.appendCodePoint(c);
                  }
                }
              }
            });
    out.append(quote);
  }

  /** Python's shortest spelling of a float. */
  static String text(double value) {
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

  static boolean equal(@Nullable Object a, @Nullable Object b) {
    if (isNumber(a) && isNumber(b)) {
      return a instanceof Double || b instanceof Double
          ? number(a) == number(b)
          : integer(a) == integer(b);
    }
    if (a instanceof List<?> x && b instanceof List<?> y) {
      if (x.size() != y.size()) {
        return false;
      }
      for (int i = 0; i < x.size(); i++) {
        if (!equal(x.get(i), y.get(i))) {
          return false;
        }
      }
      return true;
    }
    if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
      return x.size() == y.size()
          && x.entrySet().stream()
              .allMatch(e -> y.containsKey(e.getKey()) && equal(e.getValue(), y.get(e.getKey())));
    }
    if (a instanceof Undefined && b instanceof Undefined) {
      return true;
    }
    return a == null ? b == null : a.equals(b);
  }

  static int compare(@Nullable Object a, @Nullable Object b, String operator) {
    if (isNumber(a) && isNumber(b)) {
      return a instanceof Double || b instanceof Double
          ? Double.compare(number(a), number(b))
          : Long.compare(integer(a), integer(b));
    }
    if (a instanceof String x && b instanceof String y) {
      int[] left = x.codePoints().toArray();
      int[] right = y.codePoints().toArray();
      return java.util.Arrays.compare(left, right);
    }
    if (a instanceof List<?> x && b instanceof List<?> y) {
      for (int i = 0; i < Math.min(x.size(), y.size()); i++) {
        if (!equal(x.get(i), y.get(i))) {
          return compare(x.get(i), y.get(i), operator);
        }
      }
      return Integer.compare(x.size(), y.size());
    }
    refuseUndefined(a);
    refuseUndefined(b);
    throw new JinjaException(
        "'%s' not supported between instances of '%s' and '%s'"
            .formatted(operator, type(a), type(b)));
  }

  static void refuseUndefined(@Nullable Object value) {
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
  }

  static boolean contains(@Nullable Object container, @Nullable Object item) {
    return switch (container) {
      case String text -> {
        if (!(item instanceof String part)) {
          throw new JinjaException(
              "'in <string>' requires string as left operand, not " + type(item));
        }
        yield text.contains(part);
      }
      case Map<?, ?> map -> map.containsKey(item);
      case null, default -> items(container).stream().anyMatch(other -> equal(item, other));
    };
  }

  /** What {@code for} goes over. */
  static List<@Nullable Object> items(@Nullable Object value) {
    return switch (value) {
      case Undefined _ -> List.of();
      case List<?> list -> new ArrayList<>(list);
      case Map<?, ?> map -> new ArrayList<>(map.keySet());
      case Generated generated -> generated.items();
      case String text -> {
        List<@Nullable Object> characters = new ArrayList<>();
        text.codePoints().mapToObj(Character::toString).forEach(characters::add);
        yield characters;
      }
      case null, default ->
          throw new JinjaException("'" + type(value) + "' object is not iterable");
    };
  }

  static long length(@Nullable Object value) {
    return switch (value) {
      case Undefined _ -> 0;
      case String text -> text.codePointCount(0, text.length());
      case List<?> list -> list.size();
      case Map<?, ?> map -> map.size();
      case Generated(String type, List<?> items) when !type.equals("generator") -> items.size();
      case null, default ->
          throw new JinjaException("object of type '" + type(value) + "' has no len()");
    };
  }

  static boolean isNumber(@Nullable Object value) {
    return value instanceof Long || value instanceof Double || value instanceof Boolean;
  }

  static double number(@Nullable Object value) {
    return switch (value) {
      case Double d -> d;
      case null, default -> integer(value);
    };
  }

  static long integer(@Nullable Object value) {
    return switch (value) {
      case Long l -> l;
      case Boolean b -> b ? 1 : 0;
      case Double d -> d.longValue();
      case Undefined undefined -> throw undefined.failure();
      case null, default ->
          throw new JinjaException(
              "'" + type(value) + "' object cannot be interpreted as an integer");
    };
  }
}
