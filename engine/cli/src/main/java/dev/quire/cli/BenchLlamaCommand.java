package dev.quire.cli;

import dev.quire.bench.LlamaBench;
import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.ModelInfo;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
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

/** {@code quire bench llama}: one stream, in llama-bench's figures. */
@Command(
    name = "llama",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = "Measures one stream: prompt processing and generation, as llama-bench does.",
    footer = {"", "Examples:", "  quire bench llama -m model.gguf -p 512 -n 128 -r 5 -o json"})
final class BenchLlamaCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = {"-p", "--n-prompt"},
      split = ",",
      paramLabel = "N",
      description = "Prompt tokens, or several numbers with commas; 0: none (default: 512).")
  private List<Integer> prompts = new ArrayList<>(List.of(512));

  @Option(
      names = {"-n", "--n-gen"},
      split = ",",
      paramLabel = "N",
      description = "Tokens to generate, or several; 0: none (default: 128).")
  private List<Integer> generations = new ArrayList<>(List.of(128));

  @Option(
      names = {"-d", "--n-depth"},
      split = ",",
      paramLabel = "N",
      description = "Tokens of context before generation starts, or several numbers (default: 0).")
  private List<Integer> depths = new ArrayList<>(List.of(0));

  @Option(
      names = {"-r", "--repetitions"},
      paramLabel = "N",
      description = "How often each test runs (default: 5).")
  private int repetitions = 5;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "table or json (default: table).")
  private OutputFormat format = OutputFormat.TABLE;

  @Option(
      names = {"-b", "--batch-size", "--max-num-batched-tokens"},
      paramLabel = "N",
      description = "The most tokens a step computes (default: 512).")
  private int batch = 512;

  @Option(
      names = "--block-size",
      paramLabel = "TOKENS",
      description = "Tokens a KV cache block (default: 16).")
  private int blockSize = 16;

  @Mixin private ModelOptions model = new ModelOptions();

  BenchLlamaCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    prompts.removeIf(n -> n == 0);
    generations.removeIf(n -> n == 0);
    int longest = 0;
    for (List<Integer> sizes : List.of(prompts, generations, depths)) {
      for (int size : sizes) {
        if (size < 0) {
          throw new UsageError("-p, -n and -d must be at least 0; one is " + size);
        }
        longest = Math.max(longest, size);
      }
    }
    if (!generations.isEmpty()) {
      longest = Math.max(longest, Collections.max(generations) + Collections.max(depths));
    }
    if (prompts.isEmpty() && generations.isEmpty() || repetitions < 1) {
      throw new UsageError("nothing to measure: -p or -n, and -r, must be at least 1");
    }
    EngineOptions options =
        ServingOptions.checked(
            LlamaBench.fit(
                new ServingOptions()
                    .toEngineOptions(model)
                    .blockSize(blockSize)
                    .maxNumBatchedTokens(batch),
                longest));
    List<LlamaBench.Result> results = new ArrayList<>();
    try (Engine engine = ModelOpener.open(console, model, options);
        WorkProgress progress = WorkProgress.show(console, "Tests", "", 1)) {
      var bench = new LlamaBench(engine, repetitions);
      int tests = prompts.size() + generations.size() * depths.size();
      for (int size : prompts) {
        results.add(bench.prompt(size));
        progress.update(results.size(), tests);
      }
      for (int size : generations) {
        for (int depth : depths) {
          results.add(bench.generation(size, depth));
          progress.update(results.size(), tests);
        }
      }
      if (format == OutputFormat.JSON) {
        console.out().println(json(engine.info(), results));
      } else {
        print(engine.info(), results);
      }
    }
    return CommandLineRunner.DONE;
  }

  private void print(ModelInfo info, List<LlamaBench.Result> results) {
    new TextTable("model", "size", "parameters", "threads", "test", "tokens/s")
        .rows(
            results,
            result -> {
              double[] rates = result.rates();
              return List.of(
                  info.name(),
                  String.format(Locale.ROOT, "%.2f GiB", info.weightBytes() / 1073741824.0),
                  String.format(Locale.ROOT, "%.2f B", info.parameters() / 1e9),
                  String.valueOf(threads()),
                  result.promptTokens() > 0
                      ? "pp" + result.promptTokens()
                      : "tg" + result.generatedTokens() + depth(result),
                  String.format(Locale.ROOT, "%.2f ± %.2f", mean(rates), deviation(rates)));
            })
        .print(console.out());
  }

  private static String depth(LlamaBench.Result result) {
    return result.depth() == 0 ? "" : " @ d" + result.depth();
  }

  private String json(ModelInfo info, List<LlamaBench.Result> results) {
    JsonMapper mapper = new JsonMapper();
    ArrayNode array = mapper.createArrayNode();
    Path path = model.model();
    for (LlamaBench.Result result : results) {
      ObjectNode test = array.addObject();
      double[] nanos = result.samples().stream().mapToDouble(Duration::toNanos).toArray();
      double[] rates = result.rates();
      test.put("build", "quire " + Version.current());
      test.put("device", info.device());
      test.put("model_filename", path == null ? "" : path.toString());
      test.put("model_type", info.name());
      test.put("model_size", info.weightBytes());
      test.put("model_n_params", info.parameters());
      test.put("n_batch", batch);
      test.put("n_threads", threads());
      test.put("n_prompt", result.promptTokens());
      test.put("n_gen", result.generatedTokens());
      test.put("n_depth", result.depth());
      test.put("test_time", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
      test.put("avg_ns", Math.round(mean(nanos)));
      test.put("stddev_ns", Math.round(deviation(nanos)));
      test.put("avg_ts", mean(rates));
      test.put("stddev_ts", deviation(rates));
      ArrayNode sampleNanos = test.putArray("samples_ns");
      result.samples().forEach(sample -> sampleNanos.add(sample.toNanos()));
      ArrayNode sampleRates = test.putArray("samples_ts");
      Arrays.stream(rates).forEach(sampleRates::add);
    }
    return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(array);
  }

  private int threads() {
    return model.threads() == 0 ? Runtime.getRuntime().availableProcessors() : model.threads();
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).average().orElse(0);
  }

  /** Of the sample: over n − 1. */
  private static double deviation(double[] values) {
    double mean = mean(values);
    double squares = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum();
    return values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1));
  }
}
