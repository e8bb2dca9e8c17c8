package dev.quire.engine.constrain;

import java.util.ArrayList;
import java.util.List;

/**
 * A set of Unicode code points without the surrogates, which no text in UTF-8 holds.
 *
 * @param ranges first and last of each range in turn, ascending, apart from each other
 */
record CodePoints(List<Integer> ranges) {
  static final int LAST = 0x10FFFF;
  private static final int FIRST_SURROGATE = 0xD800;
  private static final int LAST_SURROGATE = 0xDFFF;

  static final CodePoints ALL =
      new CodePoints(List.of(0, FIRST_SURROGATE - 1, LAST_SURROGATE + 1, LAST));

  CodePoints {
    ranges = List.copyOf(ranges);
  }

  static CodePoints of(int codePoint) {
    return range(codePoint, codePoint);
  }

  static CodePoints range(int first, int last) {
    return new CodePoints(List.of(first, last)).intersect(ALL);
  }

  /** Every character of the text. */
  static CodePoints anyOf(String characters) {
    CodePoints set = new CodePoints(List.of());
    for (int c : characters.codePoints().toArray()) {
      set = set.or(of(c));
    }
    return set;
  }

  boolean isEmpty() {
    return ranges.isEmpty();
  }

  boolean contains(int codePoint) {
    for (int i = 0; i < ranges.size(); i += 2) {
      if (codePoint >= ranges.get(i) && codePoint <= ranges.get(i + 1)) {
        return true;
      }
    }
    return false;
  }

  CodePoints or(CodePoints other) {
    List<int[]> all = new ArrayList<>();
    for (CodePoints set : List.of(this, other)) {
      for (int i = 0; i < set.ranges.size(); i += 2) {
        all.add(new int[] {set.ranges.get(i), set.ranges.get(i + 1)});
      }
    }
    all.sort((a, b) -> Integer.compare(a[0], b[0]));
    List<Integer> merged = new ArrayList<>();
    for (int[] range : all) {
      int last = merged.size() - 1;
      if (last >= 0 && range[0] <= merged.get(last) + 1) {
        merged.set(last, Math.max(merged.get(last), range[1]));
      } else {
        merged.add(range[0]);
        merged.add(range[1]);
      }
    }
    return new CodePoints(merged);
  }

  CodePoints complement() {
    List<Integer> rest = new ArrayList<>();
    int next = 0;
    for (int i = 0; i < ranges.size(); i += 2) {
      if (ranges.get(i) > next) {
        rest.add(next);
        rest.add(ranges.get(i) - 1);
      }
      next = ranges.get(i + 1) + 1;
    }
    if (next <= LAST) {
      rest.add(next);
      rest.add(LAST);
    }
    CodePoints outside = new CodePoints(rest);
    return this == ALL ? outside : outside.intersect(ALL);
  }

  CodePoints intersect(CodePoints other) {
    List<Integer> common = new ArrayList<>();
    for (int i = 0; i < ranges.size(); i += 2) {
      for (int j = 0; j < other.ranges.size(); j += 2) {
        int first = Math.max(ranges.get(i), other.ranges.get(j));
        int last = Math.min(ranges.get(i + 1), other.ranges.get(j + 1));
        if (first <= last) {
          common.add(first);
          common.add(last);
        }
      }
    }
    return new CodePoints(common);
  }

  CodePoints minus(CodePoints other) {
    return intersect(other.complement());
  }

  /** The letters of the set in both cases, ASCII's and those with a simple counterpart. */
  CodePoints ignoringCase() {
    CodePoints both = this;
    for (int i = 0; i < ranges.size(); i += 2) {
      int last = Math.min(ranges.get(i + 1), 0x24F); // to the end of Latin letters
      for (int c = ranges.get(i); c <= last; c++) {
        both = both.or(of(Character.toLowerCase(c))).or(of(Character.toUpperCase(c)));
      }
    }
    return both;
  }
}
