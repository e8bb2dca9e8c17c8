package dev.quire.tokenizer.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
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
      case Generated generated -> !generated.isView() || !generated.peek().isEmpty();
      default -> true;
    };
  }

  /** Python's name of the value's type. */
  static String type(@Nullable Object value) {
    return switch (value) {
      case null -> "NoneType";
      case Undefined _ -> "Undefined";
      case Boolean _ -> "bool";
      case Long _, BigInteger _ -> "int";
      case Double _ -> "float";
      case String _ -> "str";
      case Safe _ -> "Markup";
      case Tuple _ -> "tuple";
      case Range _ -> "range";
      case List<?> _ -> "list";
      case Map<?, ?> _ -> "dict";
      case Generated generated -> generated.type();
      case Namespace namespace -> namespace.type();
      case MacroCall _ -> "Macro";
      default -> "function";
    };
  }

  /** The name of a value's type as Jinja's messages have it. */
  static String owner(@Nullable Object value) {
    return switch (value) {
      case null -> "None";
      case Safe _ -> "markupsafe.Markup object";
      case Namespace namespace -> namespace.owner();
      case MacroCall _ -> "jinja2.runtime.Macro object";
      default -> type(value) + " object";
    };
  }

  /** {@code str(value)}. */
  static String text(@Nullable Object value) {
    return switch (value) {
      case String s -> s;
      case Safe safe -> safe.text();
      case Undefined _ -> "";
      case null, default -> Printer.represent(value);
    };
  }

  static boolean equal(@Nullable Object a, @Nullable Object b) {
    if (isNumber(a) && isNumber(b)) {
      return order(a, b) == 0;
    }
    if (a instanceof List<?> x && b instanceof List<?> y) {
      if (x.size() != y.size() || !type(x).equals(type(y))) {
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
    if (a instanceof Safe || b instanceof Safe) {
      return equal(Safe.plain(a), b instanceof Safe ? Safe.plain(b) : b);
    }
    if (a instanceof Undefined && b instanceof Undefined) {
      return true;
    }
    return a == null ? b == null : a.equals(b);
  }

  /** Below zero, zero or above it as {@code a} stands before, with or behind {@code b}. */
  static int compare(@Nullable Object a, @Nullable Object b, String operator) {
    if (isNumber(a) && isNumber(b)) {
      return order(a, b);
    }
    if (Safe.plain(a) instanceof String x && Safe.plain(b) instanceof String y) {
      return Arrays.compare(x.codePoints().toArray(), y.codePoints().toArray());
    }
    if (a instanceof List<?> x
        && b instanceof List<?> y
        && type(x).equals(type(y))
        && !(x instanceof Range)) {
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

  /** The order of two numbers; not-a-number stands nowhere, here behind all. */
  private static int order(@Nullable Object a, @Nullable Object b) {
    if (a instanceof Double || b instanceof Double) {
      double x = number(a);
      double y = number(b);
      boolean exact = Double.isFinite(x) && Double.isFinite(y);
      return exact ? decimal(a).compareTo(decimal(b)) : x == y ? 0 : x < y ? -1 : 1;
    }
    return whole(a).compareTo(whole(b));
  }

  private static BigDecimal decimal(@Nullable Object value) {
    return value instanceof Double d ? new BigDecimal(d) : new BigDecimal(whole(value));
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
          refuseUndefined(item);
          throw new JinjaException(
              "'in <string>' requires string as left operand, not " + type(item));
        }
        yield text.contains(part);
      }
      case Map<?, ?> map -> hasKey(map, item);
      case Undefined _ -> false;
      case List<?> list -> list.stream().anyMatch(other -> equal(item, other));
      case Generated generated -> generated.take().stream().anyMatch(other -> equal(item, other));
      case null, default ->
          throw new JinjaException("argument of type '" + type(container) + "' is not iterable");
    };
  }

  /** Whether a dictionary has a key. */
  static boolean hasKey(Map<?, ?> map, @Nullable Object key) {
    return map.containsKey(key(map, key));
  }

  /** A value as the dictionary spells that key: numbers that are equal are one key. */
  static @Nullable Object key(Map<?, ?> map, @Nullable Object value) {
    Object key = Safe.plain(value);
    refuseUnhashable(key);
    if (isNumber(key) && !map.containsKey(key)) {
      for (Object known : map.keySet()) {
        if (isNumber(known) && equal(known, key)) {
          return known;
        }
      }
    }
    return key;
  }

  /** Refuses what can be no key of a dictionary. */
  static void refuseUnhashable(@Nullable Object value) {
    if (value instanceof Tuple tuple) {
      tuple.forEach(Values::refuseUnhashable);
    } else if (value instanceof Map || value instanceof List && !(value instanceof Range)) {
      throw new JinjaException("unhashable type: '" + type(value) + "'");
    }
  }

  /** What {@code for} goes over. */
  static List<@Nullable Object> items(@Nullable Object value) {
    return switch (value) {
      case Undefined _ -> List.of();
      case List<?> list -> new ArrayList<>(list);
      case Map<?, ?> map -> new ArrayList<>(map.keySet());
      case Generated generated -> generated.take();
      case String text -> {
        List<@Nullable Object> characters = new ArrayList<>();
        text.codePoints().mapToObj(Character::toString).forEach(characters::add);
        yield characters;
      }
      case Safe safe -> items(safe.text());
      case null, default ->
          throw new JinjaException("'" + type(value) + "' object is not iterable");
    };
  }

  static long length(@Nullable Object value) {
    return switch (value) {
      case Undefined _ -> 0;
      case String text -> text.codePointCount(0, text.length());
      case Safe safe -> length(safe.text());
      case List<?> list -> list.size();
      case Map<?, ?> map -> map.size();
      case Generated generated when generated.isView() -> generated.peek().size();
      case null, default ->
          throw new JinjaException("object of type '" + type(value) + "' has no len()");
    };
  }

  static boolean isNumber(@Nullable Object value) {
    return value instanceof Double || isWhole(value);
  }

  static boolean isWhole(@Nullable Object value) {
    return value instanceof Long || value instanceof Boolean || value instanceof BigInteger;
  }

  static double number(@Nullable Object value) {
    return value instanceof Double d ? d : whole(value).doubleValue();
  }

  /** A whole number of any size; a fraction is cut off. */
  static BigInteger whole(@Nullable Object value) {
    return switch (value) {
      case BigInteger big -> big;
      case Double d when Double.isFinite(d) -> new BigDecimal(d).toBigInteger();
      case null, default -> BigInteger.valueOf(integer(value));
    };
  }

  /** A whole number as it is kept: Long where it fits. */
  static Object shortest(BigInteger value) {
    return value.bitLength() < 64 ? (Object) value.longValue() : value;
  }

  /** What Python takes for a place or a count: no fraction. */
  static long index(@Nullable Object value) {
    if (value instanceof Double) {
      throw new JinjaException("'float' object cannot be interpreted as an integer");
    }
    return integer(value);
  }

  static long integer(@Nullable Object value) {
    return switch (value) {
      case Long l -> l;
      case Boolean b -> b ? 1 : 0;
      case Double d -> d.longValue();
      case BigInteger _ -> throw new JinjaException("Python int too large to convert to C ssize_t");
      case Undefined undefined -> throw undefined.failure();
      case null, default ->
          throw new JinjaException(
              "'" + type(value) + "' object cannot be interpreted as an integer");
    };
  }
}
