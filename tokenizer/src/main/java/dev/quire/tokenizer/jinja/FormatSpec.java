package dev.quire.tokenizer.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How Python writes a value into a field: {@code [[fill]align][sign][#][0][width][,][.precision]
 * [type]}.
 *
 * @param align '&lt;', '&gt;', '^', or '=' for padding behind the sign; 0 for the type's own
 * @param grouping ',' or '_' between groups of digits; 0 for none
 * @param width least characters; negative for none
 * @param precision negative for the type's own
 * @param type 0 for the value's own
 */
record FormatSpec(
    char fill,
    char align,
    char sign,
    boolean alternate,
    int width,
    char grouping,
    int precision,
    char type) {
  static final int WIDEST = 100_000;
  private static final Pattern SPEC =
      Pattern.compile(
          "(?:(.)?([<>=^]))?([-+ ])?z?(#)?(0)?(\\d+)?([,_])?(?:\\.(\\d+))?([bcdeEfFgGnosxX%])?",
          Pattern.DOTALL);

  static FormatSpec parse(String text) {
    Matcher m = SPEC.matcher(text);
    if (!m.matches()) {
      throw new JinjaException("Invalid format specifier '" + text + "'");
    }
    boolean zero = m.group(5) != null;
    return new FormatSpec(
        m.group(1) != null ? m.group(1).charAt(0) : zero ? '0' : ' ',
        m.group(2) != null ? m.group(2).charAt(0) : zero ? '=' : 0,
        first(m.group(3), '-'),
        m.group(4) != null,
        m.group(6) == null ? -1 : width(m.group(6)),
        first(m.group(7), (char) 0),
        m.group(8) == null ? -1 : width(m.group(8)),
        first(m.group(9), (char) 0));
  }

  private static char first(@Nullable String text, char fallback) {
    return text == null ? fallback : text.charAt(0);
  }

  /** A count of characters or digits. */
  static int width(String digits) {
    if (digits.length() > 6 || Integer.parseInt(digits) > WIDEST) {
      throw new JinjaException("a format asks for more than " + WIDEST + " characters");
    }
    return Integer.parseInt(digits);
  }

  String format(@Nullable Object value) {
    if (value instanceof Double d) {
      if (type == 0 && precision < 0) {
        return number(d < 0 || 1 / d < 0, Printer.real(Math.abs(d)));
      }
      refuse(value, "eEfFgGn%\0");
      return real(d);
    }
    if (Values.isWhole(value) && !(value instanceof Boolean && isPlain())) {
      if (type != 0 && "eEfFgG%".indexOf(type) >= 0) {
        return real(Values.number(value));
      }
      refuse(value, "bcdnoxX\0");
      if (precision >= 0) {
        throw new JinjaException("Precision not allowed in integer format specifier");
      }
      return type == 'c'
          ? pad(
              Character.toString((int) Values.integer(value)),
              align == 0 ? '<' : align,
              fill,
              width)
          : whole(Values.whole(value));
    }
    if (!(value instanceof String) && !isPlain()) {
      throw new JinjaException(
          "unsupported format string passed to " + Values.type(value) + ".__format__");
    }
    refuse(value, "s\0");
    String text = Values.text(value);
    return pad(
        precision < 0 ? text : cut(text, precision),
        align == 0 || align == '=' ? '<' : align,
        fill,
        width);
  }

  private boolean isPlain() {
    return type == 0 && width < 0 && precision < 0 && grouping == 0 && sign == '-';
  }

  private void refuse(@Nullable Object value, String known) {
    if (known.indexOf(type) < 0) {
      throw new JinjaException(
          "Unknown format code '%c' for object of type '%s'".formatted(type, Values.type(value)));
    }
  }

  /** A whole number in the spec's base. */
  String whole(BigInteger value) {
    String digits =
        switch (type) {
          case 'x' -> value.abs().toString(16);
          case 'X' -> value.abs().toString(16).toUpperCase(Locale.ROOT);
          case 'o' -> value.abs().toString(8);
          case 'b' -> value.abs().toString(2);
          default -> value.abs().toString();
        };
    String prefix = alternate && type != 'd' && type != 0 && type != 'n' ? "0" + type : "";
    return number(value.signum() < 0, prefix + grouped(digits, type == 0 || type == 'd' ? 3 : 4));
  }

  /** A float in fixed, scientific or general form. */
  String real(double value) {
    boolean negative = value < 0 || value == 0 && 1 / value < 0;
    if (!Double.isFinite(value)) {
      return number(negative, Double.isNaN(value) ? "nan" : "inf");
    }
    int digits = precision < 0 ? 6 : precision;
    BigDecimal exact = new BigDecimal(Math.abs(value));
    String text =
        switch (type) {
          case 'e', 'E' -> scientific(exact, digits);
          case 'f', 'F' -> fixed(exact, digits);
          case '%' -> fixed(exact.movePointRight(2), digits) + "%";
          default -> general(exact, Math.max(1, digits));
        };
    return number(negative, Character.isUpperCase(type) ? text.toUpperCase(Locale.ROOT) : text);
  }

  private String fixed(BigDecimal value, int digits) {
    String text = value.setScale(digits, RoundingMode.HALF_EVEN).toPlainString();
    int point = text.indexOf('.');
    return point < 0
        ? grouped(text, 3) + (alternate ? "." : "")
        : grouped(text.substring(0, point), 3) + text.substring(point);
  }

  private static String scientific(BigDecimal value, int digits) {
    if (value.signum() == 0) {
      return (digits == 0 ? "0" : "0." + "0".repeat(digits)) + "e+00";
    }
    BigDecimal rounded = value.round(new MathContext(digits + 1, RoundingMode.HALF_EVEN));
    int exponent = rounded.precision() - rounded.scale() - 1;
    String all = rounded.unscaledValue().toString();
    String padded = all + "0".repeat(Math.max(0, digits + 1 - all.length()));
    return padded.charAt(0)
        + (digits == 0 ? "" : "." + padded.substring(1, digits + 1))
        + (exponent < 0 ? "e-" : "e+")
        + (Math.abs(exponent) < 10 ? "0" : "")
        + Math.abs(exponent);
  }

  private String general(BigDecimal value, int digits) {
    if (value.signum() == 0) {
      return "0";
    }
    BigDecimal rounded = value.round(new MathContext(digits, RoundingMode.HALF_EVEN));
    int exponent = rounded.precision() - rounded.scale() - 1;
    if (exponent < -4 || exponent >= digits) {
      String text = scientific(value, digits - 1);
      int e = text.indexOf('e');
      return alternate ? text : withoutZeros(text.substring(0, e)) + text.substring(e);
    }
    String text = fixed(rounded, digits - 1 - exponent);
    // Where a float has no type it shows that it is one.
    String plain = alternate ? text : withoutZeros(text);
    return type == 0 && plain.indexOf('.') < 0 ? plain + ".0" : plain;
  }

  private static String withoutZeros(String text) {
    return text.indexOf('.') < 0 ? text : text.replaceFirst("\\.?0+$", "");
  }

  private String grouped(String digits, int group) {
    if (grouping == 0) {
      return digits;
    }
    StringBuilder out = new StringBuilder(digits);
    for (int i = digits.length() - group; i > 0; i -= group) {
      out.insert(i, grouping);
    }
    return out.toString();
  }

  private String number(boolean negative, String digits) {
    String signs = negative ? "-" : sign == '-' ? "" : String.valueOf(sign);
    if (align == '=') {
      int missing = Math.max(0, width - signs.length() - digits.length());
      boolean prefixed = alternate && digits.length() > 1 && Character.isLetter(digits.charAt(1));
      return prefixed
          ? signs
              + digits.substring(0, 2)
              + String.valueOf(fill).repeat(missing)
              + digits.substring(2)
          : signs + String.valueOf(fill).repeat(missing) + digits;
    }
    return pad(signs + digits, align == 0 ? '>' : align, fill, width);
  }

  /** The text's first code points. */
  static String cut(String text, int most) {
    return text.codePointCount(0, text.length()) <= most
        ? text
        : text.substring(0, text.offsetByCodePoints(0, most));
  }

  static String pad(String text, char align, char fill, int width) {
    int missing = width - text.codePointCount(0, text.length());
    if (missing <= 0) {
      return text;
    }
    int before = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
    String unit = String.valueOf(fill);
    return unit.repeat(before) + text + unit.repeat(missing - before);
  }
}
