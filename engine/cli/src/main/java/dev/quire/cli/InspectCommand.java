package dev.quire.cli;

import dev.quire.engine.GgufTokenizer;
import dev.quire.engine.model.ModelLoader;
import dev.quire.engine.tornado.TornadoExecutor;
import dev.quire.tokenizer.TokenizerException;
import dev.quire.weights.GgufFile;
import dev.quire.weights.HuggingFaceFolder;
import dev.quire.weights.ModelFile;
import dev.quire.weights.ModelSummary;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
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
    description = "Prints a model's metadata and tensors, and whether Quire runs it.",
    footer = {"", "Examples:", "  quire inspect model.gguf", "  quire inspect -o json folder/"})
final class InspectCommand implements Callable<Integer> {
  private static final int SHOWN_VALUE = 100;

  private final Console console;

  @Parameters(
      arity = "0..1",
      paramLabel = "MODEL",
      description = "A GGUF file or a Hugging Face model folder.")
  private @Nullable Path model;

  @Option(
      names = {"-m", "--model"},
      paramLabel = "MODEL",
      description = "The same as an option.")
  private @Nullable Path modelOption;

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
    Path path = model == null ? modelOption : model;
    if (path == null || model != null && modelOption != null) {
      throw new UsageError("give one MODEL to look into");
    }
    try (ModelFile file = ModelFile.open(path)) {
      ModelSummary summary = ModelSummary.of(file);
      ModelLoader.Capability capability = examine(file);
      String gpu = capability.runs() ? gpuRefusal(file) : capability.reason();
      if (format == OutputFormat.JSON) {
        console.out().println(json(summary, capability, gpu));
      } else {
        print(summary, capability, gpu, console.out());
      }
    }
    return CommandLineRunner.DONE;
  }

  /** Why a GPU's kernels can't run a model that the CPU runs; null if they can. */
  private static @Nullable String gpuRefusal(ModelFile file) {
    return TornadoExecutor.refusal(ModelLoader.load(file).spec());
  }

  /** Whether weights and vocabulary both can be used. */
  private static ModelLoader.Capability examine(ModelFile file) {
    ModelLoader.Capability capability = ModelLoader.examine(file);
    if (!capability.runs()) {
      return capability;
    }
    boolean vocabulary =
        switch (file) {
          case GgufFile gguf -> GgufTokenizer.isIn(gguf);
          case HuggingFaceFolder folder -> folder.tokenizer() != null;
        };
    if (!vocabulary) {
      return new ModelLoader.Capability(
          true, capability.reason() + ", no vocabulary: takes token ids alone");
    }
    try {
      int tokens = VocabularyLoader.load(file).vocabularySize();
      return new ModelLoader.Capability(true, capability.reason() + ", " + tokens + " tokens");
    } catch (TokenizerException e) {
      return new ModelLoader.Capability(false, String.valueOf(e.getMessage()));
    }
  }

  private static void print(
      ModelSummary summary,
      ModelLoader.Capability capability,
      @Nullable String gpu,
      PrintStream out) {
    out.printf(
        Locale.ROOT,
        "%s, %s parameters, %s%n",
        summary.format(),
        String.format(Locale.ROOT, "%,d", summary.parameters()),
        mebibytes(summary.tensorBytes()));
    summary.files().forEach(file -> out.println("  " + file));
    out.println((capability.runs() ? "runs: " : "does not run: ") + capability.reason());
    if (capability.runs()) {
      out.println(gpu == null ? "on a GPU: runs" : "on a GPU: does not run: " + gpu);
    }
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

  private static String json(
      ModelSummary summary, ModelLoader.Capability capability, @Nullable String gpu) {
    JsonMapper mapper = new JsonMapper();
    ObjectNode root = mapper.createObjectNode();
    root.put("format", summary.format());
    ArrayNode files = root.putArray("files");
    summary.files().forEach(file -> files.add(file.toString()));
    root.put("parameters", summary.parameters());
    root.put("tensor_bytes", summary.tensorBytes());
    root.put("runs", capability.runs());
    root.put("reason", capability.reason());
    root.put("runs_on_gpu", gpu == null);
    root.put("gpu_reason", gpu == null ? "" : gpu);
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
