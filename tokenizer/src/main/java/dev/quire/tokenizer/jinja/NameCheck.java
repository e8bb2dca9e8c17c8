package dev.quire.tokenizer.jinja;

import dev.quire.tokenizer.jinja.Node.Expression;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds names of filters and tests that do not exist. Jinja refuses them as it compiles a template,
 * but for what stands right in an {@code if}, which fails only if it is reached.
 */
final class NameCheck {
  private NameCheck() {}

  /** What Jinja says of the first unknown name; null if there is none. */
  static @Nullable String problem(List<Node> nodes) {
    try {
      nodes.forEach(node -> statement(node, false));
      return null;
    } catch (JinjaException e) {
      return e.getMessage();
    }
  }

  /**
   * @param chosen whether an {@code if} around it decides if it is reached
   */
  private static void statement(@Nullable Node node, boolean chosen) {
    switch (node) {
      case null -> {}
      case Expression expression -> expression(expression, chosen);
      case Node.If(List<Expression> conditions, List<List<Node>> bodies, List<Node> otherwise) -> {
        all(conditions, true);
        bodies.forEach(body -> all(body, true));
        all(otherwise, true);
      }
      case Node.For loop -> {
        expression(loop.items(), chosen);
        expression(loop.condition(), false);
        all(loop.body(), false);
        all(loop.otherwise(), false);
      }
      case Node.Output(Expression value, _) -> expression(value, chosen);
      case Node.Assign(_, Expression value) -> expression(value, chosen);
      case Node.AssignBlock(_, List<Node.Filter> filters, List<Node> body) -> {
        all(body, false);
        all(filters, false);
      }
      case Node.FilterBlock(List<Node.Filter> filters, List<Node> body) -> {
        all(body, false);
        all(filters, false);
      }
      case Node.Macro macro -> {
        all(macro.defaults(), false);
        all(macro.body(), false);
      }
      case Node.CallBlock(Node.Macro caller, Node.Call call) -> {
        statement(caller, false);
        expression(call, chosen);
      }
      case Node.With(_, List<Expression> values, List<Node> body) -> {
        all(values, chosen);
        all(body, false);
      }
      case Node.Block block -> all(block.body(), false);
      case Node.Escaping(Expression value, List<Node> body) -> {
        expression(value, chosen);
        all(body, false);
      }
      case Node.Text _, Node.Failure _, Node.Break _, Node.Continue _ -> {}
    }
  }

  private static void all(Collection<? extends @Nullable Node> nodes, boolean chosen) {
    nodes.forEach(node -> statement(node, chosen));
  }

  private static void expression(@Nullable Expression expression, boolean chosen) {
    switch (expression) {
      case null -> {}
      case Node.Literal _, Node.Name _ -> {}
      case Node.Filter(Expression input, String name, Node.Arguments arguments) -> {
        refuse("filter", name, Filters.NAMES.contains(name) || chosen);
        expression(input, chosen);
        arguments(arguments, chosen);
      }
      case Node.Test(Expression input, String name, Node.Arguments arguments, _) -> {
        refuse("test", name, Tests.NAMES.contains(name) || chosen);
        expression(input, chosen);
        arguments(arguments, chosen);
      }
      case Node.Conditional(Expression condition, Expression then, Expression otherwise, _) -> {
        expression(condition, true);
        expression(then, true);
        expression(otherwise, true);
      }
      case Node.Sequence(List<Expression> items, _) -> all(items, chosen);
      case Node.Dictionary(List<Expression> keys, List<Expression> values) -> {
        all(keys, chosen);
        all(values, chosen);
      }
      case Node.Attribute(Expression object, _) -> expression(object, chosen);
      case Node.Item(Expression object, Expression key) -> {
        expression(object, chosen);
        expression(key, chosen);
      }
      case Node.Slice slice -> {
        expression(slice.object(), chosen);
        expression(slice.start(), chosen);
        expression(slice.stop(), chosen);
        expression(slice.step(), chosen);
      }
      case Node.Call(Expression callee, Node.Arguments arguments) -> {
        expression(callee, chosen);
        arguments(arguments, chosen);
      }
      case Node.Unary(_, Expression operand) -> expression(operand, chosen);
      case Node.Binary(_, Expression left, Expression right) -> {
        expression(left, chosen);
        expression(right, chosen);
      }
      case Node.Comparison(Expression first, _, List<Expression> others) -> {
        expression(first, chosen);
        all(others, chosen);
      }
    }
  }

  private static void arguments(Node.Arguments arguments, boolean chosen) {
    all(arguments.positional(), chosen);
    all(arguments.named().values(), chosen);
    expression(arguments.more(), chosen);
    expression(arguments.moreNamed(), chosen);
  }

  private static void refuse(String kind, String name, boolean allowed) {
    if (!allowed) {
      throw new JinjaException("No " + kind + " named '" + name + "'.");
    }
  }
}
