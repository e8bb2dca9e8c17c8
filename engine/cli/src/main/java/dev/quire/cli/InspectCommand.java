package dev.quire.cli;

import dev.quire.weights.ModelFile;
import dev.quire.weights.ModelSummary;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code quire inspect}: what is in a model file. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Prints a model's metadata and tensors.",
    footer = {"", "Examples:", "  quire inspect model.gguf", "  quire inspect -o json folder/"})
final class InspectCommand implements Callable<Integer> {
  private static final int SHOWN_VALUE = 100;

  private final Console console;

  @Parameters(paramLabel = "MODEL", description = "A GGUF file or a Hugging Face model folder.")
  private Path model = Path.of("");

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "table or json (default: table).")
  private OutputFormat format = OutputFormat.TABLE;

  InspectCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    try (ModelFile file = ModelFile.open(model)) {
      ModelSummary summary = ModelSummary.of(file);
      if (format == OutputFormat.JSON) {
        console.out().println(json(summary));
      } else {
        print(summary, console.out());
      }
    }
    return CommandLineRunner.DONE;
  }

  private static void print(ModelSummary summary, PrintStream out) {
    out.printf(
        Locale.ROOT,
        "%s, %s parameters, %s%n",
        summary.format(),
        String.format(Locale.ROOT, "%,d", summary.parameters()),
        mebibytes(summary.tensorBytes()));
    summary.files().forEach(file -> out.println("  " + file));
    out.println();
    new TextTable("metadata", "type", "value")
        .rows(
            summary.metadata(),
            field -> List.of(field.key(), field.type(), shortened(String.valueOf(field.value()))))
        .print(out);
    out.println();
    new TextTable("tensor", "type", "shape", "size")
        .rows(
            summary.tensors(),
            tensor ->
                List.of(
                    tensor.name(),
                    tensor.type().toString(),
                    tensor.shape().stream().map(String::valueOf).collect(Collectors.joining(" × ")),
                    mebibytes(tensor.bytes())))
        .print(out);
    out.println();
    new TextTable("type", "tensors", "elements", "size")
        .rows(
            summary.types(),
            share ->
                List.of(
                    share.type().toString(),
                    String.valueOf(share.tensors()),
                    String.valueOf(share.elements()),
                    mebibytes(share.bytes())))
        .print(out);
  }

  private static String json(ModelSummary summary) {
    JsonMapper mapper = new JsonMapper();
    ObjectNode root = mapper.createObjectNode();
    root.put("format", summary.format());
    ArrayNode files = root.putArray("files");
    summary.files().forEach(file -> files.add(file.toString()));
    root.put("parameters", summary.parameters());
    root.put("tensor_bytes", summary.tensorBytes());
    ObjectNode metadata = root.putObject("metadata");
    for (ModelSummary.Field field : summary.metadata()) {
      ObjectNode entry = metadata.putObject(field.key());
      entry.put("type", field.type());
      entry.set("value", mapper.valueToTree(field.value()));
      entry.put("count", field.count());
    }
    ArrayNode tensors = root.putArray("tensors");
    for (ModelSummary.TensorEntry tensor : summary.tensors()) {
      ObjectNode entry = tensors.addObject();
      entry.put("name", tensor.name());
      entry.put("type", tensor.type().toString());
      ArrayNode shape = entry.putArray("shape");
      tensor.shape().forEach(shape::add);
      entry.put("bytes", tensor.bytes());
    }
    return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root);
  }

  private static String mebibytes(long bytes) {
    return bytes < 1 << 20
        ? String.format(Locale.ROOT, "%.1f KiB", bytes / 1024.0)
        : String.format(Locale.ROOT, "%.1f MiB", bytes / 1048576.0);
  }

  private static String shortened(String value) {
    String line = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r");
    return line.length() <= SHOWN_VALUE ? line : line.substring(0, SHOWN_VALUE) + "…";
  }
}
