package dev.quire.tokenizer.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The functions that Jinja gives to every template. */
final class Functions {
  private Functions() {}

  static Object namespace(List<@Nullable Object> arguments, Map<String, @Nullable Object> named) {
    Map<String, @Nullable Object> values = new LinkedHashMap<>();
    mapping(arguments, named).forEach((key, value) -> values.put(Values.text(key), value));
    return new Namespace(values, Namespace.PLAIN);
  }

  static Object dict(List<@Nullable Object> arguments, Map<String, @Nullable Object> named) {
    return mapping(arguments, named);
  }

  /** A dictionary of another, or of pairs, and of named values. */
  private static Map<@Nullable Object, @Nullable Object> mapping(
      List<@Nullable Object> arguments, Map<String, @Nullable Object> named) {
    Map<@Nullable Object, @Nullable Object> values = new LinkedHashMap<>();
    if (arguments.size() > 1) {
      throw new JinjaException("dict expected at most 1 argument, got " + arguments.size());
    }
    if (!arguments.isEmpty()) {
      if (arguments.getFirst() instanceof Map<?, ?> map) {
        values.putAll(map);
      } else {
        for (Object pair : Values.items(arguments.getFirst())) {
          List<@Nullable Object> two = Values.items(pair);
          if (two.size() != 2) {
            throw new JinjaException(
                "dictionary update sequence element #%d has length %d; 2 is required"
                    .formatted(values.size(), two.size()));
          }
          values.put(Values.key(values, two.get(0)), two.get(1));
        }
      }
    }
    values.putAll(named);
    return values;
  }

  /** Items by turns: {@code next()}, {@code current} and {@code reset()}. */
  static Object cycler(List<@Nullable Object> items, Map<String, @Nullable Object> named) {
    if (items.isEmpty() || !named.isEmpty()) {
      throw new JinjaException("at least one item has to be provided");
    }
    Map<String, @Nullable Object> state = new LinkedHashMap<>();
    int[] turn = {0};
    state.put("current", items.getFirst());
    state.put(
        "next",
        (Callable)
            (_, _) -> {
              Object item = items.get(turn[0]);
              turn[0] = (turn[0] + 1) % items.size();
              state.put("current", items.get(turn[0]));
              return item;
            });
    state.put(
        "reset",
        (Callable)
            (_, _) -> {
              turn[0] = 0;
              state.put("current", items.getFirst());
              return null;
            });
    return new Namespace(state, "Cycler");
  }

  /** A function that is empty on its first call and the separator from then on. */
  static Object joiner(List<@Nullable Object> arguments, Map<String, @Nullable Object> named) {
    Object separator = arguments.isEmpty() ? named.getOrDefault("sep", ", ") : arguments.getFirst();
    boolean[] called = {false};
    return (Callable)
        (_, _) -> {
          boolean first = !called[0];
          called[0] = true;
          return first ? "" : separator;
        };
  }
}
