package dev.quire.bench.paper;

import dev.quire.bench.paper.Figure.Row;
import dev.quire.engine.tornado.GpuDevice;
import java.nio.file.Path;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The paper's figures by running a model: the same scheduler and allocators as in simulated time,
 * with steps that the device computes. Lengths and pool follow the longest sequence, which is a
 * quarter of the paper's unless somebody asks for more, so that a run ends soon.
 */
public final class RealEvaluation {
  /** Seconds in which requests arrive in Figure 12's runs, if nobody says otherwise. */
  public static final double USUAL_SECONDS = 20;

  private static final List<String> NAMES =
      List.of("12", "pools", "16", "17", "14", "15", "18b", "19");

  private static final List<String> SERVED = List.of("12", "pools", "14", "16", "17");

  /** Pools of the figure that compares them, if nobody says otherwise: the paper's among others. */
  public static final List<Double> USUAL_POOLS =
      List.of(4.0, DevicePlatform.FULL_SEQUENCES, 16.0, 32.0);

  /** The longest sequence, in tokens, if nobody says otherwise: a quarter of the paper's. */
  public static final int USUAL_TOKENS = 512;

  /** The pool of the other figures, if nobody says otherwise: the paper's. */
  public static final double USUAL_POOL = DevicePlatform.FULL_SEQUENCES;

  private static final int BLOCK_SIZE = 16;

  private static final String CPU_REMARK =
      " A small model's weights stay in a CPU's caches, and a step takes about what its tokens"
          + " take: reading weights once for many sequences, which large batches live on, saves"
          + " little.";

  static final List<ServingSystem> COMPARED =
      List.of(ServingSystem.ORCA_MAX, ServingSystem.ORCA_ORACLE, ServingSystem.PAGED);

  private final Options options;
  private final DevicePlatform.Source source;
  private final Consumer<String> progress;
  private final Consumer<Figure> done;
  private final String command;

  /**
   * What to run.
   *
   * @param model null for the embedded one
   * @param device as the engine takes it
   * @param requests of each run in which all are there from the start
   * @param seconds in which requests arrive, in each of Figure 12's other runs
   * @param blockSizes of Figures 18b and 19
   * @param pools of the figure that compares them, in longest sequences
   * @param pool of the other figures
   * @param maxTokens the longest sequence; lengths and pools are as much of the paper's as it is
   */
  public record Options(
      @Nullable Path model,
      String device,
      int threads,
      int requests,
      double seconds,
      List<Integer> blockSizes,
      List<Double> pools,
      double pool,
      int maxTokens) {
    public Options {
      blockSizes = List.copyOf(blockSizes);
      pools = List.copyOf(pools);
    }

    /** A run in which all requests are there from the start. */
    ServingRun.Setup together(ServingSystem system, DevicePlatform platform, Trace trace) {
      return ServingRun.Setup.of(system, platform, trace, Double.POSITIVE_INFINITY)
          .withRequests(requests);
    }
  }

  /**
   * @param command that does the same, up to the names of figures
   * @param progress takes lines for people
   * @param done takes each figure as it is made; one that grows by block sizes again and again
   */
  public RealEvaluation(
      Options options, String command, Consumer<String> progress, Consumer<Figure> done) {
    this.options = options;
    this.source =
        new DevicePlatform.Source(
            options.model(),
            options.device(),
            options.threads(),
            options.maxTokens(),
            options.pool(),
            progress);
    this.command = command;
    this.progress = progress;
    this.done = done;
  }

  /** What {@link #run} takes on a device. */
  public static List<String> names(String device) {
    List<String> names = new ArrayList<>(NAMES);
    if (device.equals("gpu")) {
      names.add(names.indexOf("18b"), "18a");
    }
    return names;
  }

  /** Makes figures of {@link #names}. */
  public void run(List<String> names) {
    List<String> served = names.stream().filter(SERVED::contains).toList();
    double mostPool = names.contains("pools") ? Collections.max(options.pools()) : 0;
    BlockSizeRuns sizes =
        new BlockSizeRuns(source, options.blockSizes(), options.requests(), progress);
    if (!served.isEmpty()) {
      try (DevicePlatform platform = source.open(BLOCK_SIZE, mostPool)) {
        new WarmUp(platform).run(served.equals(List.of("12")) ? 32 : 64, progress);
        for (String name : served) {
          progress.accept("figure " + name + ", on " + platform.device());
          Figure figure =
              switch (name) {
                case "12" -> new RealRates(options, progress).figure(platform);
                case "pools" ->
                    new PoolFigure(platform, options.requests(), progress).figure(options.pools());
                case "14" -> decodingMethods(platform);
                case "16" -> sharedPrefixes(platform);
                default -> chat(platform);
              };
          done.accept(figure.madeBy(command + name, machine(platform)));
          if (name.equals(served.getFirst())
              && (names.contains("18b") || names.contains("19"))
              && options.blockSizes().contains(BLOCK_SIZE)) {
            // The model is there already.
            sizes.run(platform, names, command, done);
          }
        }
      }
    }
    if (names.contains("15")) {
      progress.accept("figure 15, the engine's own samples and beams");
      done.accept(RealSharing.figure().madeBy(command + "15", "the embedded model on the CPU"));
    }
    if (names.contains("18a")) {
      progress.accept("figure 18a");
      Figure figure = new KernelFigure(progress).figure();
      done.accept(figure.madeBy(command + "18a", GpuDevice.query().name()));
    }
    if (names.contains("18b") || names.contains("19")) {
      sizes.run(names, command, done);
    }
  }

  static String machine(DevicePlatform platform) {
    return platform.name() + " on " + platform.device() + longest(platform, ", ");
  }

  /** With all requests there from the start. */
  private ServingRun.Result full(ServingSystem system, DevicePlatform platform, Trace trace) {
    return ServingRun.run(options.together(system, platform, trace));
  }

  /** Beside a ratio of throughputs: how many requests ran at once, and what the steps cost. */
  private static void explain(List<Row> rows, String prefix, ServingRun.Result result) {
    String label = prefix + result.setup().system().label();
    rows.add(Row.ours(label + ": requests batched", result.batched()));
    rows.addAll(result.steps().rows(label));
  }

  /** How long sequences are, and the pool, where not as usual: names and titles differ by it. */
  static String longest(DevicePlatform platform, String before) {
    int tokens = platform.maxTokens();
    String pool =
        platform.pool() == DevicePlatform.FULL_SEQUENCES
            ? ""
            : before + "a pool of " + sequences(platform.pool()) + " longest sequences";
    return (tokens == USUAL_TOKENS ? "" : before + "sequences up to " + tokens) + pool;
  }

  /** A pool's size in longest sequences, with as many decimals as it has, two at the most. */
  public static String sequences(double pool) {
    return new DecimalFormat("0.##", DecimalFormatSymbols.getInstance(Locale.ROOT)).format(pool);
  }

  /** What lengths and pool are beside the paper's. */
  static String ofThePaper(DevicePlatform platform) {
    double scale = platform.scale();
    if (scale == 1) {
      return "the paper's own";
    }
    return scale == 0.25
        ? "a quarter of the paper's"
        : String.format(Locale.ROOT, "%.3g times the paper's", scale);
  }

  static String remark() {
    return DevicePlatform.gpu() ? "" : CPU_REMARK;
  }

  static String fileName(DevicePlatform platform) {
    String name =
        platform.name() + longest(platform, "-") + (DevicePlatform.gpu() ? "-gpu" : "-cpu");
    return name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-");
  }

  private Figure decodingMethods(DevicePlatform platform) {
    List<Row> rows = new ArrayList<>();
    ServingRun.run(decoding(ServingSystem.PAGED, platform, 6, true)); // compiles what is met
    for (boolean beams : new boolean[] {false, true}) {
      for (int samples : new int[] {1, 2, 6}) {
        if (beams && samples == 1) {
          continue;
        }
        double[] rates = new double[2];
        for (int i = 0; i < 2; i++) {
          ServingSystem system = i == 0 ? ServingSystem.ORCA_ORACLE : ServingSystem.PAGED;
          rates[i] = ServingRun.run(decoding(system, platform, samples, beams)).throughput();
        }
        String label = samples == 1 ? "one output" : samples + (beams ? " beams" : " samples");
        progress.accept("%s: %.0f over %.0f tokens a second".formatted(label, rates[1], rates[0]));
        double paper = samples == 1 ? 1.3 : samples == 6 && beams ? 2.3 : Double.NaN;
        rows.add(new Row(label, paper, rates[1] / rates[0]));
      }
    }
    return new Figure(
        "14, real",
        "Throughput over Orca (Oracle)'s by decoding method: "
            + platform.name()
            + longest(platform, ", "),
        "×",
        rows,
        "Alpaca-like lengths, a pool of "
            + platform.slots()
            + " tokens; all requests there from the start, tokens a second until three quarters are"
            + " out. Which beams go on is drawn; their blocks are forked, copied and computed.",
        null);
  }

  private ServingRun.Setup decoding(
      ServingSystem system, DevicePlatform platform, int samples, boolean beams) {
    return options
        .together(system, platform, Trace.ALPACA.within(platform.maxTokens() / 2))
        .withRequests(Math.max(12, 2 * options.requests() / (1 + samples)))
        .withSamples(samples, beams);
  }

  private Figure sharedPrefixes(DevicePlatform platform) {
    List<Row> rows = new ArrayList<>();
    List<Row> details = new ArrayList<>();
    double[] paper = {1.67, 3.58};
    int[] prefixes = {80, 341};
    for (int i = 0; i < 2; i++) {
      Trace trace = Trace.translation(prefixes[i]).within((platform.maxTokens() - prefixes[i]) / 2);
      String label = "prefix of " + prefixes[i] + " tokens";
      ServingRun.Result orca = full(ServingSystem.ORCA_ORACLE, platform, trace);
      ServingRun.Result paged = full(ServingSystem.PAGED, platform, trace);
      rows.add(new Row(label, paper[i], paged.throughput() / orca.throughput()));
      explain(details, label + ", ", orca);
      explain(details, label + ", ", paged);
    }
    rows.addAll(details);
    return new Figure(
        "16, real",
        "Throughput over Orca (Oracle)'s with a prefix that all prompts share: "
            + platform.name()
            + longest(platform, ", "),
        "×",
        rows,
        "The paper's prefixes, the lengths of the simulated figure, a pool of "
            + platform.slots()
            + " tokens; all requests there from the start, tokens a second until three quarters"
            + " are out."
            + remark(),
        null);
  }

  private Figure chat(DevicePlatform platform) {
    Trace trace = Trace.CHAT.scaled(platform.scale());
    ServingRun.Result paged = full(ServingSystem.PAGED, platform, trace);
    List<Row> rows = new ArrayList<>();
    List<Row> details = new ArrayList<>();
    for (ServingSystem system : List.of(ServingSystem.ORCA_MAX, ServingSystem.ORCA_ORACLE)) {
      ServingRun.Result orca = full(system, platform, trace);
      rows.add(new Row("over " + system.label(), 2, paged.throughput() / orca.throughput()));
      explain(details, "", orca);
    }
    explain(details, "", paged);
    rows.addAll(details);
    return new Figure(
        "17, real",
        "Throughput over the Orcas' in conversations: " + platform.name() + longest(platform, ", "),
        "×",
        rows,
        "Prompts of "
            + platform.maxTokens() / 2
            + " tokens, outputs and sequences "
            + ofThePaper(platform)
            + ", a pool of "
            + platform.slots()
            + " tokens"
            + "; all requests there from the start, tokens a second until three quarters are out."
            + " Memory holds 1.6 times as many conversations as Orca's seven (Figure 17 in"
            + " simulated time); steps with prompts, of which each request needs the same, take"
            + " what they take whatever else runs."
            + remark(),
        null);
  }
}
