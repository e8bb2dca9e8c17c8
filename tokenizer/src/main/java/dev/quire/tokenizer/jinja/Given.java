package dev.quire.tokenizer.jinja;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The arguments of one call of a filter, by the names of its parameters. */
record Given(Map<String, @Nullable Object> values) {

  /**
   * A filter's parameters.
   *
   * @param function the name under which Python's messages know the filter
   * @param required how many parameters must be given
   */
  record Parameters(String function, int required, List<String> names) {

    /** {@code "do_name first second"}; as many must be given as stand before a {@code /}. */
    static Parameters of(String declaration) {
      List<String> words = new ArrayList<>(Arrays.asList(declaration.split(" ")));
      String function = words.removeFirst();
      int slash = words.indexOf("/");
      if (slash >= 0) {
        words.remove(slash);
      }
      return new Parameters(function, Math.max(0, slash), List.copyOf(words));
    }

    Given bind(List<@Nullable Object> positional, Map<String, @Nullable Object> named) {
      if (positional.size() > names.size()) {
        throw new JinjaException(
            "%s() takes at most %d arguments besides the value but %d were given"
                .formatted(function, names.size(), positional.size()));
      }
      Map<String, @Nullable Object> values = new LinkedHashMap<>();
      for (int i = 0; i < positional.size(); i++) {
        values.put(names.get(i), positional.get(i));
      }
      named.forEach(
          (name, value) -> {
            if (!names.contains(name)) {
              throw new JinjaException(
                  "%s() got an unexpected keyword argument '%s'".formatted(function, name));
            }
            if (values.containsKey(name)) {
              throw new JinjaException(
                  "%s() got multiple values for argument '%s'".formatted(function, name));
            }
            values.put(name, value);
          });
      List<String> missing =
          names.subList(0, required).stream()
              .filter(name -> !values.containsKey(name))
              .map(name -> "'" + name + "'")
              .toList();
      if (!missing.isEmpty()) {
        throw new JinjaException(
            "%s() missing %d required positional argument%s: %s"
                .formatted(
                    function,
                    missing.size(),
                    missing.size() == 1 ? "" : "s",
                    missing.stream().collect(Collectors.joining(" and "))));
      }
      return new Given(values);
    }
  }

  boolean has(String name) {
    return values.containsKey(name);
  }

  @Nullable Object get(String name, @Nullable Object fallback) {
    return values.containsKey(name) ? values.get(name) : fallback;
  }

  @Nullable Object get(String name) {
    return values.get(name);
  }

  boolean flag(String name) {
    return Values.truth(values.get(name));
  }

  /** A number of items or characters, kept within bounds. */
  int count(String name, long fallback) {
    return Math.clamp(Values.index(get(name, fallback)), 0, FormatSpec.WIDEST);
  }
}
