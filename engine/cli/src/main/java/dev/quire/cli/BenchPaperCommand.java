package dev.quire.cli;

import dev.quire.bench.paper.Figure;
import dev.quire.bench.paper.PaperEvaluation;
import dev.quire.bench.paper.PaperReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code quire bench paper}: the evaluation of the PagedAttention paper, in simulated time. */
@Command(
    name = "paper",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description =
        "Runs the evaluation of the PagedAttention paper again: the real scheduler and allocators,"
            + " in simulated time on the paper's models and GPUs.",
    footer = {"", "Examples:", "  quire bench paper --page docs/paper.md -o json"})
final class BenchPaperCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      description =
          "Simulated time in which requests arrive, for each point (default: ${DEFAULT-VALUE}).")
  private double seconds = 1000;

  @Option(
      names = "--page",
      paramLabel = "FILE",
      description = "Write a page with tables and plots here; plots go to a folder beside it.")
  private @Nullable Path page;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "table or json (default: table).")
  private OutputFormat format = OutputFormat.TABLE;

  BenchPaperCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (!(seconds >= 1 && seconds <= 1e5)) {
      throw new UsageError("--seconds must be in [1, 100000]; it is " + seconds);
    }
    List<Figure> figures = new PaperEvaluation(seconds, console::say).run();
    if (page != null) {
      String times = seconds == 1000 ? "" : String.format(Locale.ROOT, " --seconds %s", seconds);
      PaperReport.write(page, figures, "quire bench paper" + times + " --page docs/paper.md");
      console.say("wrote " + page);
    }
    if (format == OutputFormat.JSON) {
      console.out().println(PaperReport.json(figures));
    } else {
      for (Figure figure : figures) {
        print(figure);
      }
    }
    return CommandLineRunner.DONE;
  }

  private void print(Figure figure) {
    console.out().println(figure.id() + ": " + figure.title());
    new TextTable("", "paper", "ours", "ratio")
        .rows(
            figure.rows(),
            r -> List.of(r.what(), number(r.paper()), number(r.ours()), number(r.ratio())))
        .print(console.out());
    console.out().println();
  }

  private static String number(double value) {
    return Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%.3f", value);
  }
}
