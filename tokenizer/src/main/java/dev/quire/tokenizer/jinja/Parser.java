package dev.quire.tokenizer.jinja;

import dev.quire.tokenizer.jinja.Node.Expression;
import dev.quire.tokenizer.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Statements and text of a template. */
final class Parser {
  private static final int DEEPEST = 100;

  private final Tokens tokens;
  private final ExpressionParser expressions;
  private int depth;

  private Parser(List<Token> tokens) {
    this.tokens = new Tokens(tokens);
    expressions = new ExpressionParser(this.tokens);
  }

  static List<Node> parse(String source) {
    Parser parser = new Parser(Lexer.tokens(source));
    List<Node> nodes = parser.body(Set.of());
    parser.tokens.expect(Kind.END);
    return nodes;
  }

  /** Nodes up to a block that starts with one of these names; its begin is taken, its name not. */
  private List<Node> body(Set<String> ends) {
    if (++depth > DEEPEST) {
      throw new JinjaException(
          "template line " + tokens.peek().line() + ": blocks are nested too deeply");
    }
    List<Node> nodes = new ArrayList<>();
    while (true) {
      Token token = tokens.peek();
      switch (token.kind()) {
        case DATA -> nodes.add(new Node.Text(tokens.next().text()));
        case OUTPUT_BEGIN -> {
          tokens.next();
          nodes.add(new Node.Output(expressions.tuple(), token.line()));
          tokens.expect(Kind.OUTPUT_END);
        }
        case BLOCK_BEGIN -> {
          tokens.next();
          if (ends.contains(tokens.peek().text())) {
            depth--;
            return nodes;
          }
          nodes.addAll(statement());
        }
        default -> {
          if (!ends.isEmpty()) {
            throw tokens.unexpected("one of " + String.join(", ", ends));
          }
          depth--;
          return nodes;
        }
      }
    }
  }

  private List<Node> statement() {
    String name = tokens.name();
    return switch (name) {
      case "if" -> List.of(conditional());
      case "for" -> List.of(loop());
      case "set" -> List.of(assignment());
      case "macro" -> List.of(macro());
      case "call" -> List.of(callBlock());
      case "filter" -> {
        List<Node.Filter> filters = filters();
        yield List.of(new Node.FilterBlock(filters, bodyUntil("endfilter")));
      }
      case "with" -> List.of(with());
      case "generation" -> bodyUntil("endgeneration");
      case "break" -> List.of(closed(new Node.Break()));
      case "continue" -> List.of(closed(new Node.Continue()));
      default -> throw new JinjaException("Encountered unknown tag '" + name + "'.");
    };
  }

  private Node closed(Node node) {
    tokens.expect(Kind.BLOCK_END);
    return node;
  }

  private List<Node> bodyUntil(String end) {
    tokens.expect(Kind.BLOCK_END);
    List<Node> nodes = body(Set.of(end));
    tokens.next();
    tokens.expect(Kind.BLOCK_END);
    return nodes;
  }

  private Node conditional() {
    List<Expression> conditions = new ArrayList<>();
    List<List<Node>> bodies = new ArrayList<>();
    List<Node> otherwise = List.of();
    String branch = "if";
    while (!branch.equals("endif")) {
      if (branch.equals("else")) {
        tokens.expect(Kind.BLOCK_END);
        otherwise = body(Set.of("endif"));
      } else {
        conditions.add(expressions.tuple());
        tokens.expect(Kind.BLOCK_END);
        bodies.add(body(Set.of("elif", "else", "endif")));
      }
      branch = tokens.name();
    }
    tokens.expect(Kind.BLOCK_END);
    return new Node.If(conditions, bodies, otherwise);
  }

  private Node loop() {
    boolean parenthesis = tokens.takeOperator("(");
    List<String> targets = new ArrayList<>();
    do {
      targets.add(tokens.name());
    } while (tokens.takeOperator(","));
    if (parenthesis) {
      tokens.expectOperator(")");
    }
    if (!tokens.takeName("in")) {
      throw tokens.unexpected("“in”");
    }
    Expression items = expressions.or();
    if (tokens.peekOperator(",")) {
      List<Expression> all = new ArrayList<>(List.of(items));
      while (tokens.takeOperator(",")) {
        all.add(expressions.or());
      }
      items = new Node.Sequence(all);
    }
    Expression condition = tokens.takeName("if") ? expressions.expression() : null;
    boolean recursive = tokens.takeName("recursive");
    tokens.expect(Kind.BLOCK_END);
    List<Node> body = body(Set.of("else", "endfor"));
    List<Node> otherwise = List.of();
    if (tokens.name().equals("else")) {
      tokens.expect(Kind.BLOCK_END);
      otherwise = body(Set.of("endfor"));
      tokens.next();
    }
    tokens.expect(Kind.BLOCK_END);
    return new Node.For(targets, items, condition, recursive, body, otherwise);
  }

  private Node assignment() {
    boolean parenthesis = tokens.takeOperator("(");
    List<Expression> targets = new ArrayList<>();
    do {
      Expression target = new Node.Name(tokens.name());
      targets.add(tokens.takeOperator(".") ? new Node.Attribute(target, tokens.name()) : target);
    } while (tokens.takeOperator(","));
    if (parenthesis) {
      tokens.expectOperator(")");
    }
    if (tokens.takeOperator("=")) {
      Expression value = expressions.tuple();
      tokens.expect(Kind.BLOCK_END);
      return new Node.Assign(targets, value);
    }
    List<Node.Filter> filters = new ArrayList<>();
    while (tokens.takeOperator("|")) {
      filters.add(expressions.filter(null));
    }
    if (!(targets.getFirst() instanceof Node.Name(String name)) || targets.size() > 1) {
      throw tokens.unexpected("“=”");
    }
    return new Node.AssignBlock(name, filters, bodyUntil("endset"));
  }

  private List<Node.Filter> filters() {
    List<Node.Filter> filters = new ArrayList<>();
    do {
      filters.add(expressions.filter(null));
    } while (tokens.takeOperator("|"));
    return filters;
  }

  private Node.Macro macro() {
    String name = tokens.name();
    return signature(name, "endmacro");
  }

  private Node.Macro signature(String name, String end) {
    List<String> parameters = new ArrayList<>();
    List<Expression> defaults = new ArrayList<>();
    if (end.equals("endmacro") || tokens.peekOperator("(")) {
      tokens.expectOperator("(");
      while (!tokens.takeOperator(")")) {
        parameters.add(tokens.name());
        if (tokens.takeOperator("=")) {
          defaults.add(expressions.expression());
        } else if (!defaults.isEmpty()) {
          throw tokens.unexpected("a default value");
        }
        if (!tokens.peekOperator(")")) {
          tokens.expectOperator(",");
        }
      }
    }
    if (end.equals("endmacro")) {
      return new Node.Macro(name, parameters, defaults, bodyUntil(end));
    }
    return new Node.Macro(name, parameters, defaults, List.of());
  }

  private Node callBlock() {
    Node.Macro head = signature("caller", "endcall");
    Expression call = expressions.expression();
    if (!(call instanceof Node.Call macroCall)) {
      throw tokens.unexpected("a call");
    }
    List<Node> body = bodyUntil("endcall");
    return new Node.CallBlock(
        new Node.Macro("caller", head.parameters(), head.defaults(), body), macroCall);
  }

  private Node with() {
    List<String> names = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (tokens.peek().kind() != Kind.BLOCK_END) {
      names.add(tokens.name());
      tokens.expectOperator("=");
      values.add(expressions.expression());
      tokens.takeOperator(",");
    }
    return new Node.With(names, values, bodyUntil("endwith"));
  }
}
