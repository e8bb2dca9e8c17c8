package dev.quire.cli;

import dev.quire.engine.FolderConverter;
import dev.quire.weights.quantize.Quantizer;
import dev.quire.weights.tensor.TensorType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code quire quantize}: the same model in another type. */
@Command(
    name = "quantize",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Writes a model as a GGUF file with weights of another type.",
      "A Hugging Face folder's vocabulary is taken over as it is: Quire reads it, other programs"
          + " may not."
    },
    footer = {
      "",
      "Examples:",
      "  quire quantize model-f16.gguf model-q4.gguf --type q4_k",
      "  quire quantize folder/ model-q8.gguf --type q8_0"
    })
final class QuantizeCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(
      index = "0",
      paramLabel = "IN",
      description = "The GGUF file or Hugging Face folder to read.")
  private Path input = Path.of("");

  @Parameters(index = "1", paramLabel = "OUT", description = "The file to write.")
  private Path output = Path.of("");

  @Option(
      names = "--type",
      required = true,
      paramLabel = "TYPE",
      description = "The new type, such as q8_0 or q4_k.")
  private String type = "";

  QuantizeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    TensorType wanted = SynthCommand.tensorType(type);
    try (WorkProgress progress = WorkProgress.ofBytes(console, "Quantizing")) {
      if (Files.isDirectory(input)) {
        FolderConverter.convert(input, output, wanted, progress);
      } else {
        new Quantizer(wanted).quantize(input, output, progress);
      }
    }
    console.say("wrote " + output);
    return CommandLineRunner.DONE;
  }
}
