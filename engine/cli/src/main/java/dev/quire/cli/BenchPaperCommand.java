package dev.quire.cli;

import dev.quire.bench.paper.Figure;
import dev.quire.bench.paper.FigureJson;
import dev.quire.bench.paper.PaperEvaluation;
import dev.quire.bench.paper.PaperReport;
import dev.quire.bench.paper.RealEvaluation;
import dev.quire.bench.paper.TimesTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code quire bench paper}: the evaluation of the PagedAttention paper. */
@Command(
    name = "paper",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = {
      "Runs the evaluation of the PagedAttention paper again: the real scheduler and allocators, in"
          + " simulated time on the paper's models and GPUs, or with --real with a model that this"
          + " machine computes.",
      "Figures in simulated time: table1, 2, 12, 13, 14, 15, 16, 17, 18b, 19, sensitivity; with"
          + " --real: 12, pools, 14, 15, 16, 17, 18b, 19, and 18a with --device gpu."
    },
    footer = {
      "",
      "Examples:",
      "  quire bench paper --save bench/results/paper.json",
      "  quire bench paper --real --device gpu -m 1b.gguf --save paper-gpu-1b.json",
      "  quire bench paper --from bench/results/paper.json --from paper-gpu-1b.json \\",
      "      --page docs/paper.md"
    })
final class BenchPaperCommand implements Callable<Integer> {
  private final Console console;

  @Option(names = "--real", description = "Run a model instead of simulating time.")
  private boolean real;

  @Option(
      names = "--figures",
      split = ",",
      paramLabel = "F",
      description = "Only these, with commas between them (default: all).")
  private List<String> figures = new ArrayList<>();

  @Option(
      names = "--seconds",
      paramLabel = "S",
      description =
          "Time in which requests arrive, for each point: simulated (default: 1000), or with --real"
              + " in Figure 12 (default: 20).")
  private @Nullable Double seconds;

  @Option(
      names = "--requests",
      paramLabel = "N",
      description =
          "Requests of each run of --real in which all are there from the start (default:"
              + " ${DEFAULT-VALUE}).")
  private int requests = 200;

  @Option(
      names = "--block-sizes",
      split = ",",
      paramLabel = "N",
      description = "Block sizes of 18b and 19 with --real (default: 4,8,16,32,64,128).")
  private List<Integer> blockSizes = new ArrayList<>(List.of(4, 8, 16, 32, 64, 128));

  @Option(
      names = "--pools",
      split = ",",
      paramLabel = "N",
      description =
          "Pools of the figure of that name with --real, in longest sequences (default: 4, the"
              + " paper's 7.7, 16, 32).")
  private List<Double> pools = new ArrayList<>(RealEvaluation.USUAL_POOLS);

  @Option(
      names = "--pool",
      paramLabel = "N",
      description =
          "Pool of the other figures with --real, in longest sequences (default: the paper's 7.7).")
  private @Nullable Double pool;

  @Option(
      names = "--max-model-len",
      paramLabel = "N",
      description =
          "Longest sequence with --real, in tokens; lengths and pools are as much of the paper's as"
              + " it is of the paper's 2048 (default: ${DEFAULT-VALUE}).")
  private int maxModelLen = RealEvaluation.USUAL_TOKENS;

  @Option(
      names = "--from",
      paramLabel = "FILE",
      description = "Take the figures of a file that -o json wrote, and run nothing; repeatable.")
  private List<Path> from = new ArrayList<>();

  @Option(
      names = "--save",
      paramLabel = "FILE",
      description = "Write the figures to a JSON file, with --real after each of them.")
  private @Nullable Path save;

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

  @Mixin private ModelOptions model = new ModelOptions();

  BenchPaperCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (seconds != null && !(seconds >= 1 && seconds <= 1e5)) {
      throw new UsageError("--seconds must be in [1, 100000]; it is " + seconds);
    }
    if (requests < 1) {
      throw new UsageError("--requests must be at least 1; it is " + requests);
    }
    if (blockSizes.stream().anyMatch(size -> size < 1 || 256 % size != 0)) {
      throw new UsageError("--block-sizes must divide 256; they are " + blockSizes);
    }
    if (pools.stream().anyMatch(size -> !(size >= 1 && size <= 1000))) {
      throw new UsageError("--pools must be in [1, 1000]; they are " + pools);
    }
    if (pool != null && !(pool >= 1 && pool <= 1000)) {
      throw new UsageError("--pool must be in [1, 1000]; it is " + pool);
    }
    if (maxModelLen < 512 || maxModelLen > 2048) {
      throw new UsageError("--max-model-len must be in [512, 2048]; it is " + maxModelLen);
    }
    List<Figure> made = from.isEmpty() ? made() : read();
    if (page != null) {
      PaperReport.write(page, made, command());
      console.say("wrote " + page);
    }
    if (format == OutputFormat.JSON) {
      console.out().println(FigureJson.write(made));
    } else if (page == null) {
      made.forEach(this::print);
    }
    return CommandLineRunner.DONE;
  }

  private List<Figure> made() {
    if (real) {
      List<String> names = chosen(RealEvaluation.names(device()));
      String command =
          "quire bench paper --real --device %s%s --requests %d%s%s%s%s --figures "
              .formatted(
                  device(),
                  model.model() == null ? "" : " -m " + model.model().getFileName(),
                  requests,
                  seconds == null ? "" : String.format(Locale.ROOT, " --seconds %.0f", seconds),
                  pools(),
                  pool == null ? "" : " --pool " + RealEvaluation.sequences(pool),
                  maxModelLen == RealEvaluation.USUAL_TOKENS
                      ? ""
                      : " --max-model-len " + maxModelLen);
      List<Figure> figuresMade = new ArrayList<>();
      new RealEvaluation(
              new RealEvaluation.Options(
                  model.model(),
                  device(),
                  model.threads(),
                  requests,
                  seconds == null ? RealEvaluation.USUAL_SECONDS : seconds,
                  blockSizes,
                  pools,
                  pool == null ? RealEvaluation.USUAL_POOL : pool,
                  maxModelLen),
              command,
              console::say,
              figure -> {
                figuresMade.removeIf(earlier -> earlier.id().equals(figure.id()));
                figuresMade.add(figure);
                save(figuresMade);
              })
          .run(names);
      return figuresMade;
    }
    PaperEvaluation evaluation =
        new PaperEvaluation(
            seconds == null ? PaperEvaluation.USUAL_SECONDS : seconds, console::say);
    List<Figure> simulated = evaluation.run(chosen(evaluation.names()));
    save(simulated);
    return simulated;
  }

  /** The option as it was given; empty if it wasn't, or no figure has pools. */
  private String pools() {
    boolean usual = pools.equals(RealEvaluation.USUAL_POOLS);
    boolean asked = figures.isEmpty() || figures.contains("pools");
    return usual || !asked
        ? ""
        : pools.stream()
            .map(RealEvaluation::sequences)
            .collect(Collectors.joining(",", " --pools ", ""));
  }

  private String device() {
    return model.device().name().toLowerCase(Locale.ROOT);
  }

  /** What there is so far, for whoever cannot wait for the end. */
  private void save(List<Figure> soFar) {
    if (save != null) {
      try {
        Files.writeString(save, FigureJson.write(soFar));
      } catch (IOException e) {
        throw new Failure("--save " + save + ": cannot be written: " + e);
      }
    }
  }

  private List<String> chosen(List<String> known) {
    for (String name : figures) {
      if (!known.contains(name)) {
        throw new UsageError(
            "--figures knows %s%s; not %s"
                .formatted(String.join(", ", known), real ? " with --real" : "", name));
      }
    }
    return figures.isEmpty() ? known : known.stream().filter(figures::contains).toList();
  }

  private List<Figure> read() throws IOException {
    List<Figure> all = new ArrayList<>();
    for (Path file : from) {
      try {
        all.addAll(FigureJson.read(Files.readString(file)));
      } catch (IllegalArgumentException e) {
        throw new UsageError("--from " + file + ": " + e.getMessage());
      }
    }
    return figures.isEmpty() ? all : all.stream().filter(f -> figures.contains(name(f))).toList();
  }

  private static String name(Figure figure) {
    String id = figure.id();
    return id.equals("Table 1")
        ? "table1"
        : id.contains("sens")
            ? "sensitivity"
            : id.contains("pools") ? "pools" : id.split(",", -1)[0];
  }

  private String command() {
    StringBuilder command = new StringBuilder("quire bench paper");
    from.forEach(file -> command.append(" --from ").append(file));
    return command.append(" --page ").append(page).toString();
  }

  private void print(Figure figure) {
    console.out().println(figure.id() + ": " + figure.title());
    new TextTable("", "paper", "ours", "ratio")
        .rows(
            figure.rows(),
            r -> List.of(r.what(), number(r.paper()), number(r.ours()), number(r.ratio())))
        .print(console.out());
    console.out().println();
    if (!figure.times().isEmpty()) {
      new TextTable(TimesTable.header(figure.times()).toArray(String[]::new))
          .rows(TimesTable.lines(figure.times()), line -> line)
          .print(console.out());
      console.out().println();
    }
  }

  private static String number(double value) {
    return Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%.3f", value);
  }
}
