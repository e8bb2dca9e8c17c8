package dev.quire.engine.constrain;

import dev.quire.engine.QuireException;
import java.util.ArrayList;
import java.util.List;

/**
 * Regular expressions as ECMA 262 and most others write them: alternatives, groups, classes,
 * quantifiers. What needs more than a regular language (back references) or looks around is refused
 * by name.
 */
final class RegexParser {
  private static final int MOST_REPETITIONS = 100_000;
  private static final int DEEPEST = 200;

  /** A parsed pattern and at which ends it is anchored. */
  record Pattern(Expression body, boolean fromStart, boolean toEnd) {}

  private final RegexScanner in;
  private int depth;

  private RegexParser(String pattern) {
    this.in = new RegexScanner(pattern);
  }

  /** A pattern that the whole text matches, anchored or not. */
  static Expression whole(String pattern) {
    return parse(pattern).body();
  }

  /**
   * A pattern that some part of the text matches, as JSON Schema reads them; what may come before
   * and after where it is not anchored is made of {@code anything}.
   */
  static Expression search(String pattern) {
    Pattern parsed = parse(pattern);
    if (parsed.body() instanceof Expression.Choice && (parsed.fromStart() || parsed.toEnd())) {
      throw new RegexScanner(pattern)
          .error(
              "an anchor that binds to one alternative is not supported; group the alternatives");
    }
    Expression anything =
        new Expression.Repeat(new Expression.Symbol(CodePoints.ALL), 0, Expression.UNBOUNDED);
    return Expression.sequence(
        parsed.fromStart() ? Expression.EMPTY : anything,
        parsed.body(),
        parsed.toEnd() ? Expression.EMPTY : anything);
  }

  /**
   * Parses.
   *
   * @throws QuireException with the place of what is malformed or not supported
   */
  static Pattern parse(String pattern) {
    var parser = new RegexParser(pattern);
    RegexScanner in = parser.in;
    boolean fromStart = in.accept("^") || in.accept("\\A");
    Expression body = parser.alternatives();
    boolean toEnd = false;
    if (in.accept("$") || in.accept("\\z") || in.accept("\\Z")) {
      toEnd = true;
    }
    if (!in.atEnd()) {
      throw in.error(in.peek() == ')' ? "a ) without its (" : "it goes on after its end");
    }
    return new Pattern(body, fromStart, toEnd);
  }

  private Expression alternatives() {
    if (++depth > DEEPEST) {
      throw in.error("groups nested more than " + DEEPEST + " deep");
    }
    List<Expression> alternatives = new ArrayList<>();
    do {
      alternatives.add(sequence());
    } while (in.accept("|"));
    depth--;
    return alternatives.size() == 1 ? alternatives.getFirst() : new Expression.Choice(alternatives);
  }

  private Expression sequence() {
    List<Expression> parts = new ArrayList<>();
    while (!in.atEnd() && in.peek() != '|' && in.peek() != ')') {
      if (in.peek() == '$' || in.looksAt("\\z") || in.looksAt("\\Z")) {
        if (in.restIsAnchorOnly()) {
          break;
        }
        throw in.error("$ is supported at the pattern's end only");
      }
      if (in.peek() == '^') {
        throw in.error("^ is supported at the pattern's start only");
      }
      parts.add(quantified(atom()));
    }
    return parts.size() == 1 ? parts.getFirst() : new Expression.Sequence(parts);
  }

  private Expression quantified(Expression atom) {
    Expression result = atom;
    while (!in.atEnd()) {
      int least;
      int most;
      if (in.accept("*")) {
        least = 0;
        most = Expression.UNBOUNDED;
      } else if (in.accept("+")) {
        least = 1;
        most = Expression.UNBOUNDED;
      } else if (in.accept("?")) {
        least = 0;
        most = 1;
      } else if (in.atBounds()) {
        in.accept("{");
        least = in.number();
        most = least;
        if (in.accept(",")) {
          most = in.peek() == '}' ? Expression.UNBOUNDED : in.number();
        }
        in.expect('}');
        if (least > MOST_REPETITIONS || most > MOST_REPETITIONS) {
          throw in.error("more than " + MOST_REPETITIONS + " repetitions");
        }
        if (most != Expression.UNBOUNDED && most < least) {
          throw in.error("a quantifier whose bounds are out of order");
        }
      } else {
        break;
      }
      if (in.accept("+")) {
        throw in.error("possessive quantifiers are not supported");
      }
      in.accept("?"); // lazy or greedy: the same language
      result = new Expression.Repeat(result, least, most);
    }
    return result;
  }

  private Expression atom() {
    if (in.accept("(")) {
      return group();
    }
    if (in.peek() == '[') {
      return new Expression.Symbol(in.characterClass());
    }
    if (in.accept(".")) {
      return new Expression.Symbol(CodePoints.anyOf("\n\r\u2028\u2029").complement());
    }
    if (in.peek() == '\\') {
      return new Expression.Symbol(in.escape(false));
    }
    int c = in.next();
    if (c == '*' || c == '+' || c == '?') {
      throw in.error("a quantifier with nothing before it");
    }
    return Expression.text(Character.toString(c));
  }

  private Expression group() {
    if (in.accept("?")) {
      if (in.looksAt("=") || in.looksAt("!") || in.looksAt("<=") || in.looksAt("<!")) {
        throw in.error("look-ahead and look-behind are not supported");
      }
      if (in.accept("P<") || in.accept("<")) {
        in.skipPast('>');
      } else if (!in.accept(":")) {
        throw in.error("this kind of group is not supported");
      }
    }
    Expression body = alternatives();
    in.expect(')');
    return body;
  }
}
