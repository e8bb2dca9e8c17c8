package dev.quire.cli;

import dev.quire.engine.Engine;
import dev.quire.engine.SamplingDefaults;
import dev.quire.engine.SamplingParams;
import dev.quire.engine.chat.ChatFormat;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code quire chat}: a conversation. */
@Command(
    name = "chat",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = {
      "Talks with a model. Ctrl-C stops an answer, Ctrl-D leaves; /help lists more.",
      "Without a terminal, each line of stdin is a turn."
    },
    footer = {"", "Examples:", "  quire chat -m model.gguf --system \"Answer in one sentence.\""})
final class ChatCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = {"--system", "-sys", "--system-prompt"},
      paramLabel = "TEXT",
      description = "What the model is told before the first turn.")
  private @Nullable String system;

  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private SamplingOptions sampling = new SamplingOptions();
  @Mixin private ServingOptions serving = new ServingOptions();

  ChatCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    sampling.toParams(-1, SamplingDefaults.NONE); // wrong usage is said before a model is loaded
    try (Engine engine = ModelOpener.open(console, model, serving, 1)) {
      SamplingParams params = sampling.toParams(-1, engine.info().sampling());
      var session = new ChatSession(console, engine, ChatFormat.of(engine), params, system);
      if (console.terminals().in() && console.terminals().out()) {
        ChatTerminal.run(console, session);
      } else {
        return PipedChat.run(console, session);
      }
    }
    return CommandLineRunner.DONE;
  }
}
