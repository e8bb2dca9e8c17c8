package dev.quire.tokenizer.jinja;

import dev.quire.tokenizer.jinja.Node.Expression;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Evaluates expressions: the values, names and calls of one rendering. */
final class Interpreter {
  /** Methods that change their object; the sandbox that templates are written for forbids them. */
  private static final Set<String> MUTATORS =
      Set.of(
          "append",
          "clear",
          "extend",
          "insert",
          "pop",
          "remove",
          "reverse",
          "sort",
          "popitem",
          "setdefault",
          "update");

  private final Budget budget = new Budget();
  private final Filters filters = new Filters(this);

  Budget budget() {
    return budget;
  }

  @Nullable Object evaluate(Expression expression, Scope scope) {
    budget.spend(0);
    return switch (expression) {
      case Node.Literal(Object value) -> value;
      case Node.Name(String name) -> scope.get(name);
      case Node.Sequence(List<Expression> items) -> all(items, scope);
      case Node.Dictionary(List<Expression> keys, List<Expression> values) -> {
        Map<@Nullable Object, @Nullable Object> map = new LinkedHashMap<>();
        for (int i = 0; i < keys.size(); i++) {
          map.put(evaluate(keys.get(i), scope), evaluate(values.get(i), scope));
        }
        yield map;
      }
      case Node.Attribute(Expression object, String name) ->
          attribute(Safe.plain(evaluate(object, scope)), name);
      case Node.Item(Expression object, Expression key) ->
          item(Safe.plain(evaluate(object, scope)), Safe.plain(evaluate(key, scope)));
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
                  all(test.arguments().positional(), scope))
              != test.negated();
      case Node.Unary(String operator, Expression operand) -> {
        Object value = evaluate(operand, scope);
        if (operator.equals("not")) {
          yield !Values.truth(value);
        }
        Values.refuseUndefined(value);
        yield Arithmetic.apply(operator, 0L, value, budget);
      }
      case Node.Binary binary -> binary(binary, scope);
      case Node.Comparison comparison -> compare(comparison, scope);
      case Node.Conditional(Expression condition, Expression then, Expression otherwise) ->
          Values.truth(evaluate(condition, scope))
              ? evaluate(then, scope)
              : otherwise != null
                  ? evaluate(otherwise, scope)
                  : new Undefined(
                      "the inline if-expression evaluated to false and no else section was"
                          + " defined.");
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
        String a = Values.text(left);
        String b = Values.text(right);
        budget.spend((long) a.length() + b.length());
        yield a + b;
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
    budget.spend(input instanceof String text ? text.length() : 0);
    Object value =
        filters.apply(
            filter.name(),
            input,
            all(filter.arguments().positional(), scope),
            named(filter.arguments(), scope));
    if (value instanceof String text) {
      budget.spend(text.length());
    }
    return value;
  }

  private Map<String, @Nullable Object> named(Node.Arguments arguments, Scope scope) {
    Map<String, @Nullable Object> named = new LinkedHashMap<>();
    for (Map.Entry<String, Expression> entry : arguments.named().entrySet()) {
      named.put(entry.getKey(), evaluate(entry.getValue(), scope));
    }
    return named;
  }

  @Nullable Object call(@Nullable Object callee, Node.Arguments arguments, Scope scope) {
    Values.refuseUndefined(callee);
    if (!(callee instanceof Callable callable)) {
      throw new JinjaException("'" + Values.type(callee) + "' object is not callable");
    }
    budget.enter();
    Object value = callable.call(all(arguments.positional(), scope), named(arguments, scope));
    budget.leave();
    if (value instanceof String text) {
      budget.spend(text.length());
    }
    return value;
  }

  /** {@code object.name}: a method, else an item. */
  @Nullable Object attribute(@Nullable Object object, String name) {
    if (object instanceof LoopCall(_, Namespace state)) {
      return found(state, name);
    }
    Object method = method(object, name);
    return method != null ? method : found(object, name);
  }

  /** {@code object[key]}: an item, else a method. */
  @Nullable Object item(@Nullable Object object, @Nullable Object key) {
    if (object instanceof Map<?, ?> || object instanceof Namespace) {
      Object value = found(object, key);
      Object method =
          value instanceof Undefined && key instanceof String name ? method(object, name) : null;
      return method != null ? method : value;
    }
    if (key instanceof Long index) {
      List<?> list = object instanceof List<?> items ? items : null;
      if (object instanceof String text) {
        list = Values.items(text);
      }
      if (list != null) {
        long at = index < 0 ? index + list.size() : index;
        return at >= 0 && at < list.size()
            ? list.get((int) at)
            : new Undefined("'" + Values.type(object) + " object' has no element " + index);
      }
    }
    return key instanceof String name ? attribute(object, name) : found(object, key);
  }

  private static @Nullable Object found(@Nullable Object object, @Nullable Object key) {
    if (object instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (object instanceof Map<?, ?> map && map.containsKey(key)) {
      return map.get(key);
    }
    if (object instanceof Namespace(Map<String, @Nullable Object> values, _)
        && values.containsKey(key)) {
      return values.get(key);
    }
    String owner = object == null ? "None" : "'" + Values.type(object) + " object'";
    return new Undefined(
        owner
            + (key instanceof String name ? " has no attribute '" + name : " has no element ")
            + (key instanceof String ? "'" : Values.text(key)));
  }

  private static @Nullable Object method(@Nullable Object object, String name) {
    if (object instanceof String text) {
      return StringMethods.find(text, name);
    }
    if ((object instanceof List || object instanceof Map) && MUTATORS.contains(name)) {
      if (object instanceof Map && (name.equals("sort") || name.equals("reverse"))) {
        return null;
      }
      return new Undefined(
          "access to attribute '%s' of '%s' object is unsafe."
              .formatted(name, Values.type(object)));
    }
    if (object instanceof List<?> list) {
      return switch (name) {
        case "count" ->
            (Callable)
                (args, _) -> list.stream().filter(i -> Values.equal(i, args.getFirst())).count();
        case "index" ->
            (Callable)
                (args, _) -> {
                  for (int i = 0; i < list.size(); i++) {
                    if (Values.equal(list.get(i), args.getFirst())) {
                      return (long) i;
                    }
                  }
                  throw new JinjaException(Values.text(args.getFirst()) + " is not in list");
                };
        default -> null;
      };
    }
    return object instanceof Map<?, ?> map ? mapMethod(map, name) : null;
  }

  private static @Nullable Callable mapMethod(Map<?, ?> map, String name) {
    return switch (name) {
      case "items" -> (_, _) -> new Generated("dict_items", pairs(map));
      case "keys" -> (_, _) -> new Generated("dict_keys", new ArrayList<>(map.keySet()));
      case "values" -> (_, _) -> new Generated("dict_values", new ArrayList<>(map.values()));
      case "copy" -> (_, _) -> new LinkedHashMap<>(map);
      case "get" ->
          (args, _) -> {
            if (args.isEmpty()) {
              throw new JinjaException("get expected at least 1 argument, got 0");
            }
            return map.containsKey(args.getFirst())
                ? map.get(args.getFirst())
                : StringMethods.argument(args, 1);
          };
      default -> null;
    };
  }

  static List<@Nullable Object> pairs(Map<?, ?> map) {
    List<@Nullable Object> pairs = new ArrayList<>();
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      List<@Nullable Object> pair = new ArrayList<>(2);
      pair.add(entry.getKey());
      pair.add(entry.getValue());
      pairs.add(pair);
    }
    return pairs;
  }

  private Object slice(Node.Slice slice, Scope scope) {
    Object object = Safe.plain(evaluate(slice.object(), scope));
    Values.refuseUndefined(object);
    if (!(object instanceof String) && !(object instanceof List)) {
      throw new JinjaException("'" + Values.type(object) + "' object is not subscriptable");
    }
    List<@Nullable Object> items = Values.items(object);
    long step = bound(slice.step(), 1, scope);
    if (step == 0) {
      throw new JinjaException("slice step cannot be zero");
    }
    int size = items.size();
    long start = clip(bound(slice.start(), step > 0 ? 0 : Long.MAX_VALUE, scope), size, step);
    long none = step > 0 ? Long.MAX_VALUE : Long.MIN_VALUE;
    long stop = clip(bound(slice.stop(), none, scope), size, step);
    List<@Nullable Object> chosen = new ArrayList<>();
    for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
      chosen.add(items.get((int) i));
    }
    budget.spend(chosen.size());
    if (object instanceof String) {
      StringBuilder text = new StringBuilder();
      chosen.forEach(text::append);
      return text.toString();
    }
    return chosen;
  }

  private long bound(@Nullable Expression expression, long fallback, Scope scope) {
    Object value = expression == null ? null : evaluate(expression, scope);
    return value == null ? fallback : Math.clamp(Values.integer(value), -1L << 40, 1L << 40);
  }

  private static long clip(long index, int size, long step) {
    long from = index < 0 && index != Long.MIN_VALUE ? index + size : index;
    return step > 0 ? Math.clamp(from, 0, size) : Math.clamp(from, -1, size - 1);
  }

  /** Functions that every template may call. */
  static Map<String, Callable> functions() {
    Map<String, Callable> functions = new HashMap<>();
    functions.put(
        "namespace",
        (args, named) -> {
          Map<String, @Nullable Object> values = new LinkedHashMap<>();
          if (!args.isEmpty() && args.getFirst() instanceof Map<?, ?> map) {
            map.forEach((key, value) -> values.put(Values.text(key), value));
          }
          values.putAll(named);
          return new Namespace(values, "Namespace");
        });
    functions.put("dict", (_, named) -> new LinkedHashMap<Object, @Nullable Object>(named));
    functions.put("range", (args, _) -> range(args));
    return functions;
  }

  private static Object range(List<@Nullable Object> arguments) {
    if (arguments.isEmpty()) {
      throw new JinjaException("range expected at least 1 argument, got 0");
    }
    long start = arguments.size() > 1 ? Values.integer(arguments.get(0)) : 0;
    long stop = Values.integer(arguments.get(arguments.size() > 1 ? 1 : 0));
    long step = arguments.size() > 2 ? Values.integer(arguments.get(2)) : 1;
    if (step == 0) {
      throw new JinjaException("range() arg 3 must not be zero");
    }
    List<@Nullable Object> numbers = new ArrayList<>();
    for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
      if (numbers.size() == 100_000) {
        throw new JinjaException("Range too big. The sandbox blocks ranges larger than 100000.");
      }
      numbers.add(i);
    }
    return numbers;
  }
}
