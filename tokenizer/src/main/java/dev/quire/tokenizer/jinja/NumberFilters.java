package dev.quire.tokenizer.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The filters that make numbers of values, and change numbers. */
final class NumberFilters {
  private NumberFilters() {}

  static @Nullable Object apply(String name, @Nullable Object value, Given given) {
    return switch (name) {
      case "abs" -> abs(value);
      case "int" -> toInteger(value, given);
      case "float" -> toFloat(value, given);
      case "round" -> round(value, given);
      default -> fileSize(value, given);
    };
  }

  private static Object abs(@Nullable Object value) {
    Values.refuseUndefined(value);
    if (!Values.isNumber(value)) {
      throw new JinjaException("bad operand type for abs(): '" + Values.type(value) + "'");
    }
    return value instanceof Double d ? Math.abs(d) : Values.shortest(Values.whole(value).abs());
  }

  private static @Nullable Object toInteger(@Nullable Object value, Given given) {
    Values.refuseUndefined(value);
    Object fallback = given.get("default", 0L);
    if (value instanceof String text) {
      BigInteger whole = whole(text, Math.clamp(Values.index(given.get("base", 10L)), 0, 36));
      if (whole != null) {
        return Values.shortest(whole);
      }
      Double real = real(text);
      return real == null || !Double.isFinite(real)
          ? fallback
          : Values.shortest(Values.whole(real));
    }
    return Values.isNumber(value) && Double.isFinite(Values.number(value))
        ? Values.shortest(Values.whole(value))
        : fallback;
  }

  /** A whole number in a base, perhaps behind the base's prefix; null if the text is none. */
  private static @Nullable BigInteger whole(String text, int base) {
    String digits = StringMethods.strip(text, null, true, true);
    boolean negative = digits.startsWith("-");
    if (negative || digits.startsWith("+")) {
      digits = digits.substring(1);
    }
    String prefix = digits.length() > 2 ? digits.substring(0, 2).toLowerCase(Locale.ROOT) : "";
    int prefixed =
        switch (prefix) {
          case "0x" -> 16;
          case "0o" -> 8;
          case "0b" -> 2;
          default -> 0;
        };
    int radix = base == 0 ? (prefixed == 0 ? 10 : prefixed) : base;
    if (prefixed != 0 && prefixed == radix) {
      digits = digits.substring(2);
    }
    // Below the length at which Python refuses, and where reading takes no time.
    if (!digits.matches("[0-9A-Za-z]+(_[0-9A-Za-z]+)*") || digits.length() > 4300 || radix < 2) {
      return null;
    }
    try {
      BigInteger value = new BigInteger(digits.replace("_", ""), radix);
      return negative ? value.negate() : value;
    } catch (NumberFormatException e) {
      return null;
    }
  }

  private static @Nullable Double real(String text) {
    String stripped = StringMethods.strip(text, null, true, true);
    String lower = stripped.toLowerCase(Locale.ROOT).replaceFirst("^[+-]", "");
    boolean negative = stripped.startsWith("-");
    if (lower.equals("inf") || lower.equals("infinity")) {
      return negative ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
    }
    if (lower.equals("nan")) {
      return Double.NaN;
    }
    if (!lower.matches("(\\d[\\d_]*\\.?[\\d_]*|\\.\\d[\\d_]*)(e[+-]?\\d+)?")) {
      return null;
    }
    double value = Double.parseDouble(lower.replace("_", ""));
    return negative ? -value : value;
  }

  private static @Nullable Object toFloat(@Nullable Object value, Given given) {
    Values.refuseUndefined(value);
    Object fallback = given.get("default", 0.0);
    if (value instanceof String text) {
      Double real = real(text);
      return real == null ? fallback : real;
    }
    return Values.isNumber(value) ? (Object) Values.number(value) : fallback;
  }

  private static Object round(@Nullable Object value, Given given) {
    String method = Values.text(given.get("method", "common"));
    int precision = Math.clamp(Values.index(given.get("precision", 0L)), -400, 400);
    RoundingMode mode =
        switch (method) {
          case "common" -> RoundingMode.HALF_EVEN;
          case "ceil" -> RoundingMode.CEILING;
          case "floor" -> RoundingMode.FLOOR;
          default -> throw new JinjaException("method must be common, ceil or floor");
        };
    Values.refuseUndefined(value);
    if (!Values.isNumber(value)) {
      throw new JinjaException(
          method.equals("common")
              ? "type " + Values.type(value) + " doesn't define __round__ method"
              : "unsupported operand type(s) for *: '%s' and 'int'".formatted(Values.type(value)));
    }
    if (Values.isWhole(value) && method.equals("common")) {
      BigDecimal whole = new BigDecimal(Values.whole(value));
      return Values.shortest(
          whole.setScale(Math.min(precision, 0), RoundingMode.HALF_EVEN).toBigInteger());
    }
    double number = Values.number(value);
    if (!Double.isFinite(number)) {
      return number;
    }
    if (method.equals("common")) {
      return new BigDecimal(number).setScale(precision, mode).doubleValue();
    }
    // As Jinja does it, errors of the multiplication included.
    double scale = Math.pow(10, precision);
    double scaled = number * scale;
    return (mode == RoundingMode.CEILING ? Math.ceil(scaled) : Math.floor(scaled)) / scale;
  }

  private static double bytes(@Nullable Object value) {
    if (Values.isNumber(value)) {
      return Values.number(value);
    }
    if (!(value instanceof String text)) {
      Values.refuseUndefined(value);
      throw new JinjaException(
          "float() argument must be a string or a real number, not '" + Values.type(value) + "'");
    }
    Double number = real(text);
    if (number == null) {
      throw new JinjaException("could not convert string to float: " + Printer.represent(text));
    }
    return number;
  }

  private static String fileSize(@Nullable Object value, Given given) {
    boolean binary = given.flag("binary");
    double bytes = bytes(value);
    int base = binary ? 1024 : 1000;
    if (bytes == 1) {
      return "1 Byte";
    }
    if (bytes < base) {
      return (long) bytes + " Bytes";
    }
    String[] units =
        binary
            ? new String[] {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}
            : new String[] {"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
    int unit = 0;
    double size = bytes / base;
    while (size >= base && unit + 1 < units.length) {
      size /= base;
      unit++;
    }
    return FormatSpec.parse(".1f").format(size) + " " + units[unit];
  }
}
