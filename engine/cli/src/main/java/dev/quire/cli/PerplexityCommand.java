package dev.quire.cli;

import dev.quire.engine.Engine;
import dev.quire.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code quire perplexity}: how well a model predicts a text. Consecutive windows of the model's
 * context without overlap, each begun with BOS where the model has one; every predicted token
 * counts.
 */
@Command(
    name = "perplexity",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = "Measures how well a model predicts a text.",
    footer = {"", "Examples:", "  quire perplexity -m model.gguf held-out.txt"})
final class PerplexityCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "FILE", description = "The text, UTF-8.")
  private Path file = Path.of("");

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "table or json (default: table).")
  private OutputFormat format = OutputFormat.TABLE;

  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private ServingOptions serving = new ServingOptions();

  PerplexityCommand(Console console) {
    this.console = console;
  }

  /**
   * @param nll negative log-likelihood of all predicted tokens together, in nats
   */
  private record Score(double nll, long tokens, int windows) {
    double perplexity() {
      return Math.exp(nll / tokens);
    }
  }

  @Override
  public Integer call() throws IOException {
    String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    try (Engine engine = ModelOpener.open(console, model, serving)) {
      Tokenizer tokenizer = engine.tokenizer();
      Score score = score(engine, tokenizer, tokenizer.encode(text, false, false));
      if (format == OutputFormat.JSON) {
        ObjectNode json = new JsonMapper().createObjectNode();
        json.put("perplexity", score.perplexity());
        json.put("nll", score.nll() / score.tokens());
        json.put("tokens", score.tokens());
        json.put("windows", score.windows());
        json.put("context", engine.info().maxModelLen());
        console.out().println(json);
      } else {
        console
            .out()
            .printf(
                Locale.ROOT,
                "perplexity %.4f, %.5f nats a token, %d tokens in %d windows of %d%n",
                score.perplexity(),
                score.nll() / score.tokens(),
                score.tokens(),
                score.windows(),
                engine.info().maxModelLen());
      }
    }
    return CommandLineRunner.DONE;
  }

  private Score score(Engine engine, Tokenizer tokenizer, int[] ids) {
    int lead = tokenizer.bosId().isPresent() ? 1 : 0;
    int step = engine.info().maxModelLen() - lead;
    double nll = 0;
    long tokens = 0;
    int windows = 0;
    try (WorkProgress progress = WorkProgress.show(console, "Scoring", " tokens", 1)) {
      for (int start = 0; start < ids.length; start += step) {
        int length = Math.min(step, ids.length - start);
        int[] window = new int[lead + length];
        System.arraycopy(ids, start, window, lead, length);
        tokenizer.bosId().ifPresent(bos -> window[0] = bos);
        if (window.length > 1) {
          double[] logprobs = engine.logprobs(window);
          nll -= Arrays.stream(logprobs, 1, logprobs.length).sum();
          tokens += window.length - 1;
          windows++;
        }
        progress.update(start + length, ids.length);
      }
    }
    if (tokens == 0) {
      throw new Failure(file + ": too short: no token is predicted");
    }
    return new Score(nll, tokens, windows);
  }
}
