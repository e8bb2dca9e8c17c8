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
  private final Parser.Parsed template;

  /** The names of the template's top level. */
  private final Scope root;

  /**
   * @param given the names that the template was given
   */
  Renderer(Parser.Parsed template, Scope given) {
    this.template = template;
    this.root = new Scope(given);
    Map<String, @Nullable Object> blocks = new LinkedHashMap<>();
    template.blocks().forEach((name, block) -> blocks.put(name, (Callable) (_, _) -> text(block)));
    given.set("self", new Namespace(blocks, Namespace.SELF));
  }

  String render() {
    if (template.problem() != null) {
      throw new JinjaException(template.problem());
    }
    StringBuilder out = new StringBuilder();
    run(template.nodes(), root, out);
    return out.toString();
  }

  /** Text that was written, as a value: safe where output is escaped. */
  private Object written(CharSequence text) {
    return interpreter.escapes() ? new Safe(text.toString()) : text.toString();
  }

  private Object text(Node.Block block) {
    StringBuilder out = new StringBuilder();
    run(block, root, out);
    return written(out);
  }

  /** Blocks are compiled apart: no loop and no escaping around them reaches into them. */
  private void run(Node.Block block, Scope scope, StringBuilder out) {
    if (block.required()) {
      throw new JinjaException("Required block '" + block.name() + "' not found");
    }
    Scope inner = new Scope(block.scoped() ? scope : root);
    inner.set(
        "super",
        new Undefined("there is no parent block called " + Printer.represent(block.name()) + "."));
    boolean before = interpreter.escapes();
    interpreter.escape(false);
    run(block.body(), inner, out);
    interpreter.escape(before);
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
      case Node.Output(Expression expression, _) -> {
        Object value = interpreter.evaluate(expression, scope);
        write(interpreter.escapes() ? Safe.escaped(value) : Values.text(value), out);
      }
      case Node.Block block -> run(block, scope, out);
      case Node.Escaping(Expression value, List<Node> body) -> {
        boolean before = interpreter.escapes();
        interpreter.escape(Values.truth(interpreter.evaluate(value, scope)));
        Flow flow = run(body, scope, out);
        interpreter.escape(before);
        return flow;
      }
      case Node.If choice -> {
        for (int i = 0; i < choice.conditions().size(); i++) {
          if (Values.truth(interpreter.evaluate(choice.conditions().get(i), scope))) {
            return run(choice.bodies().get(i), scope, out);
          }
        }
        return run(choice.otherwise(), scope, out);
      }
      case Node.For loop -> loop(loop, interpreter.evaluate(loop.items(), scope), scope, out, 1);
      case Node.Assign(Expression target, Expression value) ->
          assign(target, interpreter.evaluate(value, scope), scope);
      case Node.AssignBlock(Expression target, List<Node.Filter> filters, List<Node> body) ->
          assign(target, marked(filtered(filters, body, scope)), scope);
      case Node.FilterBlock(List<Node.Filter> filters, List<Node> body) ->
          write(Values.text(filtered(filters, body, scope)), out);
      case Node.Macro macro -> scope.set(macro.name(), callable(macro, scope));
      case Node.CallBlock(Node.Macro caller, Node.Call call) -> {
        Scope inner = new Scope(scope);
        inner.set(Parser.CALLER, callable(caller, scope));
        Map<String, Expression> named = new LinkedHashMap<>(call.arguments().named());
        named.put(Parser.CALLER, new Node.Name(Parser.CALLER));
        Object callee = interpreter.evaluate(call.callee(), scope);
        Node.Arguments arguments =
            new Node.Arguments(
                call.arguments().positional(),
                named,
                call.arguments().more(),
                call.arguments().moreNamed());
        write(Values.text(interpreter.call(callee, arguments, inner)), out);
      }
      case Node.Failure(String message) -> throw new JinjaException(message);
      case Node.With(List<Expression> targets, List<Expression> values, List<Node> body) -> {
        Scope inner = new Scope(scope);
        for (int i = 0; i < targets.size(); i++) {
          assign(targets.get(i), interpreter.evaluate(values.get(i), scope), inner);
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
    Object value = written(inner);
    for (Node.Filter filter : filters) {
      value = interpreter.filter(filter, value, scope);
    }
    return value;
  }

  private @Nullable Object marked(@Nullable Object value) {
    return interpreter.escapes() && !(value instanceof Safe) ? new Safe(Values.text(value)) : value;
  }

  private static List<@Nullable Object> unpack(@Nullable Object value, int count) {
    Object plain = Safe.plain(value);
    if (plain == null || Values.isNumber(plain)) {
      throw new JinjaException("cannot unpack non-iterable " + Values.type(plain) + " object");
    }
    List<@Nullable Object> values = Values.items(plain);
    if (values.size() > count) {
      throw new JinjaException("too many values to unpack (expected " + count + ")");
    }
    if (values.size() < count) {
      throw new JinjaException(
          "not enough values to unpack (expected " + count + ", got " + values.size() + ")");
    }
    return values;
  }

  private void assign(Expression target, @Nullable Object value, Scope scope) {
    switch (target) {
      case Node.Name(String name) -> scope.set(name, value);
      case Node.Sequence(List<Expression> targets, _) -> {
        List<@Nullable Object> values = unpack(value, targets.size());
        for (int i = 0; i < targets.size(); i++) {
          assign(targets.get(i), values.get(i), scope);
        }
      }
      case Node.Attribute(Expression object, String name) -> {
        if (!(interpreter.evaluate(object, scope)
                instanceof Namespace(Map<String, @Nullable Object> values, String type))
            || !type.equals(Namespace.PLAIN)) {
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
        assign(loop.target(), item, inner);
        if (Values.truth(interpreter.evaluate(condition, inner))) {
          kept.add(item);
        }
      }
      items = kept;
    }
    Callable changed = changed();
    for (int i = 0; i < items.size(); i++) {
      Scope inner = new Scope(scope);
      assign(loop.target(), items.get(i), inner);
      Object state = state(items, i, depth, changed);
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
          return written(inner);
        };
    return new LoopCall(again, (Namespace) state);
  }

  private static Namespace state(List<@Nullable Object> items, int i, int depth, Callable changed) {
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
    state.put("cycle", (Callable) (args, _) -> cycle(args, i));
    state.put("changed", changed);
    return new Namespace(state, Namespace.LOOP);
  }

  private static @Nullable Object cycle(List<@Nullable Object> items, int turn) {
    if (items.isEmpty()) {
      throw new JinjaException("no items for cycling given");
    }
    return items.get(turn % items.size());
  }

  /** {@code loop.changed}: whether the arguments differ from those of the call before. */
  private static Callable changed() {
    List<List<@Nullable Object>> last = new ArrayList<>();
    return (arguments, _) -> {
      boolean differs = last.isEmpty() || !Values.equal(last.getFirst(), arguments);
      last.clear();
      last.add(arguments);
      return differs;
    };
  }

  /** A macro escapes as the place of its definition does; its text is safe as its caller has it. */
  private Callable callable(Node.Macro macro, Scope definition) {
    boolean escapes = interpreter.escapes();
    return new MacroCall(
        macro,
        (arguments, named) -> {
          Scope inner = new Scope(definition);
          boolean caller = interpreter.escapes();
          interpreter.escape(escapes);
          bind(macro, arguments, new LinkedHashMap<>(named), inner);
          StringBuilder out = new StringBuilder();
          run(macro.body(), inner, out);
          interpreter.escape(caller);
          return written(out);
        });
  }

  /** Sets a macro's parameters; {@code named} arguments are taken out as they are found. */
  private void bind(
      Node.Macro macro,
      List<@Nullable Object> arguments,
      Map<String, @Nullable Object> named,
      Scope inner) {
    List<String> parameters = macro.parameters();
    int required = parameters.size() - macro.defaults().size();
    int given = Math.min(arguments.size(), parameters.size());
    for (int i = 0; i < parameters.size(); i++) {
      String parameter = parameters.get(i);
      if (i < given) {
        inner.set(parameter, arguments.get(i));
      } else if (named.containsKey(parameter)) {
        inner.set(parameter, named.remove(parameter));
      } else if (i >= required) {
        Expression fallback = macro.defaults().get(i - required);
        inner.set(parameter, interpreter.evaluate(fallback, inner));
      } else {
        inner.set(parameter, new Undefined("parameter '" + parameter + "' was not provided"));
      }
    }
    if (macro.specials().contains(Parser.CALLER) && !parameters.contains(Parser.CALLER)) {
      inner.set(
          Parser.CALLER,
          named.containsKey(Parser.CALLER)
              ? named.remove(Parser.CALLER)
              : new Undefined("No caller defined"));
    }
    if (macro.specials().contains(Parser.KWARGS)) {
      inner.set(Parser.KWARGS, named);
    } else if (!named.isEmpty()) {
      throw new JinjaException(
          named.containsKey(Parser.CALLER)
              ? "macro '%s' was invoked with two values for the special caller argument. This is most likely a bug."
                  .formatted(macro.name())
              : "macro '%s' takes no keyword argument '%s'"
                  .formatted(macro.name(), named.keySet().iterator().next()));
    }
    if (macro.specials().contains(Parser.VARARGS)) {
      inner.set(Parser.VARARGS, Tuple.of(arguments.subList(given, arguments.size())));
    } else if (arguments.size() > given) {
      throw new JinjaException(
          "macro '%s' takes not more than %d argument(s)"
              .formatted(macro.name(), parameters.size()));
    }
  }
}
