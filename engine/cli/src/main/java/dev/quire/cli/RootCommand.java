package dev.quire.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** {@code quire} itself: what it is, and its commands. */
@Command(
    name = "quire",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Runs large language models, in Java, over a paged KV cache.",
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Examples:",
      "  quire run \"ROMEO:\"                        continue a text with the embedded model",
      "  quire run -m model.gguf -n 100 \"Once\"     the same with another model",
      "  quire chat -m model.gguf                  talk with it",
      "  quire serve -m model.gguf --port 8080     serve it to OpenAI clients",
      "",
      "Exit codes: 0 done, 1 failed, 2 wrong usage."
    })
final class RootCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Say more on stderr; show where errors come from.")
  private boolean verbose;

  RootCommand(CommandSpec none) {
    this.spec = none;
  }

  boolean verbose() {
    return verbose;
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "a command is needed; quire --help lists them");
  }
}
