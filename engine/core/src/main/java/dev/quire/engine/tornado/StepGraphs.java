package dev.quire.engine.tornado;

import dev.quire.engine.exec.StepBatch;
import dev.quire.engine.model.DecoderSpec;
import dev.quire.kernels.FusedAttention;
import dev.quire.kernels.Sampling;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** The graphs of steps, of each size that there are graphs for; a step takes the smallest. */
final class StepGraphs {
  /** Changes of block tables that are sent at once where a step has no room for them. */
  static final int MOST_CHANGES = 1 << 14;

  private final DecoderSpec spec;
  private final TornadoOptions options;
  private final DeviceWeights weights;
  private final Scratch scratch;
  private final StepInputs inputs;
  private final List<TornadoNativeArray> shared;
  private final HostMirror mirror;
  private final PlanRunner runner;
  private final List<Integer> decodeSizes;
  private final List<Decode> decodes = new ArrayList<>();
  private final int fewPositions;

  /** For a single token whose context is longer than that of the first of {@link #decodes}. */
  private final @Nullable Decode longSingle;

  private final List<Integer> mixedSizes;
  private final List<Mixed> mixed = new ArrayList<>();
  private final List<Head> heads = new ArrayList<>();

  /**
   * What runs steps of up to some number of single tokens.
   *
   * @param best takes the tokens of the wanted rows
   * @param head of the same size, for the logits
   */
  record Decode(
      int size,
      StepSender sender,
      PlanRunner.Program step,
      FloatArray draws,
      IntArray best,
      Head head) {}

  /** What runs steps of up to some number of tokens. */
  record Mixed(StepSender sender, PlanRunner.Program step) {}

  /** What computes up to some number of rows of logits of the step before, and brings them. */
  record Head(
      IntArray counts,
      IntArray wanted,
      PlanRunner.Program head,
      PlanRunner.Program bring,
      FloatArray draws,
      IntArray best,
      FloatArray logits) {
    void want(StepBatch batch, int from, int count) {
      counts.set(0, count);
      for (int i = 0; i < count; i++) {
        wanted.set(i, batch.logitsRows[from + i]);
      }
      draw(batch, from, count, draws);
    }
  }

  /**
   * @param shared all arrays that stay on the device
   */
  StepGraphs(
      DecoderSpec spec,
      TornadoOptions options,
      DeviceWeights weights,
      Scratch scratch,
      StepInputs inputs,
      List<TornadoNativeArray> shared,
      HostMirror mirror,
      PlanRunner runner) {
    this.spec = spec;
    this.options = options;
    this.weights = weights;
    this.scratch = scratch;
    this.inputs = inputs;
    this.shared = shared;
    this.mirror = mirror;
    this.runner = runner;
    this.decodeSizes = Buckets.decode(options);
    this.fewPositions = Math.min(options.maxLength(), FusedAttention.FEW_POSITIONS);
    for (int size : decodeSizes) {
      Head head = buildHead(size);
      heads.add(head);
      decodes.add(build(size, "", size == 1 ? fewPositions : options.maxLength(), head));
    }
    boolean longer = options.maxLength() > fewPositions;
    this.longSingle =
        longer && decodeSizes.getFirst() == 1
            ? build(1, "l", options.maxLength(), heads.getFirst())
            : null;
    this.mixedSizes = Buckets.mixed(options);
    mixedSizes.forEach(size -> mixed.add(buildMixed(size)));
  }

  /**
   * For single tokens of so many sequences; null if there are too many.
   *
   * @param longest context, in positions
   */
  @Nullable Decode decode(int sequences, int longest, boolean others) {
    if (sequences == 1 && longest > fewPositions) {
      return longSingle;
    }
    int i = pick(decodeSizes, sequences, others, n -> decodes.get(n).step());
    return i < 0 ? null : decodes.get(i);
  }

  /** For so many tokens; null if there are too many. */
  @Nullable Mixed mixed(int tokens, boolean others) {
    int i = pick(mixedSizes, tokens, others, n -> mixed.get(n).step());
    return i < 0 ? null : mixed.get(i);
  }

  /** For so many wanted rows, at most {@link #mostRows}. */
  Head head(int rows, boolean others) {
    return heads.get(pick(decodeSizes, rows, others, n -> heads.get(n).head()));
  }

  /** Wanted rows that are computed at once. */
  int mostRows() {
    return decodeSizes.getLast();
  }

  private Decode build(int size, String suffix, int longest, Head head) {
    var sender = new StepSender(spec.cacheGroups().size(), size, size, 0, 1, size, changes(size));
    var best = new IntArray(size);
    var step = new Segments("decode" + size + suffix + "p");
    sender.add(step, inputs);
    new LayerTasks(spec, weights, scratch, options, inputs, step, size, 0, longest).addAll();
    var draws = new FloatArray(size * Sampling.PARAMETERS);
    HeadTasks.add(
        step,
        spec,
        weights,
        scratch,
        inputs.wantedCounts,
        inputs.wanted,
        size,
        draws,
        best,
        size == 1 && LayerTasks.streams(spec, weights));
    // Those of a few rows get slower by it: 1 to 7 % at 8 to 64 rows on an H100.
    PlanRunner.Program program =
        runner.add(step.build(MemoryGraphs.LAST, shared, best), true, size == 1);
    return new Decode(size, sender, program, draws, best, head);
  }

  private Head buildHead(int size) {
    var counts = new IntArray(1);
    var wanted = new IntArray(size);
    var best = new IntArray(size);
    var head = new Segments("head" + size + "p");
    var draws = new FloatArray(size * Sampling.PARAMETERS);
    HeadTasks.add(head, spec, weights, scratch, counts, wanted, size, draws, best, false);
    FloatArray out = mirror.floats((long) size * weights.head.outputs());
    var bring = new Segments("logits" + size + "p");
    HeadTasks.addLogits(bring, scratch, counts, size, out, weights.head.outputs());
    return new Head(
        counts,
        wanted,
        runner.add(head.build(MemoryGraphs.LAST, shared, best), true),
        runner.add(bring.build(MemoryGraphs.LAST, shared, out), false),
        draws,
        best,
        out);
  }

  private Mixed buildMixed(int size) {
    int sequences = Math.min(size, options.maxSequences());
    int queries = SpecLimits.tileQueries(spec);
    int tiles = size / queries + sequences;
    var sender =
        new StepSender(
            spec.cacheGroups().size(), size, sequences, tiles, queries, 0, changes(size));
    var step = new Segments("mixed" + size + "p");
    sender.add(step, inputs);
    new LayerTasks(spec, weights, scratch, options, inputs, step, size, tiles, options.maxLength())
        .addAll();
    return new Mixed(sender, runner.add(step.build(MemoryGraphs.LAST, shared), true, true));
  }

  /** How the tokens of wanted rows {@code from} to {@code from + count} are drawn. */
  static void draw(StepBatch batch, int from, int count, FloatArray draws) {
    for (int i = 0; i < count * StepBatch.DRAW; i++) {
      draws.set(i, batch.numDraws == 0 ? 0 : batch.draws[from * StepBatch.DRAW + i]);
    }
  }

  /** Changes of block tables that a step of so many tokens brings along. */
  private static int changes(int tokens) {
    return Math.clamp(2L * tokens, 64, MOST_CHANGES / 4);
  }

  /**
   * The graphs for a step: the smallest that hold it. Where others would wait for their
   * compilation, the smallest that are compiled; {@link #prepareNext} makes up for it in a quiet
   * moment.
   *
   * @return −1 if none hold it
   */
  private int pick(
      List<Integer> sizes, int count, boolean others, IntFunction<PlanRunner.Program> programs) {
    int smallest = Buckets.indexOf(sizes, count);
    if (smallest >= 0 && others) {
      for (int i = smallest; i < sizes.size(); i++) {
        if (runner.ready(programs.apply(i))) {
          return i;
        }
      }
    }
    return smallest;
  }

  /**
   * Compiles and captures what a start does not leave for later: the graphs of the smallest steps,
   * and, if there may be others that would have to wait, those of the largest, which hold any.
   */
  void prepareFirst(boolean others) {
    prepare(0, 0);
    if (others) {
      prepare(decodes.size() - 1, mixed.size() - 1);
    }
  }

  /**
   * Compiles and captures the graphs of a size that have not run yet.
   *
   * @return whether there was such a size
   */
  boolean prepareNext() {
    for (int i = 0; i < Math.max(decodes.size(), mixed.size()); i++) {
      if (prepare(i, i)) {
        return true;
      }
    }
    return longSingle != null && prepare(longSingle);
  }

  private boolean prepare(Decode decode) {
    if (runner.ready(decode.step())) {
      return false;
    }
    decode.sender().clear();
    runner.run(decode.step());
    return true;
  }

  /** Runs an empty step in the graphs of these numbers that have not run yet. */
  private boolean prepare(int single, int several) {
    boolean any = single < decodes.size() && prepare(decodes.get(single));
    if (single < heads.size() && !runner.ready(heads.get(single).head())) {
      heads.get(single).counts().set(0, 0);
      runner.run(heads.get(single).head());
      any = true;
    }
    if (several < mixed.size() && !runner.ready(mixed.get(several).step())) {
      mixed.get(several).sender().clear();
      runner.run(mixed.get(several).step());
      any = true;
    }
    return any;
  }
}
