package dev.quire.tokenizer.jinja;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Python's {@code pprint.pformat}: what is wider than 80 columns gets a line for each item, and
 * dictionaries are sorted by their keys.
 */
final class PrettyPrinter {
  private static final int WIDTH = 80;

  private final StringBuilder out = new StringBuilder();
  private final IdentityHashMap<Object, Object> sorted = new IdentityHashMap<>();

  private PrettyPrinter() {}

  static String format(@Nullable Object value) {
    PrettyPrinter printer = new PrettyPrinter();
    printer.print(printer.sorted(value, 0), 0, 0, 0);
    return printer.out.toString();
  }

  /**
   * The value with all dictionaries in order. A part that is there twice stays one part, as copies
   * of parts of parts would grow without bound.
   */
  private @Nullable Object sorted(@Nullable Object value, int depth) {
    if (depth > 100) {
      throw new JinjaException("a value is nested too deeply to print");
    }
    if (value == null || sorted.containsKey(value)) {
      return value == null ? null : sorted.get(value);
    }
    if (value instanceof Map<?, ?> map) {
      List<@Nullable Object> keys = new ArrayList<>(map.keySet());
      sortKeys(keys);
      Map<@Nullable Object, @Nullable Object> copy = new LinkedHashMap<>();
      sorted.put(value, copy);
      keys.forEach(key -> copy.put(key, sorted(map.get(key), depth + 1)));
      return copy;
    }
    if (value instanceof Tuple tuple && !tuple.hasNames()) {
      List<@Nullable Object> items = new ArrayList<>();
      tuple.forEach(item -> items.add(sorted(item, depth + 1)));
      Tuple copy = Tuple.of(items);
      sorted.put(value, copy);
      return copy;
    }
    if (value instanceof List<?> list && isPlain(list)) {
      List<@Nullable Object> copy = new ArrayList<>();
      sorted.put(value, copy);
      list.forEach(item -> copy.add(sorted(item, depth + 1)));
      return copy;
    }
    return value;
  }

  private static boolean isPlain(List<?> list) {
    return !(list instanceof Range) && !(list instanceof Tuple);
  }

  private static void sortKeys(List<@Nullable Object> keys) {
    try {
      keys.sort(KEYS);
    } catch (IllegalArgumentException _) {
      // Tuples of several types have no order; Python then leaves theirs to where they lie in
      // memory.
    }
  }

  /** Keys that Python doesn't compare stand in the order of their types' names. */
  private static final Comparator<@Nullable Object> KEYS =
      (a, b) -> {
        Values.refuseUndefined(a);
        Values.refuseUndefined(b);
        if (Values.isNumber(a) && Values.isNumber(b)
            || a instanceof String && b instanceof String
            || a instanceof Tuple && b instanceof Tuple) {
          try {
            return Values.compare(a, b, "<");
          } catch (JinjaException _) {
            return 0;
          }
        }
        return Values.type(a).compareTo(Values.type(b));
      };

  /**
   * @param indent the column where the value begins
   * @param allowance the columns that must stay free behind it
   * @param level how many containers it is in
   */
  private void print(@Nullable Object value, int indent, int allowance, int level) {
    if (out.length() > Budget.SIZE || level > 100) {
      throw new JinjaException("a value is nested too deeply or too large to print");
    }
    boolean breaks =
        value instanceof Map
            || value instanceof String
            || value instanceof Tuple tuple && !tuple.hasNames()
            || value instanceof List<?> list && isPlain(list);
    String line = breaks ? Printer.within(value, WIDTH - indent - allowance) : null;
    if (line != null || !breaks) {
      out.append(line != null ? line : Printer.represent(value));
      return;
    }
    switch (value) {
      case Map<?, ?> map -> {
        out.append('{');
        entries(map, indent + 1, allowance + 1, level + 1);
        out.append('}');
      }
      case Tuple tuple -> {
        String end = tuple.size() == 1 ? ",)" : ")";
        out.append('(');
        items(tuple, indent + 1, allowance + end.length(), level + 1);
        out.append(end);
      }
      case List<?> list -> {
        out.append('[');
        items(list, indent + 1, allowance + 1, level + 1);
        out.append(']');
      }
      case String text -> text(text, indent, allowance, level == 0);
      case null, default -> throw new IllegalStateException(Values.type(value));
    }
  }

  private void entries(Map<?, ?> map, int indent, int allowance, int level) {
    Iterator<? extends Map.Entry<?, ?>> left = map.entrySet().iterator();
    while (left.hasNext()) {
      Map.Entry<?, ?> entry = left.next();
      String key = Printer.represent(entry.getKey());
      out.append(key).append(": ");
      print(entry.getValue(), indent + columns(key) + 2, left.hasNext() ? 1 : allowance, level);
      newLine(left.hasNext(), indent);
    }
  }

  private void items(List<?> list, int indent, int allowance, int level) {
    Iterator<?> left = list.iterator();
    while (left.hasNext()) {
      Object item = left.next();
      print(item, indent, left.hasNext() ? 1 : allowance, level);
      newLine(left.hasNext(), indent);
    }
  }

  private void newLine(boolean more, int indent) {
    if (more) {
      out.append(",\n").repeat(' ', indent);
    }
  }

  /** A text in pieces of whole words that Python joins again; in brackets where nothing else is. */
  private void text(String text, int column, int behind, boolean alone) {
    int indent = alone ? column + 1 : column;
    List<String> pieces = pieces(text, WIDTH - indent, alone ? behind + 1 : behind);
    if (pieces.size() <= 1) {
      out.append(Printer.represent(text));
      return;
    }
    out.append(alone ? "(" : "");
    for (int i = 0; i < pieces.size(); i++) {
      if (i > 0) {
        out.append('\n').repeat(' ', indent);
      }
      out.append(pieces.get(i));
    }
    out.append(alone ? ")" : "");
  }

  private static List<String> pieces(String text, int width, int allowance) {
    List<String> pieces = new ArrayList<>();
    List<@Nullable Object> lines = StringSplits.lines(text, true);
    for (int i = 0; i < lines.size(); i++) {
      String line = Values.text(lines.get(i));
      boolean lastLine = i == lines.size() - 1;
      String whole = Printer.within(line, lastLine ? width - allowance : width);
      if (whole != null) {
        pieces.add(whole);
        continue;
      }
      String current = "";
      for (int at = 0; at < line.length(); ) {
        int end = wordEnd(line, at);
        String word = line.substring(at, end);
        boolean last = lastLine && end == line.length();
        if (Printer.within(current + word, last ? width - allowance : width) != null) {
          current += word;
        } else {
          if (!current.isEmpty()) {
            pieces.add(Printer.represent(current));
          }
          current = word;
        }
        at = end;
      }
      pieces.add(Printer.represent(current));
    }
    return pieces;
  }

  /** Where a word that begins here, and the blanks behind it, end. */
  private static int wordEnd(String line, int from) {
    int end = from;
    while (end < line.length() && !StringMethods.isSpace(line.charAt(end))) {
      end++;
    }
    while (end < line.length() && StringMethods.isSpace(line.charAt(end))) {
      end++;
    }
    return end;
  }

  private static int columns(String text) {
    return text.codePointCount(0, text.length());
  }
}
