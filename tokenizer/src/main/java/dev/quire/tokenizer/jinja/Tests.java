package dev.quire.tokenizer.jinja;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Jinja's tests: {@code value is name(arguments)}. */
final class Tests {
  private static final Set<String> NAMES =
      Set.of(
          "defined",
          "undefined",
          "none",
          "string",
          "number",
          "integer",
          "float",
          "boolean",
          "true",
          "false",
          "mapping",
          "sequence",
          "iterable",
          "callable",
          "even",
          "odd",
          "divisibleby",
          "sameas",
          "escaped",
          "filter",
          "test",
          "eq",
          "equalto",
          "==",
          "ne",
          "!=",
          "lt",
          "lessthan",
          "<",
          "le",
          "<=",
          "gt",
          "greaterthan",
          ">",
          "ge",
          ">=",
          "in",
          "lower",
          "upper");

  private Tests() {}

  static boolean apply(String name, @Nullable Object input, List<@Nullable Object> arguments) {
    Object value = Safe.plain(input);
    return switch (name) {
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "none" -> value == null;
      case "string" -> value instanceof String;
      case "number" -> Values.isNumber(value);
      case "integer" -> value instanceof Long || value instanceof BigInteger;
      case "float" -> value instanceof Double;
      case "boolean" -> value instanceof Boolean;
      case "true" -> Boolean.TRUE.equals(value);
      case "false" -> Boolean.FALSE.equals(value);
      case "mapping" -> value instanceof Map;
      case "sequence" ->
          value instanceof String
              || value instanceof List
              || value instanceof Map
              || value instanceof Undefined;
      case "iterable" ->
          value instanceof String
              || value instanceof List
              || value instanceof Map
              || value instanceof Generated
              || value instanceof Undefined;
      case "callable" -> value instanceof Callable || value instanceof Undefined;
      case "escaped" -> input instanceof Safe;
      case "filter" -> value instanceof String filter && Filters.NAMES.contains(filter);
      case "test" -> value instanceof String test && NAMES.contains(test);
      case "even" -> remainder(value, 2L) == 0;
      case "odd" -> remainder(value, 2L) == 1;
      case "divisibleby" -> remainder(value, argument(arguments)) == 0;
      case "sameas" -> same(value, argument(arguments));
      case "eq", "equalto", "==" -> Values.equal(value, argument(arguments));
      case "ne", "!=" -> !Values.equal(value, argument(arguments));
      case "lt", "lessthan", "<" -> Values.compare(value, argument(arguments), "<") < 0;
      case "le", "<=" -> Values.compare(value, argument(arguments), "<=") <= 0;
      case "gt", "greaterthan", ">" -> Values.compare(value, argument(arguments), ">") > 0;
      case "ge", ">=" -> Values.compare(value, argument(arguments), ">=") >= 0;
      case "in" -> Values.contains(argument(arguments), value);
      case "lower" -> StringMethods.isLower(Values.text(value));
      case "upper" -> StringMethods.isUpper(Values.text(value));
      default -> throw new JinjaException("No test named '" + name + "'.");
    };
  }

  private static double remainder(@Nullable Object value, @Nullable Object divisor) {
    if (value instanceof String text) {
      // Python takes % for a format here.
      PercentFormat.format(text, divisor);
      return -1;
    }
    return Values.number(Arithmetic.apply("%", value, divisor, new Budget()));
  }

  /** Whether two values are one object: small ones always, others where they are. */
  private static boolean same(@Nullable Object a, @Nullable Object b) {
    if (a instanceof List || a instanceof Map) {
      return a == b;
    }
    return Values.type(a).equals(Values.type(b)) && Values.equal(a, b);
  }

  private static @Nullable Object argument(List<@Nullable Object> arguments) {
    if (arguments.isEmpty()) {
      throw new JinjaException("a test lacks its argument");
    }
    return Safe.plain(arguments.getFirst());
  }
}
