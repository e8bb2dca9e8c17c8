package dev.quire.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Python's arithmetic operators. */
final class Arithmetic {
  private Arithmetic() {}

  static Object apply(
      String operator, @Nullable Object left, @Nullable Object right, Budget budget) {
    Values.refuseUndefined(left);
    Values.refuseUndefined(right);
    if (left instanceof Safe || right instanceof Safe) {
      return safe(operator, left, right, budget);
    }
    if (left != null && right != null && Values.isNumber(left) && Values.isNumber(right)) {
      return numbers(operator, left, right);
    }
    if (operator.equals("+") && left instanceof String a && right instanceof String b) {
      budget.spend((long) a.length() + b.length());
      return a + b;
    }
    if (operator.equals("+") && left instanceof List<?> a && right instanceof List<?> b) {
      budget.spend((long) a.size() + b.size());
      List<@Nullable Object> both = new ArrayList<>(a);
      both.addAll(b);
      return both;
    }
    if (operator.equals("*") && left instanceof Long && !(right instanceof Long)) {
      return apply(operator, right, left, budget);
    }
    if (operator.equals("*") && right instanceof Long times) {
      long count = Math.clamp(times, 0L, (long) Budget.SIZE);
      if (left instanceof String text) {
        budget.spend(text.length() * count);
        return text.repeat((int) count);
      }
      if (left instanceof List<?> list) {
        budget.spend(list.size() * count);
        List<@Nullable Object> all = new ArrayList<>();
        for (long i = 0; i < count; i++) {
          all.addAll(list);
        }
        return all;
      }
    }
    if (operator.equals("%") && left instanceof String format) {
      return StringMethods.percent(format, right);
    }
    if (operator.equals("+") && left instanceof String) {
      throw new JinjaException(
          "can only concatenate str (not \"" + Values.type(right) + "\") to str");
    }
    throw new JinjaException(
        "unsupported operand type(s) for %s: '%s' and '%s'"
            .formatted(operator, Values.type(left), Values.type(right)));
  }

  private static Object safe(
      String operator, @Nullable Object left, @Nullable Object right, Budget budget) {
    if (operator.equals("+") && isText(left) && isText(right)) {
      String both = Safe.escaped(left) + Safe.escaped(right);
      budget.spend(both.length());
      return new Safe(both);
    }
    Object result = apply(operator, Safe.plain(left), Safe.plain(right), budget);
    return result instanceof String text ? new Safe(text) : result;
  }

  private static boolean isText(@Nullable Object value) {
    return value instanceof String || value instanceof Safe;
  }

  private static Object numbers(String operator, Object left, Object right) {
    boolean real = left instanceof Double || right instanceof Double;
    double a = Values.number(left);
    double b = Values.number(right);
    if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
      throw new JinjaException("division by zero");
    }
    if (operator.equals("/")) {
      return a / b;
    }
    if (real) {
      return switch (operator) {
        case "+" -> a + b;
        case "-" -> a - b;
        case "*" -> a * b;
        case "//" -> Math.floor(a / b);
        case "%" -> a - b * Math.floor(a / b);
        default -> Math.pow(a, b);
      };
    }
    long x = Values.integer(left);
    long y = Values.integer(right);
    try {
      return switch (operator) {
        case "+" -> Math.addExact(x, y);
        case "-" -> Math.subtractExact(x, y);
        case "*" -> Math.multiplyExact(x, y);
        case "//" -> Math.floorDiv(x, y);
        case "%" -> Math.floorMod(x, y);
        default -> y < 0 ? (Object) Math.pow(a, b) : (Object) power(x, y);
      };
    } catch (ArithmeticException e) {
      throw new JinjaException("a number is too large");
    }
  }

  private static long power(long base, long exponent) {
    long result = 1;
    for (long i = 0; i < exponent && base != 1 && base != 0; i++) {
      result = Math.multiplyExact(result, base);
    }
    return base == 0 && exponent > 0 ? 0 : result;
  }
}
