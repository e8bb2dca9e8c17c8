package dev.quire.cli;

import dev.quire.bench.StepBench;
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

/** {@code quire bench step}: the time of one step, by its size. */
@Command(
    name = "step",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = "Measures single steps: decoding at some context, and prompts.",
    footer = {
      "",
      "Examples:",
      "  quire bench step -m model.gguf --streams 1,8,32 --context 256 --prefill 512,2048 -o json"
    })
final class BenchStepCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--streams",
      split = ",",
      paramLabel = "N",
      description = "Sequences that decode together, or several; 0: none (default: 1).")
  private List<Integer> streams = new ArrayList<>(List.of(1));

  @Option(
      names = "--context",
      paramLabel = "TOKENS",
      description = "Tokens in each one's cache (default: 256).")
  private int context = 256;

  @Option(
      names = "--prefill",
      split = ",",
      paramLabel = "TOKENS",
      description = "Prompts to process, or several; 0: none (default: 512).")
  private List<Integer> prefills = new ArrayList<>(List.of(512));

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "Decode steps that a figure is the mean of (default: 64).")
  private int steps = 64;

  @Option(
      names = {"-r", "--repetitions"},
      paramLabel = "N",
      description = "How often each prompt runs (default: 5).")
  private int repetitions = 5;

  @Option(
      names = "--max-num-batched-tokens",
      paramLabel = "N",
      description = "The most tokens a step computes (default: the longest prompt, at least 512).")
  private int batch;

  @Option(
      names = "--block-size",
      paramLabel = "TOKENS",
      description = "Tokens a KV cache block (default: 16).")
  private int blockSize = 16;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "table or json (default: table).")
  private OutputFormat format = OutputFormat.TABLE;

  @Mixin private ModelOptions model = new ModelOptions();

  BenchStepCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    streams.removeIf(n -> n == 0);
    prefills.removeIf(n -> n == 0);
    for (List<Integer> sizes : List.of(streams, prefills)) {
      if (!sizes.isEmpty() && Collections.min(sizes) < 0) {
        throw new UsageError("--streams and --prefill must be at least 0");
      }
    }
    if (streams.isEmpty() && prefills.isEmpty()) {
      throw new UsageError("nothing to measure: --streams or --prefill must be at least 1");
    }
    if (context < 1 || steps < 16 || repetitions < 1 || batch < 0) {
      throw new UsageError("--context and -r must be at least 1, --steps at least 16");
    }
    int longest = prefills.isEmpty() ? 1 : Collections.max(prefills);
    int most = streams.isEmpty() ? 1 : Collections.max(streams);
    int tokens = Math.max(most + 1, batch > 0 ? batch : Math.max(512, longest));
    EngineOptions options =
        ServingOptions.checked(
            StepBench.fit(
                new ServingOptions().toEngineOptions(model).blockSize(blockSize),
                most,
                context,
                steps,
                longest,
                tokens));
    List<StepBench.Decode> decodes = new ArrayList<>();
    List<StepBench.Prefill> prompts = new ArrayList<>();
    try (Engine engine = ModelOpener.open(console, model, options);
        WorkProgress progress = WorkProgress.show(console, "Steps", "", 1)) {
      long begin = System.nanoTime();
      var bench = new StepBench(engine, steps, tokens);
      console.say(
          "ready for steps of every size in %.1f s".formatted((System.nanoTime() - begin) * 1e-9));
      int tests = streams.size() + prefills.size();
      for (int count : streams) {
        decodes.add(bench.decode(count, context));
        progress.update(decodes.size(), tests);
      }
      for (int prompt : prefills) {
        prompts.add(bench.prefill(prompt, repetitions));
        progress.update(decodes.size() + prompts.size(), tests);
      }
      if (format == OutputFormat.JSON) {
        console.out().println(json(engine.info().device(), decodes, prompts));
      } else {
        print(decodes, prompts);
      }
    }
    return CommandLineRunner.DONE;
  }

  private void print(List<StepBench.Decode> decodes, List<StepBench.Prefill> prompts) {
    List<List<String>> rows = new ArrayList<>();
    for (StepBench.Decode d : decodes) {
      rows.add(
          List.of(
              "decode",
              String.valueOf(d.streams()),
              String.valueOf(d.context()),
              number(d.milliseconds()),
              number(d.hostMilliseconds()),
              number(d.tokensPerSecond())));
    }
    for (StepBench.Prefill p : prompts) {
      rows.add(
          List.of(
              "prefill",
              "1",
              String.valueOf(p.tokens()),
              number(p.median()),
              "",
              number(p.tokensPerSecond())));
    }
    new TextTable("step", "streams", "tokens", "ms", "host ms", "tokens/s")
        .rows(rows, row -> row)
        .print(console.out());
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }

  private String json(
      String device, List<StepBench.Decode> decodes, List<StepBench.Prefill> prompts) {
    JsonMapper mapper = new JsonMapper();
    ObjectNode root = mapper.createObjectNode();
    root.put("device", device);
    ArrayNode decode = root.putArray("decode");
    for (StepBench.Decode d : decodes) {
      ObjectNode line = decode.addObject();
      line.put("streams", d.streams());
      line.put("context", d.context());
      line.put("step_ms", d.milliseconds());
      line.put("host_ms", d.hostMilliseconds());
      line.put("tokens_per_second", d.tokensPerSecond());
    }
    ArrayNode prefill = root.putArray("prefill");
    for (StepBench.Prefill p : prompts) {
      ObjectNode line = prefill.addObject();
      line.put("tokens", p.tokens());
      line.put("median_ms", p.median());
      line.put("tokens_per_second", p.tokensPerSecond());
      ArrayNode samples = line.putArray("samples_ms");
      p.milliseconds().forEach(samples::add);
    }
    return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root);
  }
}
