package dev.quire.bench.paper;

import dev.quire.bench.paper.Figure.Line;
import dev.quire.bench.paper.Figure.Plot;
import dev.quire.bench.paper.Figure.Row;
import dev.quire.engine.exec.ModelExecutor;
import dev.quire.engine.exec.StepBatch;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** Figures 18b and 19 by running: the model is loaded once for each block size. */
final class BlockSizeRuns {
  private static final int TOKENS = 256;
  private static final int REPETITIONS = 15;

  private final DevicePlatform.Source source;
  private final List<Integer> blockSizes;
  private final int requests;
  private final Consumer<String> progress;
  private final List<Double> sizes = new ArrayList<>();
  private final List<Double> throughputs = new ArrayList<>();
  private final List<Double> swaps = new ArrayList<>();
  private final List<Double> recomputations = new ArrayList<>();
  private String machine = "";
  private String model = "";
  private String fileName = "";

  BlockSizeRuns(
      DevicePlatform.Source source,
      List<Integer> blockSizes,
      int requests,
      Consumer<String> progress) {
    this.source = source;
    this.blockSizes = blockSizes;
    this.requests = requests;
    this.progress = progress;
  }

  void run(List<String> names, String command, Consumer<Figure> done) {
    for (int size : blockSizes) {
      if (!sizes.contains((double) size)) {
        try (DevicePlatform platform = source.open(size)) {
          WarmUp.compile(platform);
          run(platform, names, command, done);
        }
      }
    }
  }

  /** One block size, on a model that is there already. */
  void run(DevicePlatform platform, List<String> names, String command, Consumer<Figure> done) {
    progress.accept("blocks of " + platform.blockSize() + ", on " + platform.device());
    machine = RealEvaluation.machine(platform);
    model = platform.name();
    fileName = RealEvaluation.fileName(platform);
    sizes.add((double) platform.blockSize());
    if (names.contains("19")) {
      measureMoves(platform);
      done.accept(swapOrRecompute().madeBy(command + "19", machine));
    }
    if (names.contains("18b")) {
      throughputs.add(throughput(platform));
      progress.accept("%.0f tokens a second".formatted(throughputs.getLast()));
      done.accept(blockSizes().madeBy(command + "18b", machine));
    }
  }

  private double throughput(DevicePlatform platform) {
    ServingRun.Setup setup =
        ServingRun.Setup.of(
                ServingSystem.PAGED,
                platform,
                Trace.SHARE_GPT.scaled(platform.scale()),
                Double.POSITIVE_INFINITY)
            .withBlockSize(platform.blockSize())
            .withRequests(requests);
    ServingRun.run(setup.withRequests(Math.min(requests, 64))); // compiles what is met
    return ServingRun.run(setup).throughput();
  }

  /** The best of some times to swap a sequence out and in, and to compute it. */
  private void measureMoves(DevicePlatform platform) {
    ModelExecutor executor = platform.executor();
    int count = TOKENS / platform.blockSize();
    int[] blocks = IntStream.range(0, count).toArray();
    int[] others = IntStream.range(count, 2 * count).toArray();
    StepBatch out = moves();
    out.numSwapOuts = count;
    out.swapOutGroup = new int[count];
    out.swapOutSource = blocks;
    out.swapOutDestination = blocks;
    StepBatch in = moves();
    in.numSwapIns = count;
    in.swapInGroup = new int[count];
    in.swapInSource = blocks;
    in.swapInDestination = others;
    StepBatch prompt = last(TOKENS, blocks, platform.blockSize());
    double swap = Double.POSITIVE_INFINITY;
    double recompute = Double.POSITIVE_INFINITY;
    for (int i = 0; i <= REPETITIONS; i++) {
      recompute = Math.min(recompute, seconds(executor, prompt));
      swap = Math.min(swap, seconds(executor, out) + seconds(executor, in));
    }
    int before = best(executor, last(1, blocks, platform.blockSize()));
    int after = best(executor, last(1, others, platform.blockSize()));
    if (before != after) {
      throw new IllegalStateException(
          "after swapping out and in the next token is %d, not %d".formatted(after, before));
    }
    swaps.add(1e3 * swap);
    recomputations.add(1e3 * recompute);
    progress.accept(
        String.format(
            Locale.ROOT, "swapping %.3f ms, recomputing %.3f ms", 1e3 * swap, 1e3 * recompute));
  }

  private static int best(ModelExecutor executor, StepBatch batch) {
    ModelExecutor.StepHandle step = executor.submit(batch);
    int[] tokens = step.awaitBest();
    if (tokens != null) {
      return tokens[0];
    }
    float[] logits = step.awaitLogits();
    int best = 0;
    for (int i = 1; i < executor.vocabularySize(); i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }

  private static double seconds(ModelExecutor executor, StepBatch batch) {
    long begin = System.nanoTime();
    ModelExecutor.StepHandle step = executor.submit(batch);
    if (batch.numLogitsRows > 0 && step.awaitBest() == null) {
      step.awaitLogits();
    }
    return (System.nanoTime() - begin) * 1e-9;
  }

  /** A step that computes nothing. */
  private static StepBatch moves() {
    StepBatch batch = new StepBatch();
    batch.slots = new int[1][0];
    batch.blockTables = new int[1][0];
    batch.tableStride = new int[1];
    return batch;
  }

  /** A step that computes the last tokens of a sequence, and the logits after them. */
  private static StepBatch last(int tokens, int[] blocks, int blockSize) {
    int first = TOKENS - tokens;
    StepBatch batch = moves();
    batch.numSequences = 1;
    batch.numTokens = tokens;
    batch.tokenIds = IntStream.range(first, TOKENS).map(i -> 10 + i % 97).toArray();
    batch.positions = IntStream.range(first, TOKENS).toArray();
    batch.queryStart = new int[] {0, tokens};
    batch.contextLengths = new int[] {TOKENS};
    batch.knownLengths = new int[] {TOKENS};
    batch.slots[0] =
        IntStream.range(first, TOKENS)
            .map(i -> blocks[i / blockSize] * blockSize + i % blockSize)
            .toArray();
    batch.blockTables[0] = blocks;
    batch.tableStride[0] = blocks.length;
    batch.logitsRows = new int[] {tokens - 1};
    batch.numLogitsRows = 1;
    return batch;
  }

  /** Values by block size, from the smallest size on. */
  private List<Double> ordered(List<Double> values) {
    return IntStream.range(0, sizes.size())
        .boxed()
        .sorted(Comparator.comparing(sizes::get))
        .map(values::get)
        .toList();
  }

  private Figure blockSizes() {
    List<Double> x = ordered(sizes);
    List<Double> y = ordered(throughputs);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < x.size(); i++) {
      rows.add(Row.ours("blocks of %.0f".formatted(x.get(i)), y.get(i)));
    }
    return new Figure(
        "18b, real",
        "Output by block size, ShareGPT-like: " + model,
        "tokens a second",
        rows,
        "All requests there from the start; tokens a second until three quarters are out. Lengths,"
            + " and with them the best size, follow the longest sequence, "
            + source.maxTokens()
            + " tokens (the paper's 2048, where 16 to 128 are best): the shorter sequences are, the"
            + " more the last blocks' waste weighs.",
        new Plot(
            "figure18b-real-" + fileName,
            "tokens a block",
            "tokens a second",
            true,
            0,
            List.of(new Line("ShareGPT-like", x, y))));
  }

  private Figure swapOrRecompute() {
    List<Double> x = ordered(sizes);
    List<Double> swapped = ordered(swaps);
    List<Double> recomputed = ordered(recomputations);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < x.size(); i++) {
      String label = "blocks of %.0f: ".formatted(x.get(i));
      rows.add(Row.ours(label + "swapping, ms", swapped.get(i)));
      rows.add(Row.ours(label + "recomputing, ms", recomputed.get(i)));
      rows.add(Row.ours(label + "recomputing over swapping", recomputed.get(i) / swapped.get(i)));
    }
    return new Figure(
        "19, real",
        "Swapping 256 tokens out and in, or computing them again: " + model,
        "",
        rows,
        "The best of "
            + REPETITIONS
            + ". All of a step's blocks are gathered into one array, which crosses the bus as one"
            + " transfer: small blocks cost no more, unlike the paper's, which moved block by"
            + " block.",
        new Plot(
            "figure19-real-" + fileName,
            "tokens a block",
            "ms",
            true,
            0,
            List.of(new Line("swapping", x, swapped), new Line("recomputing", x, recomputed))));
  }
}
