package dev.quire.cli;

import dev.quire.bench.BatchedBench;
import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code quire bench batched}: many streams, in llama-batched-bench's figures. */
@Command(
    name = "batched",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = "Measures many streams at once, as llama-batched-bench does.",
    footer = {
      "",
      "Examples:",
      "  quire bench batched -m model.gguf -npp 128 -ntg 128 -npl 1,8,32 -o json"
    })
final class BenchBatchedCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "-npp",
      split = ",",
      paramLabel = "N",
      description = "Prompt tokens a stream, or several numbers with commas (default: 128).")
  private List<Integer> prompts = new ArrayList<>(List.of(128));

  @Option(
      names = "-ntg",
      split = ",",
      paramLabel = "N",
      description = "Tokens generated a stream, or several (default: 128).")
  private List<Integer> generations = new ArrayList<>(List.of(128));

  @Option(
      names = "-npl",
      split = ",",
      paramLabel = "N",
      description = "Streams, or several numbers (default: 1,8,32).")
  private List<Integer> streams = new ArrayList<>(List.of(1, 8, 32));

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "table or json (default: table).")
  private OutputFormat format = OutputFormat.TABLE;

  @Option(names = "--no-warmup", description = "Count the first steps too, which load and compile.")
  private boolean cold;

  @Option(
      names = "--block-size",
      paramLabel = "TOKENS",
      description = "Tokens a KV cache block (default: 16).")
  private int blockSize = 16;

  @Mixin private ModelOptions model = new ModelOptions();

  BenchBatchedCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    for (List<Integer> sizes : List.of(prompts, generations, streams)) {
      if (sizes.isEmpty() || Collections.min(sizes) < 1) {
        throw new UsageError("-npp, -ntg and -npl must be at least 1");
      }
    }
    EngineOptions options =
        ServingOptions.checked(
            BatchedBench.fit(
                new ServingOptions().toEngineOptions(model).blockSize(blockSize),
                Collections.max(prompts),
                Collections.max(generations),
                Collections.max(streams)));
    List<BatchedBench.Result> results = new ArrayList<>();
    try (Engine engine = ModelOpener.open(console, model, options);
        WorkProgress progress = WorkProgress.show(console, "Tests", "", 1)) {
      var bench = new BatchedBench(engine);
      int tests = prompts.size() * generations.size() * streams.size();
      for (int pp : prompts) {
        for (int pl : cold ? List.<Integer>of() : streams) {
          bench.warmUp(pp, pl);
        }
        for (int tg : generations) {
          for (int pl : streams) {
            results.add(bench.run(pp, tg, pl));
            progress.update(results.size(), tests);
          }
        }
      }
    }
    if (format == OutputFormat.JSON) {
      console.out().println(json(results));
    } else {
      print(results);
    }
    return CommandLineRunner.DONE;
  }

  private void print(List<BatchedBench.Result> results) {
    new TextTable("pp", "tg", "pl", "n_kv", "t_pp", "speed_pp", "t_tg", "speed_tg", "t", "speed")
        .rows(
            results,
            r ->
                List.of(
                    String.valueOf(r.pp()),
                    String.valueOf(r.tg()),
                    String.valueOf(r.pl()),
                    String.valueOf(r.kvTokens()),
                    number(r.secondsPrompt()),
                    number(r.promptRate()),
                    number(r.secondsGenerate()),
                    number(r.generateRate()),
                    number(r.seconds()),
                    number(r.rate())))
        .print(console.out());
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }

  private String json(List<BatchedBench.Result> results) {
    JsonMapper mapper = new JsonMapper();
    ArrayNode array = mapper.createArrayNode();
    for (BatchedBench.Result result : results) {
      ObjectNode line = array.addObject();
      line.put("pp", result.pp());
      line.put("tg", result.tg());
      line.put("pl", result.pl());
      line.put("n_kv", result.kvTokens());
      line.put("t_pp", result.secondsPrompt());
      line.put("speed_pp", result.promptRate());
      line.put("t_tg", result.secondsGenerate());
      line.put("speed_tg", result.generateRate());
      line.put("t", result.seconds());
      line.put("speed", result.rate());
    }
    return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(array);
  }
}
