package dev.quire.tokenizer.jinja;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The tree of a template. */
sealed interface Node {

  /** Something with a value. */
  sealed interface Expression extends Node {}

  record Literal(@Nullable Object value) implements Expression {}

  record Name(String name) implements Expression {}

  /** A list, or a tuple. As the target of an assignment it unpacks a value. */
  record Sequence(List<Expression> items, boolean tuple) implements Expression {}

  record Dictionary(List<Expression> keys, List<Expression> values) implements Expression {}

  record Attribute(Expression object, String name) implements Expression {}

  record Item(Expression object, Expression key) implements Expression {}

  record Slice(
      Expression object,
      @Nullable Expression start,
      @Nullable Expression stop,
      @Nullable Expression step)
      implements Expression {}

  /** {@code f(positional, *more, name=named, **moreNamed)}. */
  record Arguments(
      List<Expression> positional,
      Map<String, Expression> named,
      @Nullable Expression more,
      @Nullable Expression moreNamed) {
    static final Arguments NONE = new Arguments(List.of(), Map.of(), null, null);
  }

  record Call(Expression callee, Arguments arguments) implements Expression {}

  /** {@code input | name(arguments)}; a filter block has no input of its own (null). */
  record Filter(@Nullable Expression input, String name, Arguments arguments)
      implements Expression {}

  record Test(Expression input, String name, Arguments arguments, boolean negated)
      implements Expression {}

  record Unary(String operator, Expression operand) implements Expression {}

  record Binary(String operator, Expression left, Expression right) implements Expression {}

  record Comparison(Expression first, List<String> operators, List<Expression> others)
      implements Expression {}

  record Conditional(
      Expression condition, Expression then, @Nullable Expression otherwise, int line)
      implements Expression {}

  record Text(String text) implements Node {}

  record Output(Expression value, int line) implements Node {}

  record If(List<Expression> conditions, List<List<Node>> bodies, List<Node> otherwise)
      implements Node {}

  record For(
      Expression target,
      Expression items,
      @Nullable Expression condition,
      boolean recursive,
      List<Node> body,
      List<Node> otherwise)
      implements Node {}

  /** The target is a name, an attribute of a namespace, or a sequence of targets. */
  record Assign(Expression target, Expression value) implements Node {}

  record AssignBlock(Expression target, List<Filter> filters, List<Node> body) implements Node {}

  /**
   * @param specials which of {@code varargs}, {@code kwargs} and {@code caller} the body names: it
   *     takes arguments beyond its parameters only then
   */
  record Macro(
      String name,
      List<String> parameters,
      List<Expression> defaults,
      List<Node> body,
      Set<String> specials)
      implements Node {}

  record CallBlock(Macro caller, Call call) implements Node {}

  record FilterBlock(List<Filter> filters, List<Node> body) implements Node {}

  /** Statements with names of their own. */
  record With(List<Expression> targets, List<Expression> values, List<Node> body) implements Node {}

  /**
   * A named part, rendered in its place and wherever {@code self.name()} stands. It sees the names
   * of the template's top level, and those around it only if {@code scoped}.
   */
  record Block(String name, boolean scoped, boolean required, List<Node> body) implements Node {}

  /** Statements whose output is escaped for HTML, if the value is true. */
  record Escaping(Expression value, List<Node> body) implements Node {}

  /** What can be parsed but not rendered. */
  record Failure(String message) implements Node {}

  record Break() implements Node {}

  record Continue() implements Node {}
}
