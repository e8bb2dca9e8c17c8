package dev.quire.cli;

import dev.quire.bench.ServeBench;
import dev.quire.bench.ServeReport;
import dev.quire.bench.ServeWorkload;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code quire bench serve}: loads a server and measures what its clients see. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = "Loads a server that speaks OpenAI's API: this one's or another's.",
    footer = {
      "",
      "Example:",
      "  quire bench serve --url http://127.0.0.1:8000 --model NAME --workload alpaca --rate 4"
    })
final class BenchServeCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--url",
      paramLabel = "URL",
      description = "The server (default: ${DEFAULT-VALUE}).")
  private String url = "http://127.0.0.1:8000";

  @Option(
      names = "--model",
      required = true,
      paramLabel = "NAME",
      description = "What the server calls the model.")
  private String model = "";

  @Option(names = "--api-key", paramLabel = "KEY", description = "A key of the server.")
  private @Nullable String key;

  @Option(
      names = "--workload",
      paramLabel = "NAME",
      description = "sharegpt, alpaca or file (default: ${DEFAULT-VALUE}).")
  private String workload = "alpaca";

  @Option(
      names = "--file",
      paramLabel = "FILE",
      description =
          "For the workload file: a line of JSON for each request, prompt and output_tokens.")
  private @Nullable Path file;

  @Option(
      names = "--requests",
      paramLabel = "N",
      description = "Requests (default: ${DEFAULT-VALUE}).")
  private int requests = 100;

  @Option(
      names = "--longest",
      paramLabel = "N",
      description =
          "Most words of a prompt and most tokens of an answer (default: ${DEFAULT-VALUE}).")
  private int longest = 1024;

  @Option(
      names = "--rate",
      paramLabel = "N",
      description = "Requests a second, at random times; without it the concurrency alone counts.")
  private double rate;

  @Option(
      names = "--concurrency",
      paramLabel = "N",
      description = "Requests under way at most (default: 16; with a rate, unbounded).")
  private int concurrency;

  @Option(
      names = "--goodput-ttft",
      paramLabel = "MS",
      description = "Target for the first token (default: ${DEFAULT-VALUE} ms).")
  private double goodFirstToken = 1000;

  @Option(
      names = "--goodput-tpot",
      paramLabel = "MS",
      description = "Target for each further token (default: ${DEFAULT-VALUE} ms).")
  private double goodPerToken = 100;

  @Option(names = "--seed", paramLabel = "N", description = "Of lengths, words and times.")
  private long seed = 1;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there.")
  private @Nullable Path json;

  @Option(names = "--plot", paramLabel = "FILE", description = "Draw the latencies there, as PNG.")
  private @Nullable Path plot;

  BenchServeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (requests < 1 || longest < 1 || rate < 0 || concurrency < 0) {
      throw new UsageError("--requests, --longest, --rate and --concurrency must be above 0");
    }
    int atOnce = concurrency > 0 ? concurrency : rate > 0 ? Integer.MAX_VALUE : 16;
    var plan = new ServeBench.Plan(address(), key, model, items(), rate, atOnce, seed);
    ServeReport report = new ServeBench(plan).run();
    console.out().print(report.text(goodFirstToken, goodPerToken));
    if (json != null) {
      Files.writeString(json, report.json(goodFirstToken, goodPerToken).toPrettyString() + "\n");
    }
    if (plot != null) {
      report.plot(plot);
    }
    return report.failed() == 0 ? CommandLineRunner.DONE : CommandLineRunner.FAILED;
  }

  private URI address() {
    try {
      URI address = URI.create(url);
      if (address.getHost() != null) {
        return address;
      }
    } catch (IllegalArgumentException e) {
      // Said below.
    }
    throw new UsageError("--url must be an address such as http://127.0.0.1:8000; it is " + url);
  }

  private List<ServeWorkload.Item> items() throws IOException {
    if (workload.equals("file")) {
      Path from = file;
      if (from == null) {
        throw new UsageError("--workload file needs --file");
      }
      return ServeWorkload.file(from, requests, longest);
    }
    try {
      return ServeWorkload.like(workload, requests, longest, seed);
    } catch (IllegalArgumentException e) {
      throw new UsageError(String.valueOf(e.getMessage()));
    }
  }
}
