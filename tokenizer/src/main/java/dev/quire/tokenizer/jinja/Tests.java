package dev.quire.tokenizer.jinja;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Jinja's tests: {@code value is name(arguments)}. */
final class Tests {
  private Tests() {}

  static boolean apply(String name, @Nullable Object input, List<@Nullable Object> arguments) {
    Object value = Safe.plain(input);
    return switch (name) {
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "none" -> value == null;
      case "string" -> value instanceof String;
      case "number" -> Values.isNumber(value);
      case "integer" -> value instanceof Long;
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
      case "callable" -> value instanceof Callable;
      case "even" -> Values.integer(value) % 2 == 0;
      case "odd" -> Values.integer(value) % 2 != 0;
      case "divisibleby" -> {
        long divisor = Values.integer(argument(arguments));
        if (divisor == 0) {
          throw new JinjaException("integer modulo by zero");
        }
        yield Values.integer(value) % divisor == 0;
      }
      case "eq", "equalto", "==", "sameas" -> Values.equal(value, argument(arguments));
      case "ne", "!=" -> !Values.equal(value, argument(arguments));
      case "lt", "lessthan", "<" -> Values.compare(value, argument(arguments), "<") < 0;
      case "le", "<=" -> Values.compare(value, argument(arguments), "<=") <= 0;
      case "gt", "greaterthan", ">" -> Values.compare(value, argument(arguments), ">") > 0;
      case "ge", ">=" -> Values.compare(value, argument(arguments), ">=") >= 0;
      case "in" -> Values.contains(argument(arguments), value);
      case "lower" -> Values.text(value).equals(Values.text(value).toLowerCase(Locale.ROOT));
      case "upper" -> Values.text(value).equals(Values.text(value).toUpperCase(Locale.ROOT));
      default -> throw new JinjaException("No test named '" + name + "'.");
    };
  }

  private static @Nullable Object argument(List<@Nullable Object> arguments) {
    if (arguments.isEmpty()) {
      throw new JinjaException("a test lacks its argument");
    }
    return Safe.plain(arguments.getFirst());
  }
}
