package dev.quire.tokenizer.normalize;

import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A normal form of Unicode (UAX #15) in time proportional to the text. The JDK puts the marks after
 * a letter in order one by one, each past all that stand behind it: a minute for a hundred thousand
 * marks. So longer runs of marks are put in canonical order first, which no form looks at.
 */
public record NormalForm(Form form) implements Normalizer {
  /** Runs of so many marks are left to the JDK. */
  private static final int SHORT_RUN = 32;

  /** No mark has a lower combining class. */
  private static final String LOWEST_CLASS = "\u0334";

  /** No mark has a higher combining class. */
  private static final String HIGHEST_CLASS = "\u0345";

  @Override
  public String normalize(String text) {
    return java.text.Normalizer.normalize(ordered(text), form);
  }

  /** The text with long runs of marks in canonical order: equivalent, as Unicode calls it. */
  static String ordered(String text) {
    StringBuilder out = null;
    int copied = 0;
    for (int at = 0; at < text.length(); ) {
      int start = at;
      int marks = 0;
      while (at < text.length() && isMark(text.codePointAt(at))) {
        at += Character.charCount(text.codePointAt(at));
        marks++;
      }
      if (marks > SHORT_RUN) {
        out = out == null ? new StringBuilder(text.length()) : out;
        out.append(text, copied, start);
        appendOrdered(text.substring(start, at), out);
        copied = at;
      }
      at += marks == 0 ? Character.charCount(text.codePointAt(at)) : 0;
    }
    return out == null ? text : out.append(text, copied, text.length()).toString();
  }

  /** Whether a character may have a combining class: all that have one are marks. */
  private static boolean isMark(int c) {
    if (c < 0x300) {
      return false;
    }
    return switch (Character.getType(c)) {
      case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK ->
          true;
      default -> false;
    };
  }

  private static void appendOrdered(String run, StringBuilder out) {
    int[] marks =
        run.codePoints()
            .mapToObj(Character::toString)
            .flatMapToInt(mark -> decomposed(mark).codePoints())
            .toArray();
    Map<Integer, Integer> classes = classes(marks);
    int start = 0;
    for (int i = 0; i <= marks.length; i++) {
      if (i == marks.length || classes.getOrDefault(marks[i], 0) == 0) {
        sort(marks, start, i, classes, out);
        if (i < marks.length) {
          out.appendCodePoint(marks[i]);
        }
        start = i + 1;
      }
    }
  }

  /** Marks of a class stay in their order. */
  private static void sort(
      int[] marks, int from, int to, Map<Integer, Integer> classes, StringBuilder out) {
    // The place below the class: no two keys are equal, and the sort is stable so.
    long[] keys = new long[to - from];
    for (int i = from; i < to; i++) {
      keys[i - from] = (long) classes.getOrDefault(marks[i], 0) << 32 | i;
    }
    Arrays.sort(keys);
    for (long key : keys) {
      out.appendCodePoint(marks[(int) key]);
    }
  }

  /**
   * The combining classes of marks as numbers in their order, 0 for those that no mark passes. The
   * JDK tells the class of none, but swaps two that stand in the wrong order.
   */
  private static Map<Integer, Integer> classes(int[] marks) {
    Map<Integer, Integer> classes = new HashMap<>();
    List<String> moving = new ArrayList<>();
    for (int mark : Arrays.stream(marks).distinct().toArray()) {
      String text = Character.toString(mark);
      if (swap(text, LOWEST_CLASS) || swap(HIGHEST_CLASS, text)) {
        moving.add(text);
      } else {
        classes.put(mark, 0);
      }
    }
    moving.sort((a, b) -> swap(a, b) ? 1 : swap(b, a) ? -1 : 0);
    int number = 1;
    for (int i = 0; i < moving.size(); i++) {
      if (i > 0 && swap(moving.get(i), moving.get(i - 1))) {
        number++;
      }
      classes.put(moving.get(i).codePointAt(0), number);
    }
    return classes;
  }

  /** Whether the first mark has a greater class than the second, so that they change places. */
  private static boolean swap(String first, String second) {
    return !decomposed(first + second).equals(first + second);
  }

  private static String decomposed(String text) {
    return java.text.Normalizer.normalize(text, Form.NFD);
  }
}
