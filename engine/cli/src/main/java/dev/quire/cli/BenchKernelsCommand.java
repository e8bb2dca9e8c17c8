package dev.quire.cli;

import dev.quire.bench.kernels.DeviceLimits;
import dev.quire.bench.kernels.KernelBench;
import dev.quire.bench.kernels.KernelCase;
import dev.quire.bench.kernels.KernelCases;
import dev.quire.bench.kernels.KernelTiming;
import dev.quire.bench.kernels.Overlap;
import dev.quire.bench.kernels.Scale;
import dev.quire.engine.tornado.TornadoExecutor;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code quire bench kernels}: each GPU kernel by itself, beside its siblings. */
@Command(
    name = "kernels",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = "Measures GPU kernels one by one, and the device's limits that they run against.",
    footer = {
      "",
      "Examples:",
      "  quire bench kernels --device gpu \"MatrixVector*1B\" PagedAttention --seconds 60",
      "  quire bench kernels --device jvm -o json"
    })
final class BenchKernelsCommand implements Callable<Integer> {
  private static final String OVERLAP = "overlap";
  private static final String IN_TURN = "in turn";

  private final Console console;

  @Parameters(
      arity = "0..*",
      paramLabel = "PATTERN",
      description = "Parts of kernels' names, * for anything between (default: all).")
  private List<String> patterns = new ArrayList<>();

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      defaultValue = "auto",
      description = "gpu, or jvm to see that they run (default: the GPU if there is one).")
  private Device device = Device.AUTO;

  @Option(
      names = "--scale",
      paramLabel = "SCALE",
      description = "The shapes: ${COMPLETION-CANDIDATES} (default: full on a GPU).")
  private @Nullable Scale scale;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      description = "Starts no further kernel after this time (default: no limit).")
  private double seconds = Double.POSITIVE_INFINITY;

  @Option(
      names = "--each",
      paramLabel = "SECONDS",
      description = "Time for the executions of each (default: ${DEFAULT-VALUE}).")
  private double each = 0.2;

  @Option(
      names = "--overlap",
      paramLabel = "WHICH",
      split = ",",
      description = {
        "Launches that begin while those before them end: ${COMPLETION-CANDIDATES}; several, each"
            + " kernel measured once for each (default: engine, as in its steps: those of a single"
            + " row, and of prompts)."
      })
  private List<Overlap> overlaps = new ArrayList<>();

  @Option(names = "--list", description = "Only name them.")
  private boolean list;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "table or json (default: table).")
  private OutputFormat format = OutputFormat.TABLE;

  BenchKernelsCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    boolean gpu = TornadoExecutor.onTornadoVm();
    if (device == Device.CPU || (device == Device.GPU && !gpu) || (device == Device.JVM && gpu)) {
      throw new UsageError(
          "kernels run on --device gpu, with TORNADOVM_HOME set, or on --device jvm, without");
    }
    if (!(seconds > 0) || !(each > 0)) {
      throw new UsageError("--seconds and --each must be above 0");
    }
    Scale size = scale == null ? (gpu ? Scale.FULL : Scale.TINY) : scale;
    List<KernelCase> cases = KernelCases.matching(KernelCases.of(size), patterns);
    if (cases.isEmpty()) {
      throw new UsageError("no kernel has this in its name; --list shows the names");
    }
    if (list) {
      cases.forEach(one -> console.out().println(one.name()));
      return CommandLineRunner.DONE;
    }
    long start = System.nanoTime();
    List<KernelBench> benches =
        (overlaps.isEmpty() ? List.of(Overlap.ENGINE) : overlaps)
            .stream().map(overlap -> new KernelBench(gpu, each, overlap)).toList();
    DeviceLimits limits = benches.getFirst().limits(size, console::say);
    List<KernelTiming> timings = new ArrayList<>();
    List<String> failures = new ArrayList<>();
    TextTable table = table(gpu, limits, cases);
    int next = 0;
    while (next < cases.size() && System.nanoTime() - start < seconds * 1e9) {
      KernelCase one = cases.get(next++);
      try {
        for (KernelBench bench : benches) {
          KernelTiming timing = bench.measure(one, limits);
          timings.add(timing);
          if (format == OutputFormat.TABLE) {
            table.print(console.out(), cells(timing, limits));
          }
        }
      } catch (RuntimeException failure) {
        failures.add(one.name() + ": " + reason(failure));
      }
    }
    if (format == OutputFormat.JSON) {
      console.out().println(json(gpu, limits, timings));
    }
    failures.forEach(failure -> console.say("failed: " + failure));
    if (next < cases.size()) {
      console.say(
          String.format(
              Locale.ROOT,
              "%d of %d kernels were not started within %.0f seconds",
              cases.size() - next,
              cases.size(),
              seconds));
    }
    return failures.isEmpty() ? CommandLineRunner.DONE : CommandLineRunner.FAILED;
  }

  /** The first failure's message: TornadoVM wraps it in some that say nothing. */
  private static String reason(Throwable failure) {
    Throwable first = failure;
    while (first.getCause() != null) {
      first = first.getCause();
    }
    return first.toString().replaceAll("\u001B\\[[0-9;]*m", "");
  }

  /** Prints the limits and a table's heads; rows follow as they are measured. */
  private TextTable table(boolean gpu, DeviceLimits limits, List<KernelCase> cases) {
    TextTable table =
        new TextTable(
                "kernel",
                "shape",
                "launches",
                "µs",
                "p10–p90",
                "GB/s",
                "TFLOP/s",
                "limit",
                "error",
                "start")
            .width(0, cases.stream().mapToInt(one -> one.kernel().length()).max().orElse(0))
            .width(1, cases.stream().mapToInt(one -> one.shape().length()).max().orElse(0))
            .width(2, OVERLAP.length())
            .width(3, "10000.00".length())
            .width(4, "10000.00–10000.00".length())
            .width(5, "1000.0".length())
            .width(7, "100 % product".length())
            .width(8, "1.0e-03".length());
    if (format == OutputFormat.TABLE) {
      console
          .out()
          .printf(
              Locale.ROOT,
              "%s: copy %.0f GB/s%s, empty replay %.1f µs%n",
              gpu ? "GPU" : "JVM",
              limits.copyBytesPerSecond() / 1e9,
              limits.productOperationsPerSecond() > 0
                  ? String.format(
                      Locale.ROOT,
                      ", cuBLAS 4096³ %.0f TFLOP/s",
                      limits.productOperationsPerSecond() / 1e12)
                  : "",
              limits.replayMicros());
      table.print(console.out());
    }
    return table;
  }

  private static List<String> cells(KernelTiming t, DeviceLimits limits) {
    return List.of(
        t.kernel().kernel(),
        t.kernel().shape(),
        t.overlap() ? OVERLAP : IN_TURN,
        number("%.2f", t.micros()),
        number("%.2f", t.low()) + "–" + number("%.2f", t.high()),
        number("%.1f", t.bandwidth() / 1e9),
        t.kernel().operations() > 0 ? number("%.2f", t.rate() / 1e12) : "",
        number("%.0f %% ", 100 * t.share(limits))
            + (t.arithmeticBound(limits) ? "product" : "copy"),
        Double.isNaN(t.error()) ? "" : number("%.1e", t.error()),
        number("%.1f s", t.secondsToStart()));
  }

  private static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }

  private static String json(boolean gpu, DeviceLimits limits, List<KernelTiming> timings) {
    JsonMapper mapper = new JsonMapper();
    ObjectNode root = mapper.createObjectNode();
    root.put("device", gpu ? "gpu" : "jvm");
    root.put("copy_bytes_per_second", limits.copyBytesPerSecond());
    root.put("product_flops", limits.productOperationsPerSecond());
    root.put("replay_us", limits.replayMicros());
    ArrayNode kernels = root.putArray("kernels");
    for (KernelTiming timing : timings) {
      ObjectNode line = kernels.addObject();
      line.put("kernel", timing.kernel().kernel());
      line.put("shape", timing.kernel().shape());
      line.put("overlap", timing.overlap());
      line.put("us", timing.micros());
      line.put("us_p10", timing.low());
      line.put("us_p90", timing.high());
      line.put("bytes", timing.kernel().bytes());
      line.put("operations", timing.kernel().operations());
      line.put("bytes_per_second", timing.bandwidth());
      line.put("flops", timing.rate());
      line.put("share_of_limit", timing.share(limits));
      line.put("limit", timing.arithmeticBound(limits) ? "product" : "copy");
      if (!Double.isNaN(timing.error())) {
        line.put("error", timing.error());
      }
      line.put("start_seconds", timing.secondsToStart());
    }
    return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root);
  }
}
