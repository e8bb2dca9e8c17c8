package dev.quire.cli;

import dev.quire.weights.ModelFile;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code quire inspect}: what is in a model file. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Prints a model's metadata and tensors.")
final class InspectCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(paramLabel = "MODEL", description = "A GGUF file or a Hugging Face model folder.")
  private Path model = Path.of(".");

  InspectCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    try (ModelFile file = ModelFile.open(model)) {
      file.tensors().forEach(t -> console.out().println(t.name() + " " + t.type()));
    }
    return CommandLineRunner.DONE;
  }
}
