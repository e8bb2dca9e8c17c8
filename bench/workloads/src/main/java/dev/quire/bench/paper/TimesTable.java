package dev.quire.bench.paper;

import dev.quire.bench.paper.Figure.Part;
import dev.quire.bench.paper.Figure.Times;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/** Where the time of several runs went, side by side: of each kind of step how many, how long. */
public final class TimesTable {
  private TimesTable() {}

  /** The first line: the runs. */
  public static List<String> header(List<Times> times) {
    return Stream.concat(Stream.of(""), times.stream().map(Times::run)).toList();
  }

  /** A line a kind of step. */
  public static List<List<String>> lines(List<Times> times) {
    Set<String> kinds = new LinkedHashSet<>();
    // Sizes that only one run met stand where they belong.
    for (String beginning : List.of("all", "up to", "prompts beside", "prompts alone", "of all")) {
      times.stream()
          .flatMap(run -> run.parts().stream())
          .map(Part::what)
          .filter(what -> what.startsWith(beginning))
          .distinct()
          .sorted((a, b) -> beginning.equals("of all") ? 0 : Integer.compare(size(a), size(b)))
          .forEach(kinds::add);
    }
    List<List<String>> lines = new ArrayList<>();
    for (String kind : kinds) {
      List<String> line = new ArrayList<>();
      line.add(kind);
      for (Times run : times) {
        double all = run.parts().getFirst().seconds();
        line.add(
            run.parts().stream()
                .filter(part -> part.what().equals(kind) && part.steps() > 0)
                .map(part -> cell(part, all))
                .findFirst()
                .orElse(""));
      }
      lines.add(line);
    }
    return lines;
  }

  private static int size(String what) {
    String digits = what.replaceAll("\\D", "");
    return digits.isEmpty() ? 0 : Integer.parseInt(digits);
  }

  private static String cell(Part part, double all) {
    return String.format(
        Locale.ROOT,
        "%d × %.2f ms of %.0f, %.0f %%",
        part.steps(),
        1e3 * part.seconds() / part.steps(),
        (double) part.tokens() / part.steps(),
        100 * part.seconds() / all);
  }
}
