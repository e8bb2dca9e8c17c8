package dev.quire.tokenizer.jinja;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** The filters of sequences and dictionaries. */
final class SequenceFilters {
  private final Filters filters;
  private final Interpreter interpreter;

  SequenceFilters(Filters filters, Interpreter interpreter) {
    this.filters = filters;
    this.interpreter = interpreter;
  }

  @Nullable Object apply(String name, @Nullable Object value, Given given) {
    return switch (name) {
      case "list" -> Values.items(value);
      case "length", "count" -> Values.length(value);
      case "items" -> items(value);
      case "join" -> join(value, given);
      case "first" -> {
        List<@Nullable Object> first =
            value instanceof Generated generated ? generated.takeOne() : Values.items(value);
        yield first.isEmpty() ? empty("No first item, sequence was empty.") : first.getFirst();
      }
      case "last" -> {
        boolean once = value instanceof Generated generated && !generated.isView();
        if (once || value == null || Values.isNumber(value)) {
          throw new JinjaException("'" + Values.type(value) + "' object is not reversible");
        }
        List<@Nullable Object> items = Values.items(value);
        yield items.isEmpty() ? empty("No last item, sequence was empty.") : items.getLast();
      }
      case "reverse" -> reverse(value);
      case "random" -> {
        List<@Nullable Object> items = Values.items(value);
        yield items.isEmpty()
            ? empty("No random item, sequence was empty.")
            : items.get(ThreadLocalRandom.current().nextInt(items.size()));
      }
      case "sort" -> {
        List<@Nullable Object> items = new ArrayList<>(Values.items(value));
        Comparator<@Nullable Object> order = order(keys(given.get("attribute")), given);
        items.sort(given.flag("reverse") ? order.reversed() : order);
        yield items;
      }
      case "dictsort" -> dictsort(value, given);
      case "groupby" -> groups(value, given);
      case "unique" -> unique(value, given);
      case "sum" -> {
        Object total = given.get("start", 0L);
        for (Object item : Values.items(value)) {
          Object part = path(item, given.get("attribute"));
          total = Arithmetic.apply("+", total, part, interpreter.budget());
        }
        yield total;
      }
      case "min", "max" -> extreme(value, given, name.equals("max"));
      case "batch" -> batches(value, given);
      default -> slices(value, given);
    };
  }

  private static Undefined empty(String message) {
    return new Undefined(message);
  }

  private static Object items(@Nullable Object value) {
    if (value instanceof Undefined) {
      return Generated.generator(List.of());
    }
    if (!(value instanceof Map<?, ?> map)) {
      throw new JinjaException("Can only get item pairs from a mapping.");
    }
    return Generated.generator(ContainerMethods.pairs(map));
  }

  private static Object reverse(@Nullable Object value) {
    if (value instanceof String text) {
      return new StringBuilder(text).reverse().toString();
    }
    if (!(value instanceof List
        || value instanceof Map
        || value instanceof Generated
        || value instanceof Undefined)) {
      throw new JinjaException("argument must be iterable");
    }
    return new Generated("list_reverseiterator", Values.items(value).reversed());
  }

  /** The value of an attribute such as {@code function.name} or {@code 0}; the item for null. */
  private @Nullable Object path(@Nullable Object item, @Nullable Object attribute) {
    if (attribute == null) {
      return item;
    }
    if (attribute instanceof Long) {
      return interpreter.item(item, attribute);
    }
    Object value = item;
    for (String part : Values.text(attribute).split("\\.", -1)) {
      boolean number = part.matches("[0-9]{1,9}");
      value = interpreter.item(value, number ? (Object) Long.valueOf(part) : part);
    }
    return value;
  }

  /** The attributes that a sort goes by, one after the other. */
  private static List<@Nullable Object> keys(@Nullable Object attribute) {
    List<@Nullable Object> keys = new ArrayList<>();
    if (attribute instanceof String text) {
      for (String part : text.split(",", -1)) {
        keys.add(part);
      }
    } else {
      keys.add(attribute);
    }
    return keys;
  }

  private static @Nullable Object folded(@Nullable Object value, Given given) {
    return Safe.plain(value) instanceof String text && !given.flag("case_sensitive")
        ? text.toLowerCase(Locale.ROOT)
        : value;
  }

  private Comparator<@Nullable Object> order(List<@Nullable Object> keys, Given given) {
    return (a, b) -> {
      for (Object key : keys) {
        Object left = folded(path(a, key), given);
        Object right = folded(path(b, key), given);
        if (!Values.equal(left, right)) {
          return Values.compare(left, right, "<");
        }
      }
      return 0;
    };
  }

  private Object dictsort(@Nullable Object value, Given given) {
    if (!(value instanceof Map<?, ?> map)) {
      Values.refuseUndefined(value);
      throw new JinjaException("'" + Values.type(value) + "' object has no attribute 'items'");
    }
    String by = Values.text(given.get("by", "key"));
    if (!by.equals("key") && !by.equals("value")) {
      throw new JinjaException("You can only sort by either \"key\" or \"value\"");
    }
    List<@Nullable Object> pairs = ContainerMethods.pairs(map);
    Comparator<@Nullable Object> order = order(List.of(by.equals("key") ? 0L : 1L), given);
    pairs.sort(given.flag("reverse") ? order.reversed() : order);
    return pairs;
  }

  private Object groups(@Nullable Object value, Given given) {
    Object attribute = given.get("attribute");
    List<@Nullable Object> keyed = new ArrayList<>();
    for (Object item : Values.items(value)) {
      Object key = path(item, attribute);
      if (key instanceof Undefined undefined) {
        Values.refuseUndefined(given.get("default", undefined));
        key = given.get("default");
      }
      keyed.add(Tuple.of(key, item));
    }
    keyed.sort(order(List.of(0L), given));
    List<@Nullable Object> groups = new ArrayList<>();
    List<@Nullable Object> group = new ArrayList<>();
    Object grouper = null;
    for (Object pair : keyed) {
      Object key = ((Tuple) pair).get(0);
      if (!group.isEmpty() && !Values.equal(folded(key, given), folded(grouper, given))) {
        groups.add(Tuple.named(List.of("grouper", "list"), grouper, group));
        group = new ArrayList<>();
      }
      if (group.isEmpty()) {
        grouper = key;
      }
      group.add(((Tuple) pair).get(1));
    }
    if (!group.isEmpty()) {
      groups.add(Tuple.named(List.of("grouper", "list"), grouper, group));
    }
    return groups;
  }

  private Object unique(@Nullable Object value, Given given) {
    List<@Nullable Object> kept = new ArrayList<>();
    List<@Nullable Object> seen = new ArrayList<>();
    for (Object item : Values.items(value)) {
      Object key = folded(path(item, given.get("attribute")), given);
      Values.refuseUnhashable(key);
      interpreter.budget().spend(16L * seen.size());
      if (seen.stream().noneMatch(other -> Values.equal(key, other))) {
        seen.add(key);
        kept.add(item);
      }
    }
    return Generated.generator(kept);
  }

  private @Nullable Object extreme(@Nullable Object value, Given given, boolean greatest) {
    List<@Nullable Object> items = Values.items(value);
    if (items.isEmpty()) {
      return empty("No aggregated item, sequence was empty.");
    }
    Object best = items.getFirst();
    Object attribute = given.get("attribute");
    Object bestKey = folded(path(best, attribute), given);
    for (Object item : items.subList(1, items.size())) {
      Object key = folded(path(item, attribute), given);
      int order = Values.compare(key, bestKey, greatest ? ">" : "<");
      if (greatest ? order > 0 : order < 0) {
        best = item;
        bestKey = key;
      }
    }
    return best;
  }

  private static Object batches(@Nullable Object value, Given given) {
    int size = Math.max(1, given.count("linecount", 1));
    Object fill = given.get("fill_with");
    List<@Nullable Object> items = Values.items(value);
    List<@Nullable Object> batches = new ArrayList<>();
    for (int i = 0; i < items.size(); i += size) {
      List<@Nullable Object> batch =
          new ArrayList<>(items.subList(i, Math.min(items.size(), i + size)));
      while (fill != null && batch.size() < size) {
        batch.add(fill);
      }
      batches.add(batch);
    }
    return Generated.generator(batches);
  }

  private static Object slices(@Nullable Object value, Given given) {
    int count = given.count("slices", 1);
    Object fill = given.get("fill_with");
    List<@Nullable Object> items = Values.items(value);
    if (count == 0) {
      throw new JinjaException("integer division or modulo by zero");
    }
    int each = items.size() / count;
    int longer = items.size() % count;
    List<@Nullable Object> slices = new ArrayList<>();
    int at = 0;
    for (int i = 0; i < count; i++) {
      int end = at + each + (i < longer ? 1 : 0);
      List<@Nullable Object> slice = new ArrayList<>(items.subList(at, end));
      if (fill != null && i >= longer) {
        slice.add(fill);
      }
      slices.add(slice);
      at = end;
    }
    return Generated.generator(slices);
  }

  private Object join(@Nullable Object value, Given given) {
    Object separator = given.get("d", "");
    Object attribute = given.get("attribute");
    List<@Nullable Object> items = new ArrayList<>(Values.items(value));
    items.replaceAll(item -> path(item, attribute));
    // Where output is escaped, one safe part makes the others be escaped.
    boolean safe =
        interpreter.escapes()
            && (separator instanceof Safe || items.stream().anyMatch(Safe.class::isInstance));
    String between = safe ? Safe.escaped(separator) : Values.text(separator);
    StringBuilder out = new StringBuilder();
    boolean first = true;
    for (Object item : items) {
      out.append(first ? "" : between).append(safe ? Safe.escaped(item) : Values.text(item));
      interpreter.budget().spend(out.length() > Budget.SIZE ? out.length() : 0);
      first = false;
    }
    return safe ? new Safe(out.toString()) : out.toString();
  }

  /** These filters take whatever is false, None above all, for an empty sequence. */
  private static List<@Nullable Object> itemsOrNone(@Nullable Object value) {
    return Values.truth(value) ? Values.items(value) : List.of();
  }

  Object map(
      @Nullable Object value,
      List<@Nullable Object> positional,
      Map<String, @Nullable Object> named) {
    if (positional.isEmpty() && !named.containsKey("attribute")) {
      throw new JinjaException("map requires a filter argument");
    }
    List<@Nullable Object> mapped = new ArrayList<>();
    for (Object item : itemsOrNone(value)) {
      if (positional.isEmpty()) {
        Object found = path(item, named.get("attribute"));
        boolean absent = found instanceof Undefined && named.containsKey("default");
        mapped.add(absent ? named.get("default") : found);
      } else {
        mapped.add(
            filters.apply(
                Values.text(positional.getFirst()),
                item,
                positional.subList(1, positional.size()),
                named));
      }
    }
    return Generated.generator(mapped);
  }

  Object choose(
      @Nullable Object value,
      List<@Nullable Object> positional,
      Map<String, @Nullable Object> named,
      boolean byAttribute,
      boolean keep) {
    int skip = byAttribute ? 1 : 0;
    if (positional.size() < skip) {
      throw new JinjaException("Missing parameter for attribute name");
    }
    List<@Nullable Object> rest = positional.subList(skip, positional.size());
    List<@Nullable Object> chosen = new ArrayList<>();
    String name = rest.isEmpty() ? "" : Values.text(rest.getFirst());
    List<@Nullable Object> items = itemsOrNone(value);
    if (!rest.isEmpty() && !items.isEmpty() && !Tests.NAMES.contains(name)) {
      throw new JinjaException("No test named '" + name + "'.");
    }
    for (Object item : items) {
      Object tested = byAttribute ? path(item, positional.getFirst()) : item;
      boolean passes =
          rest.isEmpty()
              ? Values.truth(tested)
              : Tests.apply(name, tested, rest.subList(1, rest.size()), named);
      if (passes == keep) {
        chosen.add(item);
      }
    }
    return Generated.generator(chosen);
  }
}
