package dev.quire.engine.constrain;

import dev.quire.engine.QuireException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Grammars in GBNF, the notation of llama.cpp: {@code name ::= …} with literals in quotes,
 * character classes, {@code . * + ? {m,n}}, groups, alternatives and {@code #} comments.
 */
final class GbnfParser {
  private static final int MOST_REPETITIONS = 100_000;
  private static final int DEEPEST = 200;

  private final String text;
  private final Map<String, Expression> rules = new LinkedHashMap<>();
  private int at;
  private int depth;

  private GbnfParser(String text) {
    this.text = text;
  }

  /**
   * Parses.
   *
   * @throws QuireException with the line of what is malformed
   */
  static Grammar parse(String text) {
    return new GbnfParser(text).grammar();
  }

  private Grammar grammar() {
    skip(true);
    while (at < text.length()) {
      String name = name();
      skip(false);
      if (!accept("::=")) {
        throw error("::= is missing after the rule name " + name);
      }
      skip(true);
      if (rules.put(name, alternatives(false)) != null) {
        throw error("the rule " + name + " is given twice");
      }
      skip(true);
    }
    if (!rules.containsKey("root")) {
      throw error("there is no rule named root");
    }
    return new Grammar(rules, "root");
  }

  private Expression alternatives(boolean inGroup) {
    if (++depth > DEEPEST) {
      throw error("groups nested more than " + DEEPEST + " deep");
    }
    List<Expression> alternatives = new ArrayList<>();
    alternatives.add(sequence(inGroup));
    while (acceptBar(inGroup)) {
      skip(true);
      alternatives.add(sequence(inGroup));
    }
    depth--;
    return alternatives.size() == 1 ? alternatives.getFirst() : new Expression.Choice(alternatives);
  }

  /** A bar may stand on the next line. */
  private boolean acceptBar(boolean inGroup) {
    int before = at;
    skip(true);
    if (accept("|")) {
      return true;
    }
    at = inGroup ? at : before;
    return false;
  }

  private Expression sequence(boolean inGroup) {
    List<Expression> parts = new ArrayList<>();
    while (true) {
      skip(inGroup);
      char c = at < text.length() ? text.charAt(at) : '\n';
      Expression part;
      if (c == '"') {
        part = Expression.text(literal());
      } else if (c == '[') {
        part = new Expression.Symbol(characterClass());
      } else if (c == '.') {
        at++;
        part = new Expression.Symbol(CodePoints.ALL);
      } else if (c == '(') {
        at++;
        skip(true);
        part = alternatives(true);
        skip(true);
        if (!accept(")")) {
          throw error("a ) is missing");
        }
      } else if (isNameCharacter(c)) {
        int before = at;
        String name = name();
        skip(false);
        if (text.startsWith("::=", at)) {
          at = before; // the next rule
          break;
        }
        part = new Expression.Reference(name);
      } else {
        break;
      }
      parts.add(repeated(part));
    }
    return parts.size() == 1 ? parts.getFirst() : new Expression.Sequence(parts);
  }

  private Expression repeated(Expression part) {
    Expression result = part;
    while (true) {
      skip(false);
      if (accept("*")) {
        result = new Expression.Repeat(result, 0, Expression.UNBOUNDED);
      } else if (accept("+")) {
        result = new Expression.Repeat(result, 1, Expression.UNBOUNDED);
      } else if (accept("?")) {
        result = new Expression.Repeat(result, 0, 1);
      } else if (accept("{")) {
        int least = number();
        int most = least;
        if (accept(",")) {
          most = at < text.length() && text.charAt(at) == '}' ? Expression.UNBOUNDED : number();
        }
        if (!accept("}") || most != Expression.UNBOUNDED && most < least) {
          throw error("malformed repetition bounds");
        }
        result = new Expression.Repeat(result, least, most);
      } else {
        return result;
      }
    }
  }

  private int number() {
    int start = at;
    int value = 0;
    while (at < text.length() && Character.isDigit(text.charAt(at))) {
      value = value * 10 + (text.charAt(at++) - '0');
      if (value > MOST_REPETITIONS) {
        throw error("more than " + MOST_REPETITIONS + " repetitions");
      }
    }
    if (at == start) {
      throw error("a number is missing");
    }
    return value;
  }

  private String literal() {
    at++;
    StringBuilder literal = new StringBuilder();
    while (at < text.length() && text.charAt(at) != '"') {
      literal.appendCodePoint(character());
    }
    if (!accept("\"")) {
      throw error("a closing quote is missing");
    }
    return literal.toString();
  }

  private CodePoints characterClass() {
    at++;
    boolean negated = accept("^");
    CodePoints set = new CodePoints(List.of());
    while (at < text.length() && text.charAt(at) != ']') {
      int low = character();
      int high = low;
      if (at + 1 < text.length() && text.charAt(at) == '-' && text.charAt(at + 1) != ']') {
        at++;
        high = character();
      }
      if (high < low) {
        throw error("a range whose ends are out of order");
      }
      set = set.or(CodePoints.range(low, high));
    }
    if (!accept("]")) {
      throw error("a ] is missing");
    }
    return negated ? set.complement() : set;
  }

  private int character() {
    int c = text.codePointAt(at);
    at += Character.charCount(c);
    if (c != '\\') {
      return c;
    }
    if (at == text.length()) {
      throw error("it ends after a backslash");
    }
    char escaped = text.charAt(at++);
    return switch (escaped) {
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'x' -> hex(2);
      case 'u' -> hex(4);
      case 'U' -> hex(8);
      case '"', '\\', '[', ']', '-', '^' -> escaped;
      default -> throw error("\\" + escaped + " is no escape");
    };
  }

  private int hex(int digits) {
    if (at + digits > text.length()) {
      throw error("a hexadecimal digit is missing");
    }
    try {
      int value = Integer.parseInt(text, at, at + digits, 16);
      at += digits;
      if (value > CodePoints.LAST) {
        throw error("a code point beyond Unicode");
      }
      return value;
    } catch (NumberFormatException e) {
      throw error("a hexadecimal digit is missing");
    }
  }

  private String name() {
    int start = at;
    while (at < text.length() && isNameCharacter(text.charAt(at))) {
      at++;
    }
    if (at == start) {
      throw error("a rule name is missing");
    }
    return text.substring(start, at);
  }

  private static boolean isNameCharacter(char c) {
    return c >= 'a' && c <= 'z'
        || c >= 'A' && c <= 'Z'
        || c >= '0' && c <= '9'
        || c == '-'
        || c == '_';
  }

  private boolean accept(String expected) {
    boolean there = text.startsWith(expected, at);
    at += there ? expected.length() : 0;
    return there;
  }

  private void skip(boolean lines) {
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c == '#') {
        while (at < text.length() && text.charAt(at) != '\n') {
          at++;
        }
      } else if (c == ' ' || c == '\t' || lines && (c == '\n' || c == '\r')) {
        at++;
      } else {
        return;
      }
    }
  }

  private QuireException error(String what) {
    long line = text.substring(0, Math.min(at, text.length())).lines().count();
    return QuireException.invalid("grammar, line " + Math.max(1, line) + ": " + what);
  }
}
