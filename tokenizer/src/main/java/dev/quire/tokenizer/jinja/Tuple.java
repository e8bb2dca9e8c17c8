package dev.quire.tokenizer.jinja;

import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.RandomAccess;
import org.jspecify.annotations.Nullable;

/** Python's tuple: it prints with parentheses and equals no list. */
final class Tuple extends AbstractList<@Nullable Object> implements RandomAccess {
  private final List<@Nullable Object> items;
  private final List<String> names;

  private Tuple(List<@Nullable Object> items, List<String> names) {
    this.items = Collections.unmodifiableList(items);
    this.names = names;
  }

  static Tuple of(@Nullable Object... items) {
    return new Tuple(Arrays.asList(items), List.of());
  }

  static Tuple of(List<?> items) {
    return new Tuple(new ArrayList<>(items), List.of());
  }

  /** A tuple whose items are attributes, too. */
  static Tuple named(List<String> names, @Nullable Object... items) {
    return new Tuple(Arrays.asList(items), names);
  }

  boolean hasNames() {
    return !names.isEmpty();
  }

  /** The place of the item that is an attribute of this name; −1 for none. */
  int placeOf(String name) {
    return names.indexOf(name);
  }

  @Override
  public @Nullable Object get(int index) {
    return items.get(index);
  }

  @Override
  public int size() {
    return items.size();
  }
}
