package dev.quire.cli;

import dev.quire.weights.WeightsException;
import dev.quire.weights.synth.ModelShape;
import dev.quire.weights.synth.Synthesizer;
import dev.quire.weights.tensor.TensorType;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code quire synth}: a model of a known shape with random weights. */
@Command(
    name = "synth",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Writes a GGUF model of a named shape with random weights, for measuring.",
    footer = {
      "",
      "Examples:",
      "  quire synth --arch llama-3.2-1b --type q8_0 model.gguf",
      "  quire synth --arch list -"
    })
final class SynthCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--arch",
      required = true,
      paramLabel = "SHAPE",
      description = "The shape, such as llama-3.2-1b; list prints their names.")
  private String shape = "";

  @Option(
      names = "--type",
      paramLabel = "TYPE",
      description = "The weights' type, such as f16 or q8_0 (default: f16).")
  private String type = "f16";

  @Option(
      names = {"-s", "--seed"},
      paramLabel = "SEED",
      description = "Keys the weights (default: 0).")
  private long seed;

  @Parameters(paramLabel = "OUT", description = "The file to write.")
  private Path output = Path.of("");

  SynthCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    if (shape.equals("list")) {
      ModelShape.named().forEach(known -> console.out().println(known.name()));
      return CommandLineRunner.DONE;
    }
    ModelShape known;
    try {
      known = ModelShape.named(shape);
    } catch (WeightsException e) {
      throw new UsageError("--arch: " + e.getMessage());
    }
    var synthesizer = new Synthesizer(known, tensorType(type), seed);
    try (WorkProgress progress = WorkProgress.ofBytes(console, "Writing")) {
      synthesizer.write(output, progress);
    }
    console.say("wrote " + output);
    return CommandLineRunner.DONE;
  }

  /** A type that can be written, by its name in any case. */
  static TensorType tensorType(String name) {
    List<TensorType> known =
        Arrays.stream(TensorType.values())
            .filter(type -> type.isSupported() && type.codec().canEncode())
            .toList();
    for (TensorType type : known) {
      if (type.name().equalsIgnoreCase(name)) {
        return type;
      }
    }
    String names =
        known.stream()
            .map(type -> type.name().toLowerCase(Locale.ROOT))
            .collect(Collectors.joining(", "));
    throw new UsageError("--type: '" + name + "' is none of " + names);
  }
}
