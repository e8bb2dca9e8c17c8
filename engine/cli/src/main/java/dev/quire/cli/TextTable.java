package dev.quire.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Function;

/** Columns of text, each as wide as its widest cell. */
final class TextTable {
  private final List<List<String>> rows = new ArrayList<>();
  private final int[] widths;

  TextTable(String... heads) {
    rows.add(List.of(heads));
    widths = new int[heads.length];
  }

  /** Makes a column as wide as this at least, for rows to come. */
  TextTable width(int column, int width) {
    widths[column] = width;
    return this;
  }

  <T> TextTable rows(Collection<T> items, Function<T, List<String>> cells) {
    items.forEach(item -> rows.add(cells.apply(item)));
    return this;
  }

  void print(PrintStream out) {
    for (List<String> row : rows) {
      for (int c = 0; c < widths.length; c++) {
        widths[c] = Math.max(widths[c], row.get(c).length());
      }
    }
    rows.forEach(row -> print(out, row));
  }

  /** Prints one row more, under those that were printed before. */
  void print(PrintStream out, List<String> row) {
    StringBuilder line = new StringBuilder();
    for (int c = 0; c < widths.length; c++) {
      line.append(row.get(c)).append(" ".repeat(Math.max(0, widths[c] - row.get(c).length()) + 2));
    }
    out.println(line.toString().stripTrailing());
    out.flush();
  }
}
