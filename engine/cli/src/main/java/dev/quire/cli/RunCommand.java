package dev.quire.cli;

import dev.quire.engine.Engine;
import dev.quire.engine.FinishReason;
import dev.quire.engine.Generation;
import dev.quire.engine.GenerationEvent;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.RequestHandle;
import dev.quire.engine.SamplingDefaults;
import dev.quire.engine.SamplingParams;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code quire run}: continues one text. */
@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = "Continues a text. The continuation goes to stdout, everything else to stderr.",
    footer = {
      "",
      "Examples:",
      "  quire run \"ROMEO:\"",
      "  quire run -m model.gguf -n 100 --temp 0 \"Once upon a time\"",
      "  cat question.txt | quire run -m model.gguf"
    })
final class RunCommand implements Callable<Integer> {
  private static final int DEFAULT_TOKENS = 256;

  private final Console console;

  @Parameters(
      arity = "0..1",
      paramLabel = "PROMPT",
      description = "The text to continue; - or none reads it from stdin.")
  private @Nullable String prompt;

  @Option(
      names = {"-p", "--prompt"},
      paramLabel = "PROMPT",
      description = "The same as an option.")
  private @Nullable String promptOption;

  @Option(
      names = {"-f", "--file"},
      paramLabel = "FILE",
      description = "Reads the text to continue from a file.")
  private @Nullable Path file;

  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private SamplingOptions sampling = new SamplingOptions();
  @Mixin private SeveralOptions several = new SeveralOptions();
  @Mixin private ServingOptions serving = new ServingOptions();

  RunCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    // Wrong usage is said before a model is loaded.
    int sequences = params(SamplingDefaults.NONE).sequences();
    String text = prompt();
    if (text.isEmpty()) {
      throw new UsageError("the prompt is empty; give a text to continue");
    }
    try (Engine engine = ModelOpener.open(console, model, serving, sequences)) {
      SamplingParams params = params(engine.info().sampling());
      return generate(engine, new GenerationRequest(Prompt.text(text), params));
    }
  }

  private SamplingParams params(SamplingDefaults own) {
    return several.addTo(sampling.toParams(DEFAULT_TOKENS, own));
  }

  private int generate(Engine engine, GenerationRequest request) {
    RequestHandle handle = engine.submit(request);
    try (var interruption = new Interruption(() -> stop(handle))) {
      if (request.params().n() == 1) {
        stream(handle);
      }
      Generation done = handle.await();
      if (request.params().n() > 1) {
        printAll(done);
      }
      console.say(Figures.of(done.usage()));
      if (done.finishReason() == FinishReason.ERROR) {
        throw new Failure("the generation failed: " + done.outputs().getFirst().detail());
      }
      return interruption.exitCode();
    }
  }

  private void stream(RequestHandle handle) {
    boolean endsLine = true;
    for (GenerationEvent event : handle.events()) {
      if (event instanceof GenerationEvent.Text text && !text.text().isEmpty()) {
        console.out().print(text.text());
        endsLine = text.text().endsWith("\n");
        if (console.out().checkError()) { // flushes; true once the reader has gone
          handle.cancel();
        }
      }
    }
    if (!endsLine) {
      console.out().println();
    }
  }

  /** Several outputs come when all are done, each below a line that numbers it. */
  private void printAll(Generation done) {
    for (Generation.Output output : done.outputs()) {
      String score =
          Double.isNaN(output.score())
              ? ""
              : String.format(Locale.ROOT, ", score %.4f", output.score());
      console
          .out()
          .println("--- output " + (output.index() + 1) + " of " + done.outputs().size() + score);
      console.out().println(output.text());
    }
    console.out().flush();
  }

  private static boolean stop(RequestHandle handle) {
    handle.cancel();
    return true;
  }

  private String prompt() throws IOException {
    int given = (prompt == null ? 0 : 1) + (promptOption == null ? 0 : 1) + (file == null ? 0 : 1);
    if (given > 1) {
      throw new UsageError("the prompt is given more than once");
    }
    if (file != null) {
      return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    }
    String text = prompt == null ? promptOption : prompt;
    if (text == null && console.terminals().in()) {
      throw new UsageError("a prompt is needed: quire run \"ROMEO:\", or a text on stdin");
    }
    return text == null || text.equals("-")
        ? new String(console.in().readAllBytes(), StandardCharsets.UTF_8)
        : text;
  }
}
