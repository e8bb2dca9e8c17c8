package dev.quire.tokenizer.jinja;

import dev.quire.tokenizer.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a template into tokens, with {@code trim_blocks} (a line end after a block goes) and {@code
 * lstrip_blocks} (blanks before a block that starts its line go).
 */
final class Lexer {
  private static final List<String> OPERATORS =
      List.of(
          "//", "**", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")",
          "[", "]", "{", "}", ".", ",", ":", "|");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int line = 1;

  /**
   * What the tag before the current text asks for: '-' strip, '\n' drop one line end, 0 neither.
   */
  private char trim;

  private Lexer(String source) {
    String lines = source.replace("\r\n", "\n").replace('\r', '\n');
    this.source = lines.endsWith("\n") ? lines.substring(0, lines.length() - 1) : lines;
  }

  static List<Token> tokens(String source) {
    Lexer lexer = new Lexer(source);
    lexer.run();
    return lexer.tokens;
  }

  private void run() {
    while (at < source.length()) {
      int open = nextTag(at);
      data(at, open);
      if (open == source.length()) {
        at = open;
        break;
      }
      tag(open);
    }
    add(Kind.END, "");
  }

  private int nextTag(int from) {
    for (int i = from; i + 1 < source.length(); i++) {
      if (source.charAt(i) == '{') {
        char c = source.charAt(i + 1);
        if (c == '{' || c == '%' || c == '#') {
          return i;
        }
      }
    }
    return source.length();
  }

  private void data(int from, int to) {
    String text = source.substring(from, to);
    if (trim == '-') {
      text = StringMethods.strip(text, null, true, false);
    } else if (trim == '\n' && text.startsWith("\n")) {
      text = text.substring(1);
    }
    if (to < source.length()) {
      char sign = to + 2 < source.length() ? source.charAt(to + 2) : 0;
      boolean block = source.charAt(to + 1) != '{';
      if (sign == '-') {
        text = StringMethods.strip(text, null, false, true);
      } else if (block && sign != '+') {
        text = withoutIndent(text, from);
      }
    }
    if (!text.isEmpty()) {
      add(Kind.DATA, text);
    }
    countLines(from, to);
  }

  private String withoutIndent(String text, int from) {
    int end = text.length();
    while (end > 0 && text.charAt(end - 1) != '\n' && StringMethods.isSpace(text.charAt(end - 1))) {
      end--;
    }
    boolean lineStart =
        end > 0
            ? text.charAt(end - 1) == '\n'
            : from == 0
                || source.charAt(from - 1) == '\n'
                || trim == '\n' && source.charAt(from) == '\n';
    return lineStart ? text.substring(0, end) : text;
  }

  private void countLines(int from, int to) {
    for (int i = from; i < to; i++) {
      if (source.charAt(i) == '\n') {
        line++;
      }
    }
  }

  private void tag(int open) {
    char kind = source.charAt(open + 1);
    int body = open + 2;
    if (kind == '#') {
      int close = source.indexOf("#}", body);
      if (close < 0) {
        throw error("a comment is not closed");
      }
      countLines(open, close);
      trimAfter(close > body ? source.charAt(close - 1) : 0, true);
      at = close + 2;
      return;
    }
    if (body < source.length() && (source.charAt(body) == '-' || source.charAt(body) == '+')) {
      body++;
    }
    if (kind == '%') {
      int past = pastRaw(body);
      if (past > 0) {
        countLines(open, past);
        trimAfter(source.charAt(past - 3) == '-' ? '-' : 0, false);
        at = past;
        raw();
        return;
      }
    }
    at = body;
    add(kind == '{' ? Kind.OUTPUT_BEGIN : Kind.BLOCK_BEGIN, "");
    expression(kind == '{' ? "}}" : "%}");
    add(kind == '{' ? Kind.OUTPUT_END : Kind.BLOCK_END, "");
  }

  /** The place behind {@code raw %}}, or 0 where something else stands. */
  private int pastRaw(int from) {
    int name = blank(from);
    if (!source.startsWith("raw", name)) {
      return 0;
    }
    int close = blank(name + "raw".length());
    if (source.startsWith("-", close)) {
      close++;
    }
    return source.startsWith("%}", close) ? close + 2 : 0;
  }

  private int blank(int from) {
    int past = from;
    while (past < source.length() && StringMethods.isSpace(source.charAt(past))) {
      past++;
    }
    return past;
  }

  private void raw() {
    for (int i = at; (i = source.indexOf("{%", i)) >= 0; i++) {
      int name = i + 2;
      while (name < source.length() && "-+ \t\n".indexOf(source.charAt(name)) >= 0) {
        name++;
      }
      if (source.startsWith("endraw", name)) {
        data(at, i);
        at = name + "endraw".length();
        expression("%}");
        return;
      }
    }
    throw error("{% raw %} is not closed");
  }

  private void trimAfter(char sign, boolean block) {
    trim = sign == '-' ? '-' : block && sign != '+' ? '\n' : 0;
  }

  /** Tokens up to the closing sign, which is taken, too. */
  private void expression(String close) {
    int depth = 0;
    while (at < source.length()) {
      char c = source.charAt(at);
      if (c == '\n') {
        line++;
      }
      if (StringMethods.isSpace(c)) {
        at++;
        continue;
      }
      if (depth == 0) {
        boolean signed = (c == '-' || c == '+') && source.startsWith(close, at + 1);
        if (signed || source.startsWith(close, at)) {
          trimAfter(signed ? c : 0, close.equals("%}"));
          at += signed ? 3 : 2;
          return;
        }
      }
      depth += "([{".indexOf(c) >= 0 ? 1 : ")]}".indexOf(c) >= 0 ? -1 : 0;
      item(c);
    }
    throw error("a tag is not closed by " + close);
  }

  private void item(char c) {
    int start = at;
    if (c == '"' || c == '\'') {
      string(c);
    } else if (digit(c)) {
      number(start);
    } else if (c == '_' || Character.isUnicodeIdentifierStart(c)) {
      while (at < source.length() && Character.isUnicodeIdentifierPart(source.charAt(at))) {
        at++;
      }
      add(Kind.NAME, source.substring(start, at));
    } else {
      for (String operator : OPERATORS) {
        if (source.startsWith(operator, at)) {
          at += operator.length();
          add(Kind.OPERATOR, operator);
          return;
        }
      }
      throw error("unexpected character “" + c + "”");
    }
  }

  private static boolean digit(char c) {
    return c >= '0' && c <= '9';
  }

  private void number(int start) {
    if (source.charAt(at) == '0' && at + 1 < source.length()) {
      int radix =
          switch (source.charAt(at + 1)) {
            case 'x', 'X' -> 16;
            case 'o', 'O' -> 8;
            case 'b', 'B' -> 2;
            default -> 0;
          };
      if (radix > 0) {
        at += 2;
        while (at < source.length()
            && (Character.digit(source.charAt(at), radix) >= 0 || source.charAt(at) == '_')) {
          at++;
        }
        addNumber(Kind.INTEGER, start);
        return;
      }
    }
    Kind kind = Kind.INTEGER;
    digits();
    if (at + 1 < source.length() && source.charAt(at) == '.' && digit(source.charAt(at + 1))) {
      at++;
      digits();
      kind = Kind.FLOAT;
    }
    if (at < source.length() && (source.charAt(at) == 'e' || source.charAt(at) == 'E')) {
      int sign = at + 1;
      if (sign < source.length() && "+-".indexOf(source.charAt(sign)) >= 0) {
        sign++;
      }
      if (sign < source.length() && digit(source.charAt(sign))) {
        at = sign;
        digits();
        kind = Kind.FLOAT;
      }
    }
    addNumber(kind, start);
  }

  private void digits() {
    while (at < source.length() && (digit(source.charAt(at)) || source.charAt(at) == '_')) {
      at++;
    }
  }

  private void addNumber(Kind kind, int start) {
    String text = source.substring(start, at).replace("_", "");
    if (!Character.isLetterOrDigit(text.charAt(text.length() - 1))
        || text.length() == 2 && kind == Kind.INTEGER && Character.isLetter(text.charAt(1))) {
      throw error("malformed number");
    }
    add(kind, text);
  }

  private void string(char quote) {
    StringBuilder text = new StringBuilder();
    at++;
    while (at < source.length() && source.charAt(at) != quote) {
      char c = source.charAt(at++);
      if (c == '\n') {
        line++;
      }
      if (c != '\\' || at == source.length()) {
        text.append(c);
        continue;
      }
      char escaped = source.charAt(at++);
      switch (escaped) {
        case 'n' -> text.append('\n');
        case 't' -> text.append('\t');
        case 'r' -> text.append('\r');
        case 'b' -> text.append('\b');
        case 'f' -> text.append('\f');
        case 'a' -> text.append('\u0007');
        case 'v' -> text.append('\u000B');
        case '0', '1', '2', '3', '4', '5', '6', '7' -> octal(text);
        case 'N' -> named(text);
        case '\n' -> line++;
        case 'x' -> codePoint(text, 2);
        case 'u' -> codePoint(text, 4);
        case 'U' -> codePoint(text, 8);
        case '\\', '\'', '"' -> text.append(escaped);
        default -> text.append('\\').append(escaped);
      }
    }
    if (at == source.length()) {
      throw error("a string is not closed");
    }
    at++;
    add(Kind.STRING, text.toString());
  }

  /** Up to three octal digits; the first is taken. */
  private void octal(StringBuilder text) {
    int value = source.charAt(at - 1) - '0';
    for (int i = 0;
        i < 2 && at < source.length() && "01234567".indexOf(source.charAt(at)) >= 0;
        i++) {
      value = value * 8 + source.charAt(at++) - '0';
    }
    text.append((char) value);
  }

  /** A character by its Unicode name, in braces. */
  private void named(StringBuilder text) {
    int close = source.indexOf('}', at);
    if (close < 0 || source.charAt(at) != '{') {
      throw error("a string has a malformed escape");
    }
    try {
      text.appendCodePoint(Character.codePointOf(source.substring(at + 1, close)));
    } catch (IllegalArgumentException e) {
      throw error("a string names an unknown character");
    }
    at = close + 1;
  }

  private void codePoint(StringBuilder text, int digits) {
    try {
      text.appendCodePoint(Integer.parseInt(source, at, at + digits, 16));
      at += digits;
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      throw error("a string has a malformed escape");
    }
  }

  private void add(Kind kind, String text) {
    tokens.add(new Token(kind, text, line));
  }

  private JinjaException error(String message) {
    return new JinjaException("template line " + line + ": " + message);
  }
}
