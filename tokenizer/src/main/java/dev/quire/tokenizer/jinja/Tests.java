package dev.quire.tokenizer.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Jinja's tests: {@code value is name(arguments)}. */
final class Tests {
  /** The names of all tests. */
  static final Set<String> NAMES =
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

  /** Tests that compare, by the names that Python's messages have for them. */
  private static final Map<String, String> COMPARISONS =
      Map.ofEntries(
          Map.entry("eq", "eq"),
          Map.entry("equalto", "eq"),
          Map.entry("==", "eq"),
          Map.entry("ne", "ne"),
          Map.entry("!=", "ne"),
          Map.entry("lt", "lt"),
          Map.entry("lessthan", "lt"),
          Map.entry("<", "lt"),
          Map.entry("le", "le"),
          Map.entry("<=", "le"),
          Map.entry("gt", "gt"),
          Map.entry("greaterthan", "gt"),
          Map.entry(">", "gt"),
          Map.entry("ge", "ge"),
          Map.entry(">=", "ge"));

  /** The parameters of the other tests that have one. */
  private static final Map<String, String> PARAMETERS =
      Map.of("divisibleby", "num", "in", "seq", "sameas", "other");

  private Tests() {}

  /** A test's arguments in order; as many as it takes. */
  private static List<@Nullable Object> arguments(
      String name, List<@Nullable Object> positional, Map<String, @Nullable Object> named) {
    String comparison = COMPARISONS.get(name);
    if (comparison != null) {
      if (!named.isEmpty()) {
        throw new JinjaException("_operator." + comparison + "() takes no keyword arguments");
      }
      if (positional.size() != 1) {
        throw new JinjaException(
            comparison + " expected 2 arguments, got " + (positional.size() + 1));
      }
      return positional;
    }
    String parameter = PARAMETERS.get(name);
    List<@Nullable Object> arguments = new ArrayList<>(positional);
    named.forEach(
        (key, value) -> {
          if (!key.equals(parameter)) {
            throw new JinjaException(
                "test_%s() got an unexpected keyword argument '%s'".formatted(name, key));
          }
          arguments.add(value);
        });
    int taken = parameter == null ? 0 : 1;
    // The filter and test tests are given the environment, too.
    int before = name.equals("filter") || name.equals("test") ? 2 : 1;
    if (arguments.size() > taken && name.equals("callable")) {
      throw new JinjaException(
          "callable() takes exactly one argument (" + (arguments.size() + 1) + " given)");
    }
    if (arguments.size() > taken) {
      throw new JinjaException(
          "test_%s() takes %d positional argument%s but %d were given"
              .formatted(
                  name, before + taken, before + taken == 1 ? "" : "s", before + arguments.size()));
    }
    if (arguments.size() < taken) {
      throw new JinjaException(
          "test_%s() missing 1 required positional argument: '%s'".formatted(name, parameter));
    }
    return arguments;
  }

  static boolean apply(
      String name,
      @Nullable Object input,
      List<@Nullable Object> positional,
      Map<String, @Nullable Object> named) {
    if (!NAMES.contains(name)) {
      throw new JinjaException("No test named '" + name + "' found.");
    }
    List<@Nullable Object> arguments = arguments(name, positional, named);
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
      case "filter", "test" -> {
        Values.refuseUnhashable(value);
        Set<String> names = name.equals("filter") ? Filters.NAMES : NAMES;
        yield value instanceof String known && names.contains(known);
      }
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
      default -> throw new IllegalStateException(name);
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
    if (a instanceof List || a instanceof Map || a instanceof Undefined) {
      return a == b;
    }
    return Values.type(a).equals(Values.type(b)) && Values.equal(a, b);
  }

  private static @Nullable Object argument(List<@Nullable Object> arguments) {
    return Safe.plain(arguments.getFirst());
  }
}
