package dev.quire.tokenizer.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Python's arithmetic operators. */
final class Arithmetic {
  /** The most bits of a whole number; Python itself prints none of more than 4300 digits. */
  private static final long LARGEST = 14_284;

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
    return switch (operator) {
      case "+" -> join(left, right, budget);
      case "*" -> repeat(left, right, budget);
      case "%" -> {
        if (left instanceof String format) {
          yield PercentFormat.format(format, right);
        }
        throw unsupported(operator, left, right);
      }
      default -> throw unsupported(operator, left, right);
    };
  }

  /** {@code -value} and {@code +value}. */
  static Object sign(String operator, @Nullable Object value) {
    Values.refuseUndefined(value);
    if (!Values.isNumber(value)) {
      throw new JinjaException(
          "bad operand type for unary " + operator + ": '" + Values.type(value) + "'");
    }
    if (value instanceof Double d) {
      return operator.equals("-") ? -d : d;
    }
    BigInteger whole = Values.whole(value);
    return Values.shortest(operator.equals("-") ? whole.negate() : whole);
  }

  private static Object join(@Nullable Object left, @Nullable Object right, Budget budget) {
    if (left instanceof String a && right instanceof String b) {
      budget.spend((long) a.length() + b.length());
      return a + b;
    }
    if (left instanceof List<?> a
        && right instanceof List<?> b
        && Values.type(a).equals(Values.type(b))
        && !(a instanceof Range)) {
      budget.spend((long) a.size() + b.size());
      List<@Nullable Object> both = new ArrayList<>(a);
      both.addAll(b);
      return a instanceof Tuple ? Tuple.of(both) : both;
    }
    if (left instanceof String || left instanceof List && !(left instanceof Range)) {
      throw new JinjaException(
          "can only concatenate %1$s (not \"%2$s\") to %1$s"
              .formatted(Values.type(left), Values.type(right)));
    }
    throw unsupported("+", left, right);
  }

  private static Object repeat(@Nullable Object left, @Nullable Object right, Budget budget) {
    boolean swapped = !isSequence(left);
    Object sequence = swapped ? right : left;
    Object times = swapped ? left : right;
    if (!isSequence(sequence)) {
      throw unsupported("*", left, right);
    }
    if (!(times instanceof Long) && !(times instanceof Boolean)) {
      throw new JinjaException(
          "can't multiply sequence by non-int of type '" + Values.type(times) + "'");
    }
    long count = Math.clamp(Values.integer(times), 0L, (long) Budget.SIZE);
    if (sequence instanceof String text) {
      budget.spend(text.length() * count);
      return text.repeat((int) count);
    }
    if (!(sequence instanceof List<?> list)) {
      throw unsupported("*", left, right);
    }
    budget.spend(list.size() * count);
    List<@Nullable Object> all = new ArrayList<>();
    for (long i = 0; i < count && !list.isEmpty(); i++) {
      all.addAll(list);
    }
    return list instanceof Tuple ? Tuple.of(all) : all;
  }

  private static boolean isSequence(@Nullable Object value) {
    return value instanceof String || value instanceof List && !(value instanceof Range);
  }

  private static JinjaException unsupported(
      String operator, @Nullable Object left, @Nullable Object right) {
    return new JinjaException(
        "unsupported operand type(s) for %s: '%s' and '%s'"
            .formatted(
                operator.equals("**") ? "** or pow()" : operator,
                Values.type(left),
                Values.type(right)));
  }

  private static Object safe(
      String operator, @Nullable Object left, @Nullable Object right, Budget budget) {
    if (operator.equals("+") && isText(left) && isText(right)) {
      String both = Safe.escaped(left) + Safe.escaped(right);
      budget.spend(both.length());
      return new Safe(both);
    }
    if (operator.equals("%") && left instanceof Safe format) {
      return new Safe(PercentFormat.format(format.text(), Safe.escapedDeeply(right)));
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
    if (b == 0) {
      refuseZero(operator, real);
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
        case "%" -> modulo(a, b);
        default -> power(a, b);
      };
    }
    return whole(operator, Values.whole(left), Values.whole(right));
  }

  private static void refuseZero(String operator, boolean real) {
    String message =
        switch (operator) {
          case "/" -> real ? "float division by zero" : "division by zero";
          case "//" -> real ? "float floor division by zero" : "integer division or modulo by zero";
          case "%" -> real ? "float modulo" : "integer modulo by zero";
          default -> "";
        };
    if (!message.isEmpty()) {
      throw new JinjaException(message);
    }
  }

  /** The remainder with the sign of the divisor. */
  private static double modulo(double a, double b) {
    double remainder = a % b;
    return remainder != 0 && remainder < 0 != b < 0 ? remainder + b : remainder;
  }

  private static double power(double a, double b) {
    if (a == 0 && b < 0) {
      throw new JinjaException("zero to a negative power");
    }
    double result = Math.pow(a, b);
    if (Double.isNaN(result) && a < 0) {
      throw new JinjaException("complex numbers are not supported");
    }
    if (Double.isInfinite(result) && Double.isFinite(a) && Double.isFinite(b)) {
      throw new JinjaException("(34, 'Numerical result out of range')");
    }
    return result;
  }

  private static Object whole(String operator, BigInteger x, BigInteger y) {
    return switch (operator) {
      case "+" -> bounded(x.add(y));
      case "-" -> bounded(x.subtract(y));
      case "*" -> bounded(x.multiply(y));
      case "//" -> {
        BigInteger[] parts = x.divideAndRemainder(y);
        boolean down = parts[1].signum() != 0 && parts[1].signum() != y.signum();
        yield bounded(down ? parts[0].subtract(BigInteger.ONE) : parts[0]);
      }
      case "%" -> {
        BigInteger remainder = x.remainder(y);
        boolean other = remainder.signum() != 0 && remainder.signum() != y.signum();
        yield bounded(other ? remainder.add(y) : remainder);
      }
      default -> {
        if (y.signum() < 0) {
          yield power(x.doubleValue(), y.doubleValue());
        }
        if (x.bitLength() > 1 && (y.bitLength() > 20 || x.bitLength() * y.longValue() > LARGEST)) {
          throw tooLarge();
        }
        yield x.bitLength() <= 1 && y.bitLength() > 20
            ? bounded(small(x, y))
            : bounded(x.pow(y.intValue()));
      }
    };
  }

  /** A power of −1, 0 or 1 (or −2, which is as short) with a great exponent. */
  private static BigInteger small(BigInteger base, BigInteger exponent) {
    if (base.abs().compareTo(BigInteger.ONE) > 0) {
      throw tooLarge();
    }
    return base.signum() < 0 && !exponent.testBit(0) ? BigInteger.ONE : base;
  }

  private static Object bounded(BigInteger value) {
    if (value.bitLength() > LARGEST) {
      throw tooLarge();
    }
    return Values.shortest(value);
  }

  private static JinjaException tooLarge() {
    return new JinjaException("a number is too large");
  }
}
