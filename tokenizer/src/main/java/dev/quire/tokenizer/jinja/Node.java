package dev.quire.tokenizer.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tree of a template. */
sealed interface Node {

  /** Something with a value. */
  sealed interface Expression extends Node {}

  record Literal(@Nullable Object value) implements Expression {}

  record Name(String name) implements Expression {}

  record Sequence(List<Expression> items) implements Expression {}

  record Dictionary(List<Expression> keys, List<Expression> values) implements Expression {}

  record Attribute(Expression object, String name) implements Expression {}

  record Item(Expression object, Expression key) implements Expression {}

  record Slice(
      Expression object,
      @Nullable Expression start,
      @Nullable Expression stop,
      @Nullable Expression step)
      implements Expression {}

  record Arguments(List<Expression> positional, Map<String, Expression> named) {}

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

  record Conditional(Expression condition, Expression then, @Nullable Expression otherwise)
      implements Expression {}

  record Text(String text) implements Node {}

  record Output(Expression value, int line) implements Node {}

  record If(List<Expression> conditions, List<List<Node>> bodies, List<Node> otherwise)
      implements Node {}

  record For(
      List<String> targets,
      Expression items,
      @Nullable Expression condition,
      boolean recursive,
      List<Node> body,
      List<Node> otherwise)
      implements Node {}

  /** Several targets unpack a sequence; one target may be an attribute of a namespace. */
  record Assign(List<Expression> targets, Expression value) implements Node {}

  record AssignBlock(String target, List<Filter> filters, List<Node> body) implements Node {}

  record Macro(String name, List<String> parameters, List<Expression> defaults, List<Node> body)
      implements Node {}

  record CallBlock(Macro caller, Call call) implements Node {}

  record FilterBlock(List<Filter> filters, List<Node> body) implements Node {}

  record With(List<String> names, List<Expression> values, List<Node> body) implements Node {}

  record Break() implements Node {}

  record Continue() implements Node {}
}
