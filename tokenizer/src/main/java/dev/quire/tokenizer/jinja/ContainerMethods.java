package dev.quire.tokenizer.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The methods of Python's lists and dictionaries that change nothing. */
final class ContainerMethods {
  /** Methods that change their object; the sandbox that templates are written for forbids them. */
  private static final Set<String> LIST_MUTATORS =
      Set.of("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort");

  private static final Set<String> MAP_MUTATORS =
      Set.of("clear", "pop", "popitem", "setdefault", "update");

  private ContainerMethods() {}

  static @Nullable Object listMethod(List<?> list, String name) {
    boolean plain = !(list instanceof Tuple) && !(list instanceof Range);
    if (plain && LIST_MUTATORS.contains(name)) {
      return Interpreter.unsafe(list, name);
    }
    return switch (name) {
      case "count" ->
          (Callable)
              (args, _) -> list.stream().filter(i -> Values.equal(i, args.getFirst())).count();
      case "index" -> (Callable) (args, _) -> index(list, args.getFirst());
      case "copy" -> plain ? (Callable) (_, _) -> new ArrayList<>(list) : null;
      default -> null;
    };
  }

  private static long index(List<?> list, @Nullable Object item) {
    for (int i = 0; i < list.size(); i++) {
      if (Values.equal(list.get(i), item)) {
        return i;
      }
    }
    throw new JinjaException(
        list instanceof Tuple
            ? "tuple.index(x): x not in tuple"
            : Printer.represent(item) + " is not in list");
  }

  static @Nullable Object mapMethod(Map<?, ?> map, String name) {
    if (MAP_MUTATORS.contains(name)) {
      return Interpreter.unsafe(map, name);
    }
    Callable method =
        switch (name) {
          case "items" -> (_, _) -> new Generated("dict_items", pairs(map));
          case "keys" -> (_, _) -> new Generated("dict_keys", new ArrayList<>(map.keySet()));
          case "values" -> (_, _) -> new Generated("dict_values", new ArrayList<>(map.values()));
          case "copy" -> (_, _) -> new LinkedHashMap<>(map);
          case "get" ->
              (args, named) -> {
                if (!named.isEmpty()) {
                  throw new JinjaException("dict.get() takes no keyword arguments");
                }
                if (args.isEmpty()) {
                  throw new JinjaException("get expected at least 1 argument, got 0");
                }
                Object key = Values.key(map, args.getFirst());
                return map.containsKey(key) ? map.get(key) : args.size() > 1 ? args.get(1) : null;
              };
          default -> null;
        };
    return method;
  }

  /** The entries as tuples of key and value. */
  static List<@Nullable Object> pairs(Map<?, ?> map) {
    List<@Nullable Object> pairs = new ArrayList<>();
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      pairs.add(Tuple.of(entry.getKey(), entry.getValue()));
    }
    return pairs;
  }
}
