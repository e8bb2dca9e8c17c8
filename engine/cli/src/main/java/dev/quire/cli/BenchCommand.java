package dev.quire.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code quire bench}: measurements, one subcommand each. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Measures speed.",
    synopsisSubcommandLabel = "llama|batched|step|kernels|serve|paper")
final class BenchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    throw new ParameterException(
        spec.commandLine(),
        "say what to measure: llama (one stream), batched (many), step (its single steps), kernels"
            + " (a GPU's, one by one), serve (a server's clients) or paper");
  }
}
