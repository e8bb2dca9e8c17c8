package dev.quire.engine.constrain;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON (RFC 8259) as rules. White space is bounded, so that a model cannot fill its answer with it:
 * none, one space, or a line break with an indentation. Numbers have a bounded number of digits.
 */
final class JsonText {
  static final String VALUE = " json value";
  static final String OBJECT = " json object";
  static final String ARRAY = " json array";
  static final String STRING = " json string";
  static final String CHARACTER = " json character";
  static final String NUMBER = " json number";
  static final String INTEGER = " json integer";
  static final String SPACE = " json space";

  private static final int MOST_INDENTATION = 8;

  /** What stands for itself in a string. */
  static final CodePoints PLAIN =
      CodePoints.range(0x20, CodePoints.LAST).minus(CodePoints.anyOf("\"\\"));

  private static final Expression HEX =
      new Expression.Symbol(
          CodePoints.range('0', '9').or(CodePoints.range('a', 'f')).or(CodePoints.range('A', 'F')));
  private static final Expression DIGIT = Expression.range('0', '9');

  private JsonText() {}

  /** The rules of JSON itself, by the names above. */
  static Map<String, Expression> rules() {
    Map<String, Expression> rules = new HashMap<>();
    rules.put(SPACE, space());
    rules.put(CHARACTER, character());
    rules.put(STRING, string(0, Expression.UNBOUNDED));
    rules.put(INTEGER, integer());
    rules.put(NUMBER, number());
    rules.put(
        VALUE,
        Expression.choice(
            reference(OBJECT),
            reference(ARRAY),
            reference(STRING),
            reference(NUMBER),
            Expression.text("true"),
            Expression.text("false"),
            Expression.text("null")));
    Expression pair = Expression.sequence(reference(STRING), colon(), reference(VALUE));
    rules.put(OBJECT, enclosed("{", separated(pair, 0, Expression.UNBOUNDED), "}"));
    rules.put(ARRAY, enclosed("[", separated(reference(VALUE), 0, Expression.UNBOUNDED), "]"));
    return rules;
  }

  static Expression reference(String rule) {
    return new Expression.Reference(rule);
  }

  private static Expression space() {
    Expression indentation =
        new Expression.Repeat(new Expression.Symbol(CodePoints.anyOf(" \t")), 0, MOST_INDENTATION);
    return Expression.choice(
        Expression.EMPTY,
        Expression.text(" "),
        Expression.sequence(Expression.text("\n"), indentation));
  }

  static Expression colon() {
    return Expression.sequence(Expression.text(":"), reference(SPACE));
  }

  static Expression comma() {
    return Expression.sequence(Expression.text(","), reference(SPACE));
  }

  static Expression enclosed(String open, Expression body, String close) {
    return Expression.sequence(
        Expression.text(open), reference(SPACE), body, reference(SPACE), Expression.text(close));
  }

  /** Items with commas between them. */
  static Expression separated(Expression item, int least, int most) {
    if (most == 0) {
      return Expression.EMPTY;
    }
    int moreAtMost = most == Expression.UNBOUNDED ? most : most - 1;
    Expression more =
        new Expression.Repeat(
            Expression.sequence(comma(), item), Math.max(0, least - 1), moreAtMost);
    Expression some = Expression.sequence(item, more);
    return least == 0 ? Expression.optional(some) : some;
  }

  /** One character of a string; an escaped surrogate pair is one, a lone surrogate none. */
  private static Expression character() {
    Expression u = Expression.text("\\u");
    Expression d = new Expression.Symbol(CodePoints.anyOf("dD"));
    Expression notD = new Expression.Symbol(CodePoints.anyOf("0123456789abcABCefEF"));
    Expression lowDigit = Expression.range('0', '7');
    Expression highSurrogate = new Expression.Symbol(CodePoints.anyOf("89abAB"));
    Expression lowSurrogate = new Expression.Symbol(CodePoints.anyOf("cdefCDEF"));
    return Expression.choice(
        new Expression.Symbol(PLAIN),
        Expression.sequence(
            Expression.text("\\"), new Expression.Symbol(CodePoints.anyOf("\"\\/bfnrt"))),
        Expression.sequence(u, notD, HEX, HEX, HEX),
        Expression.sequence(u, d, lowDigit, HEX, HEX),
        Expression.sequence(u, d, highSurrogate, HEX, HEX, u, d, lowSurrogate, HEX, HEX));
  }

  /** A string of so many characters, its quotes included. */
  static Expression string(int least, int most) {
    return Expression.sequence(
        Expression.text("\""),
        new Expression.Repeat(reference(CHARACTER), least, most),
        Expression.text("\""));
  }

  private static Expression integer() {
    return Expression.sequence(Expression.optional(Expression.text("-")), digits());
  }

  private static Expression digits() {
    return Expression.choice(
        Expression.text("0"),
        Expression.sequence(Expression.range('1', '9'), new Expression.Repeat(DIGIT, 0, 14)));
  }

  /** A dot and digits. */
  static Expression fraction() {
    return Expression.sequence(Expression.text("."), new Expression.Repeat(DIGIT, 1, 15));
  }

  private static Expression number() {
    Expression exponent =
        Expression.sequence(
            new Expression.Symbol(CodePoints.anyOf("eE")),
            Expression.optional(new Expression.Symbol(CodePoints.anyOf("+-"))),
            new Expression.Repeat(DIGIT, 1, 2));
    return Expression.sequence(
        integer(), Expression.optional(fraction()), Expression.optional(exponent));
  }

  /** What a plain text's expression becomes where the text stands inside a JSON string. */
  static Expression escaped(Expression text) {
    return switch (text) {
      case Expression.Literal(List<Byte> bytes) -> {
        byte[] array = new byte[bytes.size()];
        for (int i = 0; i < array.length; i++) {
          array[i] = bytes.get(i);
        }
        String literal = new String(array, java.nio.charset.StandardCharsets.UTF_8);
        yield new Expression.Sequence(
            literal
                .codePoints()
                .mapToObj(c -> escaped(new Expression.Symbol(CodePoints.of(c))))
                .toList());
      }
      case Expression.Symbol(CodePoints set) -> symbol(set);
      case Expression.Sequence(List<Expression> parts) ->
          new Expression.Sequence(parts.stream().map(JsonText::escaped).toList());
      case Expression.Choice(List<Expression> alternatives) ->
          new Expression.Choice(alternatives.stream().map(JsonText::escaped).toList());
      case Expression.Repeat(Expression body, int least, int most) ->
          new Expression.Repeat(escaped(body), least, most);
      case Expression.Reference reference -> reference;
    };
  }

  private static Expression symbol(CodePoints set) {
    List<Expression> spellings = new java.util.ArrayList<>();
    CodePoints plain = set.intersect(PLAIN);
    if (!plain.isEmpty()) {
      spellings.add(new Expression.Symbol(plain));
    }
    String characters = "\"\\\b\f\n\r\t";
    String letters = "\"\\bfnrt";
    for (int c = 0; c <= '\\'; c++) {
      if (set.contains(c) && !PLAIN.contains(c)) {
        int i = characters.indexOf(c);
        spellings.add(Expression.text(i >= 0 ? "\\" + letters.charAt(i) : "\\u%04x".formatted(c)));
      }
    }
    return spellings.size() == 1 ? spellings.getFirst() : new Expression.Choice(spellings);
  }
}
