package dev.quire.engine.constrain;

import dev.quire.engine.QuireException;

/** The characters of a pattern, its classes and escapes. */
final class RegexScanner {
  private static final CodePoints DIGITS = CodePoints.range('0', '9');
  private static final CodePoints WORD =
      DIGITS.or(CodePoints.range('a', 'z')).or(CodePoints.range('A', 'Z')).or(CodePoints.of('_'));
  private static final CodePoints SPACE =
      CodePoints.anyOf(" \t\n\u000B\f\r\u00A0\u1680\u2028\u2029\u202F\u205F\u3000\uFEFF")
          .or(CodePoints.range(0x2000, 0x200A));

  private final int[] pattern;
  private final String text;
  private int at;

  RegexScanner(String pattern) {
    this.text = pattern;
    this.pattern = pattern.codePoints().toArray();
  }

  boolean atEnd() {
    return at == pattern.length;
  }

  int peek() {
    return atEnd() ? -1 : pattern[at];
  }

  int next() {
    if (atEnd()) {
      throw error("it ends too early");
    }
    return pattern[at++];
  }

  boolean looksAt(String expected) {
    int[] wanted = expected.codePoints().toArray();
    if (at + wanted.length > pattern.length) {
      return false;
    }
    for (int i = 0; i < wanted.length; i++) {
      if (pattern[at + i] != wanted[i]) {
        return false;
      }
    }
    return true;
  }

  boolean accept(String expected) {
    boolean there = looksAt(expected);
    if (there) {
      at += (int) expected.codePoints().count();
    }
    return there;
  }

  void expect(int c) {
    if (peek() != c) {
      throw error("a " + Character.toString(c) + " is missing");
    }
    at++;
  }

  void skipPast(int c) {
    while (next() != c) {
      // The name of a group says nothing about what it matches.
    }
  }

  /** Whether nothing but an end anchor follows. */
  boolean restIsAnchorOnly() {
    int left = pattern.length - at;
    return left == 1 || left == 2 && pattern[at] == '\\';
  }

  /** Whether bounds in braces begin here; a brace may also stand for itself. */
  boolean atBounds() {
    if (peek() != '{') {
      return false;
    }
    int i = at + 1;
    int digits = 0;
    while (i < pattern.length && pattern[i] >= '0' && pattern[i] <= '9') {
      i++;
      digits++;
    }
    if (i < pattern.length && pattern[i] == ',') {
      i++;
      while (i < pattern.length && pattern[i] >= '0' && pattern[i] <= '9') {
        i++;
      }
    }
    return digits > 0 && i < pattern.length && pattern[i] == '}';
  }

  int number() {
    long value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = Math.min(Integer.MAX_VALUE, value * 10 + (next() - '0'));
    }
    return (int) value;
  }

  CodePoints characterClass() {
    expect('[');
    boolean negated = accept("^");
    CodePoints set = new CodePoints(java.util.List.of());
    boolean first = true;
    while (first || peek() != ']') {
      if (looksAt("&&") || looksAt("[:")) {
        throw error("set operations and POSIX classes are not supported");
      }
      if (first && peek() == ']') {
        break; // an empty class
      }
      first = false;
      CodePoints low = peek() == '\\' ? escape(true) : CodePoints.of(next());
      boolean range = peek() == '-' && at + 1 < pattern.length && pattern[at + 1] != ']';
      if (!range || single(low) < 0) {
        set = set.or(low);
        continue;
      }
      at++;
      CodePoints high = peek() == '\\' ? escape(true) : CodePoints.of(next());
      if (single(high) < 0) {
        set = set.or(low).or(CodePoints.of('-')).or(high);
      } else if (single(high) < single(low)) {
        throw error("a range whose ends are out of order");
      } else {
        set = set.or(CodePoints.range(single(low), single(high)));
      }
    }
    expect(']');
    return negated ? set.complement() : set;
  }

  private static int single(CodePoints set) {
    return set.ranges().size() == 2 && set.ranges().get(0).equals(set.ranges().get(1))
        ? set.ranges().get(0)
        : -1;
  }

  /** What a backslash and what follows stand for. */
  CodePoints escape(boolean inClass) {
    expect('\\');
    int c = next();
    return switch (c) {
      case 'd' -> DIGITS;
      case 'D' -> DIGITS.complement();
      case 'w' -> WORD;
      case 'W' -> WORD.complement();
      case 's' -> SPACE;
      case 'S' -> SPACE.complement();
      case 'n' -> CodePoints.of('\n');
      case 'r' -> CodePoints.of('\r');
      case 't' -> CodePoints.of('\t');
      case 'f' -> CodePoints.of('\f');
      case 'v' -> CodePoints.of(0x0B);
      case '0' -> CodePoints.of(0);
      case 'x' -> CodePoints.of(hex(2));
      case 'u' -> CodePoints.of(accept("{") ? braced() : unicode());
      case 'b', 'B' -> {
        if (inClass && c == 'b') {
          yield CodePoints.of('\b');
        }
        throw error("\\b and \\B (word boundaries) are not supported");
      }
      case 'p', 'P' -> throw error("\\p (Unicode properties) is not supported");
      case 'k' -> throw error("back references are not supported");
      default -> {
        if (c >= '1' && c <= '9') {
          throw error("back references are not supported");
        }
        if (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
          throw error("\\" + Character.toString(c) + " is not supported");
        }
        yield CodePoints.of(c);
      }
    };
  }

  private int unicode() {
    int high = hex(4);
    if (Character.isHighSurrogate((char) high) && accept("\\u")) {
      return Character.toCodePoint((char) high, (char) hex(4));
    }
    return high;
  }

  private int braced() {
    int value = 0;
    while (peek() != '}') {
      value = value << 4 | hexDigit();
      if (value > CodePoints.LAST) {
        throw error("a code point beyond Unicode");
      }
    }
    expect('}');
    return value;
  }

  private int hex(int digits) {
    int value = 0;
    for (int i = 0; i < digits; i++) {
      value = value << 4 | hexDigit();
    }
    return value;
  }

  private int hexDigit() {
    int digit = Character.digit(next(), 16);
    if (digit < 0) {
      throw error("a hexadecimal digit is missing");
    }
    return digit;
  }

  QuireException error(String what) {
    return QuireException.invalid(
        "regular expression '%s', at character %d: %s".formatted(shortened(), at, what));
  }

  private String shortened() {
    return text.length() <= 80 ? text : text.substring(0, 77) + "...";
  }
}
