package dev.quire.tokenizer.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Jinja's filters: {@code value | name(arguments)}. */
final class Filters {
  private final Interpreter interpreter;

  Filters(Interpreter interpreter) {
    this.interpreter = interpreter;
  }

  /** Arguments of a filter by place or name. */
  private record Given(List<@Nullable Object> positional, Map<String, @Nullable Object> named) {
    boolean has(int index, String name) {
      return index < positional.size() || named.containsKey(name);
    }

    @Nullable Object get(int index, String name, @Nullable Object fallback) {
      return index < positional.size() ? positional.get(index) : named.getOrDefault(name, fallback);
    }

    boolean flag(int index, String name) {
      return Values.truth(get(index, name, false));
    }
  }

  @Nullable Object apply(
      String name,
      @Nullable Object input,
      List<@Nullable Object> positional,
      Map<String, @Nullable Object> named) {
    Given given = new Given(positional, named);
    Object value = name.equals("escape") || name.equals("e") ? input : Safe.plain(input);
    return switch (name) {
      case "safe" -> new Safe(Values.text(value));
      case "string" -> Values.text(value);
      case "trim" ->
          StringMethods.strip(Values.text(value), given.get(0, "chars", null), true, true);
      case "upper" -> Values.text(value).toUpperCase(Locale.ROOT);
      case "lower" -> Values.text(value).toLowerCase(Locale.ROOT);
      case "title" -> StringMethods.title(Values.text(value));
      case "capitalize" -> StringMethods.capitalize(Values.text(value));
      case "replace" ->
          StringMethods.replace(
              Values.text(value),
              Values.text(given.get(0, "old", "")),
              Values.text(given.get(1, "new", "")),
              given.get(2, "count", null));
      case "indent" -> indent(Values.text(value), given);
      case "escape", "e", "forceescape" -> new Safe(Safe.escaped(value));
      case "format" -> StringMethods.percent(Values.text(value), new ArrayList<>(given.positional));
      case "wordcount" ->
          Arrays.stream(Values.text(value).split("\\W+")).filter(w -> !w.isEmpty()).count();
      case "length", "count" -> Values.length(value);
      case "default", "d" -> {
        boolean replaced =
            value instanceof Undefined || given.flag(1, "boolean") && !Values.truth(value);
        yield replaced ? given.get(0, "default_value", "") : value;
      }
      case "tojson" -> json(value, given);
      case "int" -> toInteger(value, given);
      case "float" -> toFloat(value, given);
      case "abs" ->
          value instanceof Double d
              ? (Object) Math.abs(d)
              : (Object) Math.abs(Values.integer(value));
      case "round" -> round(value, given);
      case "attr" -> interpreter.attribute(value, Values.text(given.get(0, "name", "")));
      default -> sequence(name, value, given);
    };
  }

  private @Nullable Object sequence(String name, @Nullable Object value, Given given) {
    return switch (name) {
      case "list" -> Values.items(value);
      case "items" -> {
        if (value instanceof Undefined) {
          yield new Generated("generator", List.of());
        }
        if (!(value instanceof Map<?, ?> map)) {
          throw new JinjaException("Can only get item pairs from a mapping.");
        }
        yield new Generated("generator", Interpreter.pairs(map));
      }
      case "join" -> join(value, given);
      case "first", "last" -> {
        List<@Nullable Object> items = Values.items(value);
        if (items.isEmpty()) {
          yield new Undefined("No " + name + " item, sequence was empty.");
        }
        yield name.equals("first") ? items.getFirst() : items.getLast();
      }
      case "reverse" ->
          value instanceof String text
              ? new StringBuilder(text).reverse().toString()
              : new Generated("list_reverseiterator", Values.items(value).reversed());
      case "sort" -> sort(value, given);
      case "dictsort" -> dictsort(value, given);
      case "unique" -> {
        List<@Nullable Object> kept = new ArrayList<>();
        for (Object item : Values.items(value)) {
          if (kept.stream().noneMatch(other -> Values.equal(item, other))) {
            kept.add(item);
          }
        }
        yield new Generated("generator", kept);
      }
      case "sum" -> {
        Object total = given.get(1, "start", 0L);
        Object attribute = given.get(0, "attribute", null);
        for (Object item : Values.items(value)) {
          total = Arithmetic.apply("+", total, path(item, attribute), interpreter.budget());
        }
        yield total;
      }
      case "min", "max" -> {
        Comparator<@Nullable Object> order = (a, b) -> Values.compare(a, b, "<");
        List<@Nullable Object> items = Values.items(value);
        items.sort(name.equals("min") ? order : order.reversed());
        yield items.isEmpty()
            ? new Undefined("No aggregated item, sequence was empty.")
            : items.getFirst();
      }
      case "map" -> map(value, given);
      case "select", "reject" -> choose(value, given, false, name.equals("select"));
      case "selectattr", "rejectattr" -> choose(value, given, true, name.equals("selectattr"));
      case "batch" -> {
        int size = (int) Math.clamp(Values.integer(given.get(0, "linecount", 1L)), 1, 1 << 20);
        List<@Nullable Object> items = Values.items(value);
        List<@Nullable Object> batches = new ArrayList<>();
        for (int i = 0; i < items.size(); i += size) {
          batches.add(new ArrayList<>(items.subList(i, Math.min(items.size(), i + size))));
        }
        yield new Generated("generator", batches);
      }
      default -> throw new JinjaException("No filter named '" + name + "'.");
    };
  }

  private @Nullable Object path(@Nullable Object item, @Nullable Object attribute) {
    if (attribute == null) {
      return item;
    }
    if (attribute instanceof Long) {
      return interpreter.item(item, attribute);
    }
    Object value = item;
    for (String part : Values.text(attribute).split("\\.")) {
      value =
          !part.isEmpty() && part.chars().allMatch(Character::isDigit) && part.length() < 10
              ? interpreter.item(value, Long.valueOf(part))
              : interpreter.item(value, part);
    }
    return value;
  }

  /** These filters take whatever is false, None above all, for an empty sequence. */
  private static List<@Nullable Object> itemsOrNone(@Nullable Object value) {
    return Values.truth(value) ? Values.items(value) : List.of();
  }

  private Object map(@Nullable Object value, Given given) {
    List<@Nullable Object> mapped = new ArrayList<>();
    for (Object item : itemsOrNone(value)) {
      if (given.positional.isEmpty()) {
        Object found = path(item, given.named.get("attribute"));
        boolean absent = found instanceof Undefined && given.named.containsKey("default");
        mapped.add(absent ? given.named.get("default") : found);
      } else {
        List<@Nullable Object> rest = given.positional.subList(1, given.positional.size());
        mapped.add(apply(Values.text(given.positional.getFirst()), item, rest, given.named));
      }
    }
    return new Generated("generator", mapped);
  }

  private Object choose(@Nullable Object value, Given given, boolean byAttribute, boolean keep) {
    int skip = byAttribute ? 1 : 0;
    if (given.positional.size() < skip) {
      throw new JinjaException("Missing parameter for attribute name");
    }
    List<@Nullable Object> rest = given.positional.subList(skip, given.positional.size());
    List<@Nullable Object> chosen = new ArrayList<>();
    for (Object item : itemsOrNone(value)) {
      Object tested = byAttribute ? path(item, given.positional.getFirst()) : item;
      boolean passes =
          rest.isEmpty()
              ? Values.truth(tested)
              : Tests.apply(Values.text(rest.getFirst()), tested, rest.subList(1, rest.size()));
      if (passes == keep) {
        chosen.add(item);
      }
    }
    return new Generated("generator", chosen);
  }

  private String join(@Nullable Object value, Given given) {
    String separator = Values.text(given.get(0, "d", ""));
    Object attribute = given.get(1, "attribute", null);
    StringBuilder out = new StringBuilder();
    boolean first = true;
    for (Object item : Values.items(value)) {
      out.append(first ? "" : separator).append(Values.text(path(item, attribute)));
      interpreter.budget().spend(out.length() > Budget.SIZE ? out.length() : 0);
      first = false;
    }
    return out.toString();
  }

  private static @Nullable Object folded(@Nullable Object value, boolean caseSensitive) {
    return value instanceof String text && !caseSensitive ? text.toLowerCase(Locale.ROOT) : value;
  }

  private Object sort(@Nullable Object value, Given given) {
    boolean reverse = given.flag(0, "reverse");
    boolean sensitive = given.flag(1, "case_sensitive");
    Object attribute = given.get(2, "attribute", null);
    List<@Nullable Object> items = Values.items(value);
    List<@Nullable Object> sorted = new ArrayList<>(items);
    Comparator<@Nullable Object> order =
        (a, b) ->
            Values.compare(
                folded(path(a, attribute), sensitive), folded(path(b, attribute), sensitive), "<");
    sorted.sort(reverse ? order.reversed() : order);
    return sorted;
  }

  private static Object dictsort(@Nullable Object value, Given given) {
    if (!(value instanceof Map<?, ?> map)) {
      Values.refuseUndefined(value);
      throw new JinjaException("'" + Values.type(value) + "' object has no attribute 'items'");
    }
    boolean sensitive = given.flag(0, "case_sensitive");
    int by = given.get(1, "by", "key") instanceof String text && text.equals("value") ? 1 : 0;
    List<@Nullable Object> pairs = new ArrayList<>(Interpreter.pairs(map));
    Comparator<@Nullable Object> order =
        (a, b) ->
            Values.compare(
                folded(Values.items(a).get(by), sensitive),
                folded(Values.items(b).get(by), sensitive),
                "<");
    pairs.sort(given.flag(2, "reverse") ? order.reversed() : order);
    return pairs;
  }

  private static String indent(String text, Given given) {
    Object width = given.get(0, "width", 4L);
    String by =
        width instanceof String string
            ? string
            : " ".repeat((int) Math.clamp(Values.integer(width), 0, 1000));
    boolean first = given.flag(1, "first");
    boolean blank = given.flag(2, "blank");
    StringBuilder out = new StringBuilder();
    String[] lines = text.split("\n", -1);
    for (int i = 0; i < lines.length; i++) {
      out.append(i == 0 ? "" : "\n");
      boolean indented = i == 0 ? first : blank || !lines[i].isEmpty();
      out.append(indented ? by : "").append(lines[i]);
    }
    return out.toString();
  }

  /** As transformers replaces Jinja's own: no HTML escapes, non-ASCII characters as they are. */
  private static String json(@Nullable Object value, Given given) {
    Object indent =
        given.get(given.has(1, "ensure_ascii") && !given.has(0, "indent") ? 1 : 0, "indent", null);
    int width = indent == null ? -1 : (int) Math.clamp(Values.integer(indent), 0, 100);
    List<?> separators = given.named.get("separators") instanceof List<?> list ? list : null;
    return Json.write(
        value,
        width,
        separators != null && separators.size() == 2 ? separators : null,
        Values.truth(given.named.get("sort_keys")));
  }

  private static @Nullable Object toInteger(@Nullable Object value, Given given) {
    if (value instanceof String text) {
      try {
        return Long.valueOf(text.strip());
      } catch (NumberFormatException e) {
        try {
          return (long) Double.parseDouble(text.strip());
        } catch (NumberFormatException _) {
          return given.get(0, "default", 0L);
        }
      }
    }
    return Values.isNumber(value) ? Values.integer(value) : given.get(0, "default", 0L);
  }

  private static @Nullable Object toFloat(@Nullable Object value, Given given) {
    if (value instanceof String text) {
      try {
        return Double.valueOf(text.strip());
      } catch (NumberFormatException e) {
        return given.get(0, "default", 0.0);
      }
    }
    return Values.isNumber(value) ? Values.number(value) : given.get(0, "default", 0.0);
  }

  private static Object round(@Nullable Object value, Given given) {
    int precision = (int) Math.clamp(Values.integer(given.get(0, "precision", 0L)), -20, 20);
    RoundingMode mode =
        switch (Values.text(given.get(1, "method", "common"))) {
          case "ceil" -> RoundingMode.CEILING;
          case "floor" -> RoundingMode.FLOOR;
          default -> RoundingMode.HALF_EVEN;
        };
    double number = Values.number(value);
    return Double.isFinite(number)
        ? new BigDecimal(number).setScale(precision, mode).doubleValue()
        : number;
  }
}
