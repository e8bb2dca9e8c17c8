package dev.quire.tokenizer.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Items that can be iterated but are no list, under the name that Python gives their type. Those of
 * a generator are there once: who takes them leaves none. A dictionary's views stay.
 */
final class Generated {
  static final String GENERATOR = "generator";
  private final String type;
  private List<@Nullable Object> items;

  Generated(String type, List<@Nullable Object> items) {
    this.type = type;
    this.items = items;
  }

  static Generated generator(List<@Nullable Object> items) {
    return new Generated(GENERATOR, items);
  }

  String type() {
    return type;
  }

  boolean isView() {
    return type.startsWith("dict_");
  }

  /** The items, for printing and counting. */
  List<@Nullable Object> peek() {
    return Collections.unmodifiableList(items);
  }

  /** All items left. */
  List<@Nullable Object> take() {
    List<@Nullable Object> taken = new ArrayList<>(items);
    if (!isView()) {
      items = List.of();
    }
    return taken;
  }

  /** The next item, as a list of one, or an empty list. */
  List<@Nullable Object> takeOne() {
    List<@Nullable Object> taken = new ArrayList<>(items.subList(0, Math.min(1, items.size())));
    if (!isView()) {
      items = items.subList(taken.size(), items.size());
    }
    return taken;
  }
}
