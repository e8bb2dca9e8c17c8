package dev.quire.tokenizer.jinja;

import dev.quire.tokenizer.jinja.Node.Arguments;
import dev.quire.tokenizer.jinja.Node.Expression;
import dev.quire.tokenizer.jinja.Node.Literal;
import dev.quire.tokenizer.jinja.Token.Kind;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Expressions by recursive descent, one method a level of precedence. */
final class ExpressionParser {
  private static final int DEEPEST = 200;
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
  private static final Set<String> AFTER_TEST =
      Set.of("else", "or", "and", "is", "if", "in", "not", "recursive");

  private final Tokens tokens;
  private int depth;

  ExpressionParser(Tokens tokens) {
    this.tokens = tokens;
  }

  /** An expression, or a tuple of them without parentheses. */
  Expression tuple() {
    Expression first = expression();
    if (!tokens.peekOperator(",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (tokens.takeOperator(",") && startsExpression()) {
      items.add(expression());
    }
    return new Node.Sequence(items, true);
  }

  private boolean startsExpression() {
    Token token = tokens.peek();
    return switch (token.kind()) {
      case NAME, STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> Set.of("(", "[", "{", "-", "+").contains(token.text());
      default -> false;
    };
  }

  Expression expression() {
    if (++depth > DEEPEST) {
      throw new JinjaException(
          "template line " + tokens.peek().line() + ": expressions are nested too deeply");
    }
    Expression value = or();
    while (tokens.peekName("if")) {
      int line = tokens.next().line();
      Expression condition = or();
      Expression otherwise = tokens.takeName("else") ? expression() : null;
      value = new Node.Conditional(condition, value, otherwise, line);
    }
    depth--;
    return value;
  }

  /** An expression that a following {@code if} does not belong to. */
  Expression or() {
    Expression left = and();
    while (tokens.takeName("or")) {
      left = new Node.Binary("or", left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (tokens.takeName("and")) {
      left = new Node.Binary("and", left, not());
    }
    return left;
  }

  private Expression not() {
    int count = 0;
    while (tokens.takeName("not")) {
      count++;
    }
    Expression value = comparison();
    for (int i = 0; i < Math.min(count, 2 + count % 2); i++) {
      value = new Node.Unary("not", value);
    }
    return value;
  }

  private Expression comparison() {
    Expression first = sum();
    List<String> operators = new ArrayList<>();
    List<Expression> others = new ArrayList<>();
    while (true) {
      Token token = tokens.peek();
      if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
        operators.add(tokens.next().text());
      } else if (tokens.takeName("in")) {
        operators.add("in");
      } else if (tokens.peekName("not") && tokens.ahead(1).is(Kind.NAME, "in")) {
        tokens.next();
        tokens.next();
        operators.add("not in");
      } else {
        break;
      }
      others.add(sum());
    }
    return operators.isEmpty() ? first : new Node.Comparison(first, operators, others);
  }

  private Expression sum() {
    Expression left = concatenation();
    while (tokens.peekOperator("+") || tokens.peekOperator("-")) {
      left = new Node.Binary(tokens.next().text(), left, concatenation());
    }
    return left;
  }

  private Expression concatenation() {
    Expression left = product();
    while (tokens.takeOperator("~")) {
      left = new Node.Binary("~", left, product());
    }
    return left;
  }

  private Expression product() {
    Expression left = power();
    while (tokens.peekOperator("*")
        || tokens.peekOperator("/")
        || tokens.peekOperator("//")
        || tokens.peekOperator("%")) {
      left = new Node.Binary(tokens.next().text(), left, power());
    }
    return left;
  }

  private Expression power() {
    Expression left = unary(true);
    while (tokens.takeOperator("**")) {
      left = new Node.Binary("**", left, unary(true));
    }
    return left;
  }

  private Expression unary(boolean withFilters) {
    if (++depth > DEEPEST) {
      throw new JinjaException(
          "template line " + tokens.peek().line() + ": expressions are nested too deeply");
    }
    Expression value;
    if (tokens.peekOperator("-") || tokens.peekOperator("+")) {
      value = new Node.Unary(tokens.next().text(), unary(false));
    } else {
      value = postfix(primary());
    }
    depth--;
    return withFilters ? filters(value) : value;
  }

  private Expression primary() {
    Token token = tokens.next();
    switch (token.kind()) {
      case STRING -> {
        StringBuilder text = new StringBuilder(token.text());
        while (tokens.peek().kind() == Kind.STRING) {
          text.append(tokens.next().text());
        }
        return new Literal(text.toString());
      }
      case INTEGER -> {
        return new Literal(integer(token));
      }
      case FLOAT -> {
        return new Literal(Double.valueOf(token.text()));
      }
      case NAME -> {
        return switch (token.text()) {
          case "true", "True" -> new Literal(true);
          case "false", "False" -> new Literal(false);
          case "none", "None" -> new Literal(null);
          default -> new Node.Name(token.text());
        };
      }
      case OPERATOR -> {
        if (token.text().equals("(")) {
          if (tokens.takeOperator(")")) {
            return new Node.Sequence(List.of(), true);
          }
          Expression inside = tuple();
          tokens.expectOperator(")");
          return inside;
        }
        if (token.text().equals("[")) {
          return new Node.Sequence(list("]"), false);
        }
        if (token.text().equals("{")) {
          return dictionary();
        }
      }
      default -> {}
    }
    throw new JinjaException(
        "template line "
            + token.line()
            + ": an expression cannot start with “"
            + token.text()
            + "”");
  }

  /** Decimal, or behind 0x, 0o or 0b. */
  private static Object integer(Token token) {
    String text = token.text();
    int radix =
        text.length() < 3
            ? 10
            : switch (text.charAt(1)) {
              case 'x', 'X' -> 16;
              case 'o', 'O' -> 8;
              case 'b', 'B' -> 2;
              default -> 10;
            };
    if (text.length() > 4300) {
      throw new JinjaException("template line " + token.line() + ": a number is too large");
    }
    return Values.shortest(new BigInteger(radix == 10 ? text : text.substring(2), radix));
  }

  private List<Expression> list(String close) {
    List<Expression> items = new ArrayList<>();
    while (!tokens.takeOperator(close)) {
      items.add(expression());
      if (!tokens.peekOperator(close)) {
        tokens.expectOperator(",");
      }
    }
    return items;
  }

  private Expression dictionary() {
    List<Expression> keys = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!tokens.takeOperator("}")) {
      keys.add(expression());
      tokens.expectOperator(":");
      values.add(expression());
      if (!tokens.peekOperator("}")) {
        tokens.expectOperator(",");
      }
    }
    return new Node.Dictionary(keys, values);
  }

  private Expression postfix(Expression start) {
    Expression value = start;
    while (true) {
      if (tokens.takeOperator(".")) {
        Token name = tokens.next();
        value =
            name.kind() == Kind.INTEGER
                ? new Node.Item(value, new Literal(Long.valueOf(name.text())))
                : new Node.Attribute(value, name.text());
      } else if (tokens.takeOperator("[")) {
        value = subscript(value);
      } else if (tokens.peekOperator("(")) {
        value = new Node.Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  private Expression subscript(Expression object) {
    Expression start = tokens.peekOperator(":") ? null : tuple();
    if (start != null && tokens.takeOperator("]")) {
      return new Node.Item(object, start);
    }
    tokens.expectOperator(":");
    Expression stop = bound();
    Expression step = tokens.takeOperator(":") ? bound() : null;
    tokens.expectOperator("]");
    return new Node.Slice(object, start, stop, step);
  }

  private @Nullable Expression bound() {
    return tokens.peekOperator(":") || tokens.peekOperator("]") ? null : expression();
  }

  Arguments arguments() {
    tokens.expectOperator("(");
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    Expression more = null;
    Expression moreNamed = null;
    while (!tokens.takeOperator(")")) {
      if (tokens.takeOperator("*")) {
        more = expression();
      } else if (tokens.takeOperator("**")) {
        moreNamed = expression();
      } else if (tokens.peek().kind() == Kind.NAME && tokens.ahead(1).is(Kind.OPERATOR, "=")) {
        String name = tokens.name();
        tokens.next();
        named.put(name, expression());
      } else {
        positional.add(expression());
      }
      if (!tokens.peekOperator(")")) {
        tokens.expectOperator(",");
      }
    }
    return new Arguments(positional, named, more, moreNamed);
  }

  private Expression filters(Expression start) {
    Expression value = start;
    while (true) {
      if (tokens.takeOperator("|")) {
        value = filter(value);
      } else if (tokens.takeName("is")) {
        boolean negated = tokens.takeName("not");
        String name = dottedName();
        value = new Node.Test(value, name, testArguments(), negated);
        if (tokens.peekName("is")) {
          throw new JinjaException("You cannot chain multiple tests with is");
        }
      } else {
        return value;
      }
    }
  }

  /** A filter's name and arguments. */
  Node.Filter filter(@Nullable Expression input) {
    String name = dottedName();
    Arguments arguments = tokens.peekOperator("(") ? arguments() : Arguments.NONE;
    return new Node.Filter(input, name, arguments);
  }

  private String dottedName() {
    StringBuilder name = new StringBuilder(tokens.name());
    while (tokens.takeOperator(".")) {
      name.append('.').append(tokens.name());
    }
    return name.toString();
  }

  private Arguments testArguments() {
    Token token = tokens.peek();
    if (tokens.peekOperator("(")) {
      return arguments();
    }
    boolean bare =
        switch (token.kind()) {
          case NAME -> !AFTER_TEST.contains(token.text());
          case STRING, INTEGER, FLOAT -> true;
          case OPERATOR -> token.text().equals("[") || token.text().equals("{");
          default -> false;
        };
    return bare ? new Arguments(List.of(postfix(primary())), Map.of(), null, null) : Arguments.NONE;
  }
}
