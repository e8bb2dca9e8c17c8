package dev.quire.tokenizer.jinja;

import dev.quire.tokenizer.jinja.Node.Expression;
import dev.quire.tokenizer.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Statements and text of a template. */
final class Parser {
  static final String VARARGS = "varargs";
  static final String KWARGS = "kwargs";
  static final String CALLER = "caller";
  private static final int DEEPEST = 100;
  private static final Set<String> CONSTANTS =
      Set.of("true", "True", "false", "False", "none", "None");

  private final Tokens tokens;
  private final ExpressionParser expressions;
  private final Map<String, Node.Block> blocks = new HashMap<>();
  private int depth;

  /** Loops around the current statement, in the current macro. */
  private int loops;

  private Parser(List<Token> tokens) {
    this.tokens = new Tokens(tokens);
    expressions = new ExpressionParser(this.tokens);
  }

  /**
   * A template.
   *
   * @param blocks its blocks by their names
   * @param problem what every rendering fails with; null for nothing
   */
  record Parsed(List<Node> nodes, Map<String, Node.Block> blocks, @Nullable String problem) {}

  static Parsed parse(String source) {
    Parser parser = new Parser(Lexer.tokens(source));
    List<Node> nodes = parser.body(Set.of());
    parser.tokens.expect(Kind.END);
    return new Parsed(nodes, parser.blocks, NameCheck.problem(nodes));
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
      case "generation" -> List.of(scoped("endgeneration"));
      case "block" -> List.of(block());
      case "autoescape" ->
          List.of(new Node.Escaping(expressions.expression(), List.of(scoped("endautoescape"))));
      case "include", "import", "extends", "from" -> {
        while (tokens.peek().kind() != Kind.BLOCK_END) {
          tokens.next();
        }
        yield List.of(closed(new Node.Failure("no loader for this environment specified")));
      }
      case "break", "continue" -> {
        if (loops == 0) {
          throw new JinjaException(
              name.equals("break") ? "'break' outside loop" : "'continue' not properly in loop");
        }
        yield List.of(closed(name.equals("break") ? new Node.Break() : new Node.Continue()));
      }
      default -> throw new JinjaException("Encountered unknown tag '" + name + "'.");
    };
  }

  private Node scoped(String end) {
    return new Node.With(List.of(), List.of(), bodyUntil(end));
  }

  private Node block() {
    String name = tokens.name();
    if (tokens.peekOperator("-")) {
      throw new JinjaException(
          "Block names in Jinja have to be valid Python identifiers and may not contain hyphens,"
              + " use an underscore instead.");
    }
    boolean scoped = tokens.takeName("scoped");
    boolean required = tokens.takeName("required");
    tokens.expect(Kind.BLOCK_END);
    int outer = loops;
    loops = 0;
    List<Node> body = body(Set.of("endblock"));
    loops = outer;
    tokens.next();
    tokens.takeName(name);
    tokens.expect(Kind.BLOCK_END);
    if (required && !body.stream().allMatch(Parser::isBlank)) {
      throw new JinjaException("Required blocks can only contain comments or whitespace");
    }
    Node.Block block = new Node.Block(name, scoped, required, body);
    if (blocks.put(name, block) != null) {
      throw new JinjaException("block '" + name + "' defined twice");
    }
    return block;
  }

  private static boolean isBlank(Node node) {
    return node instanceof Node.Text(String text) && text.isBlank();
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
    Expression target = target();
    if (!tokens.takeName("in")) {
      throw tokens.unexpected("“in”");
    }
    Expression items = expressions.or();
    if (tokens.peekOperator(",")) {
      List<Expression> all = new ArrayList<>(List.of(items));
      while (tokens.takeOperator(",")) {
        all.add(expressions.or());
      }
      items = new Node.Sequence(all, true);
    }
    Expression condition = tokens.takeName("if") ? expressions.expression() : null;
    boolean recursive = tokens.takeName("recursive");
    tokens.expect(Kind.BLOCK_END);
    loops++;
    List<Node> body = body(Set.of("else", "endfor"));
    loops--;
    List<Node> otherwise = List.of();
    if (tokens.name().equals("else")) {
      tokens.expect(Kind.BLOCK_END);
      otherwise = body(Set.of("endfor"));
      tokens.next();
    }
    tokens.expect(Kind.BLOCK_END);
    return new Node.For(target, items, condition, recursive, body, otherwise);
  }

  /** What is assigned to: a name, an attribute of a namespace, or several that unpack a value. */
  private Expression target() {
    Expression first = oneTarget();
    if (!tokens.peekOperator(",")) {
      return first;
    }
    List<Expression> targets = new ArrayList<>(List.of(first));
    while (tokens.takeOperator(",")) {
      Token next = tokens.peek();
      if (next.kind() != Kind.NAME && !tokens.peekOperator("(") || next.is(Kind.NAME, "in")) {
        break;
      }
      targets.add(oneTarget());
    }
    return new Node.Sequence(targets, true);
  }

  private Expression oneTarget() {
    if (++depth > DEEPEST) {
      throw tokens.unexpected("fewer nested parentheses");
    }
    Expression target;
    if (tokens.takeOperator("(")) {
      target = target();
      tokens.expectOperator(")");
    } else {
      String name = tokens.name();
      if (CONSTANTS.contains(name)) {
        throw new JinjaException("can't assign to '" + name + "'");
      }
      target = new Node.Name(name);
      if (tokens.takeOperator(".")) {
        target = new Node.Attribute(target, tokens.name());
      }
    }
    depth--;
    return target;
  }

  private Node assignment() {
    Expression target = target();
    if (tokens.takeOperator("=")) {
      Expression value = expressions.tuple();
      tokens.expect(Kind.BLOCK_END);
      return new Node.Assign(target, value);
    }
    if (target instanceof Node.Sequence) {
      throw tokens.unexpected("“=”");
    }
    List<Node.Filter> filters = new ArrayList<>();
    while (tokens.takeOperator("|")) {
      filters.add(expressions.filter(null));
    }
    return new Node.AssignBlock(target, filters, bodyUntil("endset"));
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
    if (!end.equals("endmacro")) {
      return new Node.Macro(name, parameters, defaults, List.of(), Set.of());
    }
    return withBody(name, parameters, defaults, end);
  }

  private Node.Macro withBody(
      String name, List<String> parameters, List<Expression> defaults, String end) {
    int start = tokens.place();
    int outer = loops;
    loops = 0;
    List<Node> body = bodyUntil(end);
    loops = outer;
    return new Node.Macro(
        name,
        parameters,
        defaults,
        body,
        tokens.namesSince(start, Set.of(VARARGS, KWARGS, CALLER)));
  }

  private Node callBlock() {
    Node.Macro head = signature(CALLER, "endcall");
    Expression call = expressions.expression();
    if (!(call instanceof Node.Call macroCall)) {
      throw tokens.unexpected("a call");
    }
    return new Node.CallBlock(
        withBody(CALLER, head.parameters(), head.defaults(), "endcall"), macroCall);
  }

  private Node with() {
    List<Expression> targets = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (tokens.peek().kind() != Kind.BLOCK_END) {
      targets.add(target());
      tokens.expectOperator("=");
      values.add(expressions.expression());
      if (!tokens.takeOperator(",")) {
        break;
      }
    }
    return new Node.With(targets, values, bodyUntil("endwith"));
  }
}
