package dev.quire.tokenizer.jinja;

import dev.quire.tokenizer.jinja.Node.Expression;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Evaluates expressions: the values, names and calls of one rendering. */
final class Interpreter {
  /** What every Python object has and the sandbox hides. */
  private static final Set<String> HIDDEN =
      Set.of(
          "__class__",
          "__init__",
          "__len__",
          "__doc__",
          "__eq__",
          "__str__",
          "__repr__",
          "__hash__",
          "__dir__",
          "__getattribute__",
          "__setattr__",
          "__reduce__",
          "__subclasshook__");

  private final Budget budget = new Budget();
  private final Filters filters = new Filters(this);
  private boolean escapes;

  /** Whether what is written is escaped for HTML. */
  boolean escapes() {
    return escapes;
  }

  void escape(boolean escapes) {
    this.escapes = escapes;
  }

  Budget budget() {
    return budget;
  }

  @Nullable Object evaluate(Expression expression, Scope scope) {
    budget.spend(0);
    return switch (expression) {
      case Node.Literal(Object value) -> value;
      case Node.Name(String name) -> scope.get(name);
      case Node.Sequence(List<Expression> items, boolean tuple) ->
          tuple ? Tuple.of(all(items, scope)) : all(items, scope);
      case Node.Dictionary(List<Expression> keys, List<Expression> values) -> {
        Map<@Nullable Object, @Nullable Object> map = new LinkedHashMap<>();
        for (int i = 0; i < keys.size(); i++) {
          map.put(Values.key(map, evaluate(keys.get(i), scope)), evaluate(values.get(i), scope));
        }
        yield map;
      }
      case Node.Attribute(Expression object, String name) ->
          attribute(evaluate(object, scope), name);
      case Node.Item(Expression object, Expression key) ->
          item(evaluate(object, scope), Safe.plain(evaluate(key, scope)));
      case Node.Slice slice -> slice(slice, scope);
      case Node.Call(Expression callee, Node.Arguments arguments) ->
          call(evaluate(callee, scope), arguments, scope);
      case Node.Filter filter -> {
        Expression input = filter.input();
        yield filter(filter, input == null ? null : evaluate(input, scope), scope);
      }
      case Node.Test test ->
          Tests.apply(
                  test.name(),
                  evaluate(test.input(), scope),
                  positional(test.arguments(), scope),
                  named(test.arguments(), scope))
              != test.negated();
      case Node.Unary(String operator, Expression operand) -> {
        Object value = evaluate(operand, scope);
        if (operator.equals("not")) {
          yield !Values.truth(value);
        }
        yield Arithmetic.sign(operator, Safe.plain(value));
      }
      case Node.Binary binary -> binary(binary, scope);
      case Node.Comparison comparison -> compare(comparison, scope);
      case Node.Conditional(
              Expression condition,
              Expression then,
              Expression otherwise,
              int line) ->
          Values.truth(evaluate(condition, scope))
              ? evaluate(then, scope)
              : otherwise != null
                  ? evaluate(otherwise, scope)
                  : new Undefined(
                      "the inline if-expression on line "
                          + line
                          + " evaluated to false and no else section was defined.");
    };
  }

  List<@Nullable Object> all(List<Expression> expressions, Scope scope) {
    List<@Nullable Object> values = new ArrayList<>(expressions.size());
    for (Expression expression : expressions) {
      values.add(evaluate(expression, scope));
    }
    return values;
  }

  private @Nullable Object binary(Node.Binary binary, Scope scope) {
    Object left = evaluate(binary.left(), scope);
    return switch (binary.operator()) {
      case "and" -> Values.truth(left) ? evaluate(binary.right(), scope) : left;
      case "or" -> Values.truth(left) ? left : evaluate(binary.right(), scope);
      case "~" -> {
        Object right = evaluate(binary.right(), scope);
        boolean safe = escapes && (left instanceof Safe || right instanceof Safe);
        String a = safe ? Safe.escaped(left) : Values.text(left);
        String b = safe ? Safe.escaped(right) : Values.text(right);
        budget.spend((long) a.length() + b.length());
        yield safe ? new Safe(a + b) : a + b;
      }
      default -> Arithmetic.apply(binary.operator(), left, evaluate(binary.right(), scope), budget);
    };
  }

  private boolean compare(Node.Comparison comparison, Scope scope) {
    Object left = Safe.plain(evaluate(comparison.first(), scope));
    for (int i = 0; i < comparison.operators().size(); i++) {
      String operator = comparison.operators().get(i);
      Object right = Safe.plain(evaluate(comparison.others().get(i), scope));
      boolean holds =
          switch (operator) {
            case "==" -> Values.equal(left, right);
            case "!=" -> !Values.equal(left, right);
            case "in" -> Values.contains(right, left);
            case "not in" -> !Values.contains(right, left);
            case "<" -> Values.compare(left, right, operator) < 0;
            case "<=" -> Values.compare(left, right, operator) <= 0;
            case ">" -> Values.compare(left, right, operator) > 0;
            default -> Values.compare(left, right, operator) >= 0;
          };
      if (!holds) {
        return false;
      }
      left = right;
    }
    return true;
  }

  @Nullable Object filter(Node.Filter filter, @Nullable Object input, Scope scope) {
    if (!Filters.NAMES.contains(filter.name())) {
      throw new JinjaException("No filter named '" + filter.name() + "' found.");
    }
    budget.spend(input instanceof String text ? text.length() : 0);
    Object value =
        filters.apply(
            filter.name(),
            input,
            positional(filter.arguments(), scope),
            named(filter.arguments(), scope));
    if (value instanceof String text) {
      budget.spend(text.length());
    }
    return value;
  }

  private List<@Nullable Object> positional(Node.Arguments arguments, Scope scope) {
    List<@Nullable Object> values = all(arguments.positional(), scope);
    Expression more = arguments.more();
    if (more != null) {
      values.addAll(Values.items(Safe.plain(evaluate(more, scope))));
    }
    return values;
  }

  private Map<String, @Nullable Object> named(Node.Arguments arguments, Scope scope) {
    Map<String, @Nullable Object> named = new LinkedHashMap<>();
    for (Map.Entry<String, Expression> entry : arguments.named().entrySet()) {
      named.put(entry.getKey(), evaluate(entry.getValue(), scope));
    }
    Expression more = arguments.moreNamed();
    if (more != null) {
      Object value = evaluate(more, scope);
      if (!(value instanceof Map<?, ?> map)) {
        Values.refuseUndefined(value);
        throw new JinjaException("argument after ** must be a mapping, not " + Values.type(value));
      }
      map.forEach((key, item) -> named.put(Values.text(key), item));
    }
    return named;
  }

  @Nullable Object call(@Nullable Object callee, Node.Arguments arguments, Scope scope) {
    Values.refuseUndefined(callee);
    if (!(callee instanceof Callable callable)) {
      throw new JinjaException("'" + Values.type(callee) + "' object is not callable");
    }
    budget.enter();
    Object value = callable.call(positional(arguments, scope), named(arguments, scope));
    budget.leave();
    if (value instanceof String text) {
      budget.spend(text.length());
    }
    return value;
  }

  /** {@code object.name}: a method, else an item. */
  @Nullable Object attribute(@Nullable Object object, String name) {
    Object method = member(object, name);
    return method != null ? method : found(object, name);
  }

  /** {@code object[key]}: an item, else a method. */
  @Nullable Object item(@Nullable Object object, @Nullable Object key) {
    if (object instanceof Safe(String text) && Values.isWhole(key)) {
      return Safe.of(item(text, key));
    }
    if (object instanceof Map<?, ?> map) {
      if (key instanceof Map || key instanceof List && !(key instanceof Tuple)) {
        return missing(object, key);
      }
      Object own = Values.key(map, key);
      if (map.containsKey(own)) {
        return map.get(own);
      }
      Object method = key instanceof String name ? member(object, name) : null;
      return method != null ? method : found(object, key);
    }
    if (Values.isWhole(key) && (object instanceof List || object instanceof String)) {
      List<?> list = object instanceof List<?> items ? items : Values.items(object);
      long index = Values.index(key);
      long at = index < 0 ? index + list.size() : index;
      return at >= 0 && at < list.size() ? list.get((int) at) : missing(object, key);
    }
    return key instanceof String name ? attribute(object, name) : found(object, key);
  }

  private static @Nullable Object found(@Nullable Object object, @Nullable Object key) {
    if (object instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (object instanceof Map<?, ?> map && Values.hasKey(map, key)) {
      return map.get(Values.key(map, key));
    }
    if (object instanceof Namespace(Map<String, @Nullable Object> values, _)
        && values.containsKey(key)) {
      return values.get(key);
    }
    return missing(object, key);
  }

  private static Undefined missing(@Nullable Object object, @Nullable Object key) {
    return new Undefined(
        key instanceof String name
            ? "'" + Values.owner(object) + "' has no attribute " + Printer.represent(name)
            : Values.owner(object) + " has no element " + Printer.represent(key));
  }

  /** What belongs to a value's type: its methods and attributes; null for none. */
  @Nullable Object member(@Nullable Object object, String name) {
    if (name.startsWith("__") && HIDDEN.contains(name) && !(object instanceof Undefined)) {
      return unsafe(object, name);
    }
    return switch (object) {
      case String text -> StringMethods.find(text, name, this);
      case Safe(String text) -> safeMethod(text, name);
      case Tuple tuple when tuple.placeOf(name) >= 0 -> tuple.get(tuple.placeOf(name));
      case List<?> list -> ContainerMethods.listMethod(list, name);
      case Map<?, ?> map -> ContainerMethods.mapMethod(map, name);
      case LoopCall(_, Namespace state) -> found(state, name);
      case MacroCall macro -> macro.attribute(name);
      case null, default -> null;
    };
  }

  /** Access that the sandbox forbids. */
  static Undefined unsafe(@Nullable Object object, String name) {
    return new Undefined(
        "access to attribute '%s' of '%s' object is unsafe.".formatted(name, Values.type(object)));
  }

  /** A string's method on safe text: what comes of it is safe, what goes into it is escaped. */
  private @Nullable Callable safeMethod(String text, String name) {
    Callable method = StringMethods.find(text, name, this);
    return method == null
        ? null
        : (arguments, named) -> {
          if (name.equals("replace") && arguments.size() > 1) {
            // Python's Markup escapes what it puts in, not what it looks for.
            List<@Nullable Object> both = new ArrayList<>(arguments);
            both.set(1, Safe.escapedDeeply(both.get(1)));
            return Safe.of(method.call(both, named));
          }
          if (!name.equals("format") && !name.equals("join")) {
            return Safe.of(method.call(arguments, named));
          }
          List<@Nullable Object> escaped = new ArrayList<>();
          arguments.forEach(argument -> escaped.add(Safe.escapedDeeply(argument)));
          Map<String, @Nullable Object> escapedNamed = new LinkedHashMap<>();
          named.forEach((key, value) -> escapedNamed.put(key, Safe.escapedDeeply(value)));
          return Safe.of(method.call(escaped, escapedNamed));
        };
  }

  private Object slice(Node.Slice slice, Scope scope) {
    Object whole = evaluate(slice.object(), scope);
    Object object = Safe.plain(whole);
    Values.refuseUndefined(object);
    if (object instanceof Map) {
      throw new JinjaException("unhashable type: 'slice'");
    }
    if (!(object instanceof String) && !(object instanceof List)) {
      throw new JinjaException("'" + Values.type(object) + "' object is not subscriptable");
    }
    List<?> items = object instanceof List<?> list ? list : Values.items(object);
    long step = bound(slice.step(), 1, scope);
    if (step == 0) {
      throw new JinjaException("slice step cannot be zero");
    }
    int size = items.size();
    long start = clip(bound(slice.start(), step > 0 ? 0 : Long.MAX_VALUE, scope), size, step);
    long none = step > 0 ? Long.MAX_VALUE : Long.MIN_VALUE;
    long stop = clip(bound(slice.stop(), none, scope), size, step);
    if (object instanceof Range range) {
      return range.slice(start, stop, step);
    }
    List<@Nullable Object> chosen = new ArrayList<>();
    for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
      chosen.add(items.get((int) i));
    }
    budget.spend(chosen.size());
    if (object instanceof String) {
      StringBuilder text = new StringBuilder();
      chosen.forEach(text::append);
      return whole instanceof Safe ? new Safe(text.toString()) : text.toString();
    }
    return object instanceof Tuple ? Tuple.of(chosen) : chosen;
  }

  private long bound(@Nullable Expression expression, long fallback, Scope scope) {
    Object value = expression == null ? null : evaluate(expression, scope);
    return value == null ? fallback : Math.clamp(Values.index(value), -1L << 40, 1L << 40);
  }

  private static long clip(long index, int size, long step) {
    long from = index < 0 && index != Long.MIN_VALUE ? index + size : index;
    return step > 0 ? Math.clamp(from, 0, size) : Math.clamp(from, -1, size - 1);
  }

  /** Functions that every template may call. */
  static Map<String, Callable> functions() {
    return Map.of(
        "namespace", Functions::namespace,
        "dict", Functions::dict,
        "range", (args, _) -> Range.of(args),
        "cycler", Functions::cycler,
        "lipsum", LoremIpsum::text,
        "joiner", Functions::joiner);
  }
}
