package dev.quire.tokenizer.jinja;

import dev.quire.tokenizer.jinja.Node.Expression;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Walks statements and writes text: one rendering of one template. */
final class Renderer {
  private enum Flow {
    NEXT,
    BREAK,
    CONTINUE
  }

  private final Interpreter interpreter = new Interpreter();
  private final Budget budget = interpreter.budget();

  String render(List<Node> nodes, Scope scope) {
    StringBuilder out = new StringBuilder();
    run(nodes, scope, out);
    return out.toString();
  }

  private Flow run(List<Node> nodes, Scope scope, StringBuilder out) {
    for (Node node : nodes) {
      budget.spend(0);
      Flow flow = run(node, scope, out);
      if (flow != Flow.NEXT) {
        return flow;
      }
    }
    return Flow.NEXT;
  }

  private void write(String text, StringBuilder out) {
    budget.spend(out.length() + text.length() > Budget.SIZE ? Long.MAX_VALUE / 2 : text.length());
    out.append(text);
  }

  private Flow run(Node node, Scope scope, StringBuilder out) {
    switch (node) {
      case Node.Text(String text) -> write(text, out);
      case Node.Output(Expression value, _) ->
          write(Values.text(interpreter.evaluate(value, scope)), out);
      case Node.If choice -> {
        for (int i = 0; i < choice.conditions().size(); i++) {
          if (Values.truth(interpreter.evaluate(choice.conditions().get(i), scope))) {
            return run(choice.bodies().get(i), scope, out);
          }
        }
        return run(choice.otherwise(), scope, out);
      }
      case Node.For loop -> loop(loop, interpreter.evaluate(loop.items(), scope), scope, out, 1);
      case Node.Assign(List<Expression> targets, Expression value) ->
          assign(targets, interpreter.evaluate(value, scope), scope);
      case Node.AssignBlock(String target, List<Node.Filter> filters, List<Node> body) ->
          scope.set(target, filtered(filters, body, scope));
      case Node.FilterBlock(List<Node.Filter> filters, List<Node> body) ->
          write(Values.text(filtered(filters, body, scope)), out);
      case Node.Macro macro -> scope.set(macro.name(), callable(macro, scope));
      case Node.CallBlock(Node.Macro caller, Node.Call call) -> {
        Scope inner = new Scope(scope);
        inner.set("caller", callable(caller, scope));
        Map<String, Expression> named = new LinkedHashMap<>(call.arguments().named());
        named.put("caller", new Node.Name("caller"));
        Object callee = interpreter.evaluate(call.callee(), scope);
        Node.Arguments arguments = new Node.Arguments(call.arguments().positional(), named);
        write(Values.text(interpreter.call(callee, arguments, inner)), out);
      }
      case Node.With(List<String> names, List<Expression> values, List<Node> body) -> {
        Scope inner = new Scope(scope);
        for (int i = 0; i < names.size(); i++) {
          inner.set(names.get(i), interpreter.evaluate(values.get(i), scope));
        }
        return run(body, inner, out);
      }
      case Node.Break _ -> {
        return Flow.BREAK;
      }
      case Node.Continue _ -> {
        return Flow.CONTINUE;
      }
      case Expression _ -> throw new IllegalStateException("an expression is no statement");
    }
    return Flow.NEXT;
  }

  private @Nullable Object filtered(List<Node.Filter> filters, List<Node> body, Scope scope) {
    StringBuilder inner = new StringBuilder();
    run(body, new Scope(scope), inner);
    Object value = inner.toString();
    for (Node.Filter filter : filters) {
      value = interpreter.filter(filter, value, scope);
    }
    return value;
  }

  private void assign(List<Expression> targets, @Nullable Object value, Scope scope) {
    if (targets.size() == 1) {
      assignOne(targets.getFirst(), value, scope);
      return;
    }
    List<@Nullable Object> values = unpack(value, targets.size());
    for (int i = 0; i < targets.size(); i++) {
      assignOne(targets.get(i), values.get(i), scope);
    }
  }

  private static List<@Nullable Object> unpack(@Nullable Object value, int count) {
    List<@Nullable Object> values = Values.items(value);
    if (values.size() > count) {
      throw new JinjaException("too many values to unpack (expected " + count + ")");
    }
    if (values.size() < count) {
      throw new JinjaException(
          "not enough values to unpack (expected " + count + ", got " + values.size() + ")");
    }
    return values;
  }

  private void assignOne(Expression target, @Nullable Object value, Scope scope) {
    switch (target) {
      case Node.Name(String name) -> scope.set(name, value);
      case Node.Attribute(Expression object, String name) -> {
        if (!(interpreter.evaluate(object, scope)
            instanceof Namespace(Map<String, @Nullable Object> values, _))) {
          throw new JinjaException("cannot assign attribute on non-namespace object");
        }
        values.put(name, value);
      }
      default -> throw new JinjaException("cannot assign to an expression");
    }
  }

  private void loop(
      Node.For loop, @Nullable Object source, Scope scope, StringBuilder out, int depth) {
    budget.enter();
    List<@Nullable Object> items = Values.items(Safe.plain(source));
    Expression condition = loop.condition();
    if (condition != null) {
      List<@Nullable Object> kept = new ArrayList<>();
      for (Object item : items) {
        Scope inner = new Scope(scope);
        bind(loop.targets(), item, inner);
        if (Values.truth(interpreter.evaluate(condition, inner))) {
          kept.add(item);
        }
      }
      items = kept;
    }
    for (int i = 0; i < items.size(); i++) {
      Scope inner = new Scope(scope);
      bind(loop.targets(), items.get(i), inner);
      Object state = state(items, i, depth);
      inner.set("loop", loop.recursive() ? recursive(loop, state, scope, depth) : state);
      if (run(loop.body(), inner, out) == Flow.BREAK) {
        break;
      }
    }
    if (items.isEmpty()) {
      run(loop.otherwise(), new Scope(scope), out);
    }
    budget.leave();
  }

  /** In a recursive loop {@code loop(items)} runs the loop over other items. */
  private Object recursive(Node.For loop, Object state, Scope scope, int depth) {
    Callable again =
        (args, _) -> {
          StringBuilder inner = new StringBuilder();
          loop(loop, args.getFirst(), scope, inner, depth + 1);
          return inner.toString();
        };
    return new LoopCall(again, (Namespace) state);
  }

  private void bind(List<String> targets, @Nullable Object item, Scope scope) {
    if (targets.size() == 1) {
      scope.set(targets.getFirst(), item);
      return;
    }
    List<@Nullable Object> values = unpack(item, targets.size());
    for (int i = 0; i < targets.size(); i++) {
      scope.set(targets.get(i), values.get(i));
    }
  }

  private static Namespace state(List<@Nullable Object> items, int i, int depth) {
    int size = items.size();
    Map<String, @Nullable Object> state = new LinkedHashMap<>();
    state.put("index", i + 1L);
    state.put("index0", (long) i);
    state.put("first", i == 0);
    state.put("last", i == size - 1);
    state.put("length", (long) size);
    state.put("revindex", (long) size - i);
    state.put("revindex0", size - i - 1L);
    state.put("depth", (long) depth);
    state.put("depth0", depth - 1L);
    state.put("previtem", i > 0 ? items.get(i - 1) : new Undefined("there is no previous item"));
    state.put("nextitem", i + 1 < size ? items.get(i + 1) : new Undefined("there is no next item"));
    state.put("cycle", (Callable) (args, _) -> args.get(i % args.size()));
    return new Namespace(state, "LoopContext");
  }

  private Callable callable(Node.Macro macro, Scope definition) {
    return (arguments, named) -> {
      Scope inner = new Scope(definition);
      List<String> parameters = macro.parameters();
      int required = parameters.size() - macro.defaults().size();
      if (arguments.size() > parameters.size()) {
        throw new JinjaException(
            "macro '%s' takes not more than %d argument(s)"
                .formatted(macro.name(), parameters.size()));
      }
      for (int i = 0; i < parameters.size(); i++) {
        String parameter = parameters.get(i);
        if (i < arguments.size()) {
          inner.set(parameter, arguments.get(i));
        } else if (named.containsKey(parameter)) {
          inner.set(parameter, named.get(parameter));
        } else if (i >= required) {
          Expression fallback = macro.defaults().get(i - required);
          inner.set(parameter, interpreter.evaluate(fallback, inner));
        } else {
          inner.set(parameter, new Undefined("parameter '" + parameter + "' was not provided"));
        }
      }
      if (named.containsKey("caller")) {
        inner.set("caller", named.get("caller"));
      }
      StringBuilder out = new StringBuilder();
      run(macro.body(), inner, out);
      return out.toString();
    };
  }
}
