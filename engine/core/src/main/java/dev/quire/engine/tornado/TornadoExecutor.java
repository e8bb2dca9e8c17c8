package dev.quire.engine.tornado;

import dev.quire.engine.QuireException;
import dev.quire.engine.exec.ModelExecutor;
import dev.quire.engine.exec.StepBatch;
import dev.quire.engine.model.DecoderModel;
import dev.quire.engine.model.DecoderSpec;
import dev.quire.engine.model.FeedForwardSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * Runs steps as graphs of kernels, over weights and a KV cache that stay on the device.
 *
 * <p>A step in which every sequence has one token runs in the graphs of the smallest bucket that
 * holds it, which are captured and replayed; any other step runs in graphs that attend by chunks,
 * and then those that compute the logits of the wanted rows. A graph is compiled at its first use.
 */
public final class TornadoExecutor implements ModelExecutor {
  /** Set where kernels are compiled, but nothing computes them: a driver without a device. */
  private static final boolean UNCHECKED = Boolean.getBoolean("quire.device.unchecked");

  private final DecoderSpec spec;
  private final TornadoOptions options;
  private final HostMirror mirror = new HostMirror();
  private final PlanRunner runner;
  private final StepGraphs graphs;
  private final StepInputs inputs;
  private final List<BlockTables> tables;
  private final StepSender tableSender;
  private final PlanRunner.Program sendTables;
  private final SwapTasks swaps;
  private final CopyTasks copies;
  private final int expertsUsed;
  private final int stretchedBeyond;
  private final StepResults results;

  /**
   * Loads a model onto the device.
   *
   * @param model its file may be closed afterwards
   * @throws QuireException if the kernels don't have what the model needs, or the device computes
   *     wrongly
   */
  public TornadoExecutor(DecoderModel model, TornadoOptions options) {
    String refusal = SpecLimits.refusal(model.spec());
    if (refusal != null) {
      throw QuireException.invalid(refusal);
    }
    var parts = new ModelParts(model, DeviceShape.of(model.spec()));
    this.spec = parts.shape().device();
    this.options = options;
    if (onTornadoVm()) {
      Stream.of(TornadoInternals.driver(), TornadoInternals.graphs())
          .filter(line -> !line.isEmpty())
          .forEach(options.say());
    }
    if (UNCHECKED) {
      options.say().accept("the device's results are not checked: for compiling where none is");
    } else {
      long begin = System.nanoTime();
      SelfCheck.run();
      options
          .say()
          .accept(
              String.format(
                  Locale.ROOT,
                  "self-check of the kernels passed in %.2f s",
                  (System.nanoTime() - begin) * 1e-9));
    }
    this.runner = new PlanRunner();
    this.expertsUsed = expertsUsed(spec);
    this.stretchedBeyond = spec.stretchedBeyond();
    var weights = new DeviceWeights(parts, options, mirror);
    var scratch = new Scratch(mirror, spec, options, parts.unpackedElements());
    int groups = spec.cacheGroups().size();
    this.inputs = new StepInputs(mirror, groups, Scratch.tiles(spec, options), options);
    this.tables =
        IntStream.range(0, groups)
            .mapToObj(
                _ ->
                    new BlockTables(
                        Math.min(options.rows(), options.maxSequences()), options.tableWidth()))
            .toList();
    List<TornadoNativeArray> untouched = new ArrayList<>(scratch.arrays());
    untouched.addAll(inputs.arrays());
    long cacheBytes = 0;
    for (DeviceLayer layer : weights.layers) {
      untouched.add(layer.keys());
      untouched.add(layer.values());
      cacheBytes += 2 * layer.keys().getNumBytesOfSegment();
    }
    var staging = new Staging(mirror, weights.packs(), Staging.ELEMENTS);
    var memory = new MemoryGraphs(weights.batches, staging, untouched);
    PlanRunner.Program load = runner.add(memory.graphs(), false);
    this.graphs =
        new StepGraphs(spec, options, weights, scratch, inputs, memory.shared(), mirror, runner);
    this.results = new StepResults(spec, graphs, runner, weights.head.outputs());
    this.tableSender = new StepSender(groups, 0, 0, 0, 1, 0, StepGraphs.MOST_CHANGES);
    var send = new Segments("tables");
    tableSender.add(send, inputs);
    this.sendTables = runner.add(send.build(MemoryGraphs.LAST, memory.shared()), true);
    this.swaps = new SwapTasks(spec, weights.layers, options, memory.shared(), mirror, runner);
    this.copies = new CopyTasks(spec, weights, options, memory.shared(), runner);
    var use = new DeviceMemory(weights.bytes(), bytes(untouched) - cacheBytes, cacheBytes);
    runner.start();
    try {
      new WeightSender(weights, mirror, runner, options.say()).send(load, memory, !UNCHECKED);
      staging.release(mirror);
      parts.unload(mirror);
    } catch (QuireException e) {
      giveUp(e);
      throw DeviceMemory.outOfMemory(e) ? use.tooLarge(e, GpuDevice.available()) : e;
    }
    if (onTornadoVm()) {
      prepareFirst();
    }
    options
        .say()
        .accept(use.describe(weights.conversions(), onTornadoVm() ? GpuDevice.freeNow() : ""));
  }

  /**
   * Compiles what any step can run in, at whatever cost, so that from now on no step waits for a
   * compilation while others run.
   */
  void prepareFirst() {
    long before = runner.compileNanos();
    boolean others = options.maxSequences() > 1;
    graphs.prepareFirst(others);
    if (others) {
      copies.prepare();
      tableSender.change(tables, 0, 0);
      runner.run(sendTables);
    }
    options
        .say()
        .accept(
            "kernels of the smallest %ssteps ready in %.2f s%s; others' %swhen idle"
                .formatted(
                    others ? "and the largest " : "",
                    (runner.compileNanos() - before) * 1e-9,
                    compiled(runner),
                    others ? "" : "at first use or "));
  }

  /** Graphs that have run so far: nothing is left to compile of them. */
  int startedGraphs() {
    return runner.startedGraphs();
  }

  /**
   * Frees what is there already of an executor that will not be. TornadoVM fails at it, with an
   * error, where a buffer is missing: what is told is why.
   */
  private void giveUp(QuireException cause) {
    try {
      runner.close();
    } catch (RuntimeException | Error e) {
      cause.addSuppressed(e);
    }
    mirror.close();
  }

  /** Where the kernels so far came from, for people; empty if nothing tells. */
  private static String compiled(PlanRunner runner) {
    TornadoInternals.Compiled all = runner.compiled();
    return all == null
        ? ""
        : ", %d compiled, %d as an earlier process compiled them"
            .formatted(all.compiled(), all.cached());
  }

  private static int expertsUsed(DecoderSpec spec) {
    return spec.layers().stream()
        .mapToInt(
            layer ->
                layer.feedForward() instanceof FeedForwardSpec.Experts experts ? experts.used() : 0)
        .max()
        .orElse(0);
  }

  /** Bytes that one block takes over all layers of a cache group. */
  public static long blockBytes(DecoderSpec spec, int group, int blockSize) {
    return 2 * DeviceShape.of(spec).device().cacheElements(group) * blockSize;
  }

  /** Elements that one block takes in the largest array of keys or values. */
  public static long largestBlock(DecoderSpec spec, int blockSize) {
    return DeviceShape.of(spec).device().layers().stream()
        .mapToLong(layer -> (long) blockSize * layer.attention().kvSize())
        .max()
        .orElse(1);
  }

  /** Bytes that a model's weights will take on the device. */
  public static long weightBytes(DecoderModel model) {
    return new ModelParts(model, DeviceShape.of(model.spec())).bytes();
  }

  /** Bytes that the arrays between the kernels will take on the device. */
  public static long scratchBytes(DecoderModel model, TornadoOptions options) {
    try (HostMirror mirror = new HostMirror()) {
      var parts = new ModelParts(model, DeviceShape.of(model.spec()));
      DecoderSpec spec = parts.shape().device();
      var scratch = new Scratch(mirror, spec, options, parts.unpackedElements());
      int groups = spec.cacheGroups().size();
      var inputs = new StepInputs(mirror, groups, Scratch.tiles(spec, options), options);
      return bytes(scratch.arrays()) + bytes(inputs.arrays());
    }
  }

  /** Why the kernels can't run a model, naming what it needs; null if they can. */
  public static @Nullable String refusal(DecoderSpec spec) {
    return SpecLimits.refusal(spec);
  }

  /** Whether TornadoVM's own runtime is there, rather than ours. */
  public static boolean onTornadoVm() {
    return TornadoExecutionPlan.class.getModule().isNamed();
  }

  @Override
  public int recomputesBeyond() {
    return stretchedBeyond;
  }

  @Override
  public int vocabularySize() {
    return spec.vocabularySize();
  }

  @Override
  public boolean compilesSteps() {
    return onTornadoVm();
  }

  @Override
  public long blockBytes(int group) {
    return 2 * spec.cacheElements(group) * options.blockSize();
  }

  @Override
  public int hostBlocks(int group) {
    return options.hostBlocks(group);
  }

  @Override
  public double swapBytesPerSecond() {
    double measured = swaps.bytesPerSecond();
    return Double.isNaN(measured) ? ModelExecutor.super.swapBytesPerSecond() : measured;
  }

  /** Computes the step before it returns; what of its results is wanted is said at the handle. */
  @Override
  public StepHandle submit(StepBatch batch) {
    swaps.run(batch);
    copies.run(batch);
    if (batch.numTokens == 0) {
      return results.none();
    }
    boolean single = batch.numTokens == batch.numSequences;
    boolean others = batch.numSequences > 1;
    try {
      StepGraphs.Decode decode =
          single ? graphs.decode(batch.numTokens, batch.contextLengths[0], others) : null;
      if (decode != null) {
        fill(decode.sender(), batch, Buckets.splits(decode.size(), options.maxLength()));
        decode.sender().want(batch, 0, batch.numLogitsRows);
        StepGraphs.draw(batch, 0, batch.numLogitsRows, decode.draws());
        runner.run(decode.step());
        return results.of(decode, batch.numLogitsRows);
      }
      StepGraphs.Mixed step = graphs.mixed(batch.numTokens, others);
      if (step == null) {
        throw new IllegalArgumentException(
            "a step of %d tokens; the executor was set up for %d"
                .formatted(batch.numTokens, options.rows()));
      }
      fill(step.sender(), batch, 1);
      runner.run(step.step());
      return results.compute(batch);
    } catch (RuntimeException | Error e) {
      tables.forEach(BlockTables::forget);
      throw e;
    }
  }

  @Override
  public boolean prepare() {
    return graphs.prepareNext() || swaps.prepareNext();
  }

  /** Hands a step to its sender; sends what changed in the block tables first if it is much. */
  private void fill(StepSender sender, StepBatch batch, int splits) {
    int most = 0;
    for (int g = 0; g < tables.size(); g++) {
      BlockTables table = tables.get(g);
      int stride = batch.tableStride[g];
      table.begin();
      for (int s = 0; s < batch.numSequences; s++) {
        int used = Math.min(stride, Math.ceilDiv(batch.contextLengths[s], options.blockSize()));
        table.set(s, batch.blockTables[g], s * stride, used);
      }
      most = Math.max(most, table.count());
    }
    int sent = 0;
    for (; most - sent > sender.mostChanges(); sent += tableSender.mostChanges()) {
      tableSender.change(tables, sent, tableSender.mostChanges());
      runner.run(sendTables);
    }
    sender.fill(batch, splits, expertsUsed, stretchedBeyond);
    sender.change(tables, sent, sender.mostChanges());
  }

  private static long bytes(List<TornadoNativeArray> arrays) {
    return arrays.stream().mapToLong(TornadoNativeArray::getNumBytesOfSegmentWithHeader).sum();
  }

  @Override
  public String describe() {
    return onTornadoVm()
        ? "GPU, kernels compiled by TornadoVM" + backend()
        : "JVM, GPU kernels on threads of this process";
  }

  /** The backend that the launcher chose, for people. */
  private static String backend() {
    String chosen = System.getProperty("quire.tornado", "");
    return chosen.isEmpty() ? "" : "'s " + chosen + " backend";
  }

  @Override
  public void close() {
    runner.close();
    mirror.close();
  }
}
