package dev.quire.cli;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineOptions;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.Prompt;
import dev.quire.engine.SamplingParams;
import dev.quire.weights.WeightsException;
import dev.quire.weights.safetensors.SafetensorsFile;
import dev.quire.weights.tensor.Tensor;
import dev.quire.weights.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code quire logits}: the model's raw figures, for comparison with another implementation. */
@Command(
    name = "logits",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    description = {
      "Computes the logits of every position of token sequences; needs no tokenizer.",
      "Reads input_ids [B, L] (int32 or int64); writes logits, float32 [B, L, vocabulary], and"
          + " with --greedy greedy_ids, int32 [N]."
    },
    footer = {
      "",
      "Examples:",
      "  quire logits -m model.gguf --input in.safetensors --output out.safetensors"
    })
final class LogitsCommand implements Callable<Integer> {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Console console;

  @Option(
      names = "--input",
      required = true,
      paramLabel = "FILE",
      description = "A safetensors file with input_ids.")
  private Path input = Path.of("");

  @Option(
      names = "--output",
      required = true,
      paramLabel = "FILE",
      description = "The safetensors file to write.")
  private Path output = Path.of("");

  @Option(
      names = "--greedy",
      paramLabel = "N",
      description = "Also continue row 0 by N most probable tokens, past any end of text.")
  private int greedy;

  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private ServingOptions serving = new ServingOptions();

  LogitsCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (greedy < 0) {
      throw new UsageError("--greedy must be at least 1; it is " + greedy);
    }
    int[][] rows = rows();
    EngineOptions options = ServingOptions.checked(serving.toEngineOptions(model));
    try (Engine engine = ModelOpener.open(console, model, options);
        WorkProgress progress = WorkProgress.show(console, "Rows", "", 1)) {
      int vocabulary = engine.info().vocabularySize();
      var writer = new SafetensorsOutput();
      writer.declare("logits", "F32", List.of(rows.length, rows[0].length, vocabulary));
      int[] continuation = greedy == 0 ? new int[0] : continuation(engine, rows[0]);
      if (greedy > 0) {
        writer.declare("greedy_ids", "I32", List.of(continuation.length));
      }
      try (SafetensorsOutput.Data data = writer.open(output)) {
        for (int r = 0; r < rows.length; r++) {
          for (float[] logits : engine.logits(rows[r])) {
            data.write(logits);
          }
          progress.update(r + 1L, rows.length);
        }
        data.write(continuation);
      }
    }
    console.say("wrote " + output);
    return CommandLineRunner.DONE;
  }

  private int[] continuation(Engine engine, int[] prompt) {
    SamplingParams params =
        SamplingParams.builder().temperature(0).maxTokens(greedy).ignoreEos(true).build();
    return engine
        .submit(new GenerationRequest(Prompt.tokens(prompt), params))
        .await()
        .outputs()
        .getFirst()
        .tokenIds()
        .stream()
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private int[][] rows() {
    try (SafetensorsFile file = SafetensorsFile.open(input)) {
      Tensor ids = file.tensors().get("input_ids");
      if (ids == null) {
        throw WeightsException.in(
            input, "has no tensor 'input_ids', but " + file.tensors().keySet());
      }
      boolean wide = ids.type() == TensorType.I64;
      long[] shape = ids.shape();
      if (!wide && ids.type() != TensorType.I32
          || shape.length != 2
          || shape[0] < 1
          || shape[1] < 1) {
        throw WeightsException.in(
            input,
            "input_ids must be int32 or int64 of [B, L], both at least 1; it is "
                + ids.type()
                + " "
                + java.util.Arrays.toString(shape));
      }
      int[][] rows = new int[Math.toIntExact(shape[0])][Math.toIntExact(shape[1])];
      for (int r = 0; r < rows.length; r++) {
        for (int c = 0; c < rows[r].length; c++) {
          long at = (long) r * rows[r].length + c;
          long id = wide ? ids.data().get(LONG, at * 8) : ids.data().get(INT, at * 4);
          if (id < 0 || id > Integer.MAX_VALUE) {
            throw WeightsException.in(
                input, "input_ids[" + r + ", " + c + "] is no token id: " + id);
          }
          rows[r][c] = (int) id;
        }
      }
      return rows;
    }
  }
}
