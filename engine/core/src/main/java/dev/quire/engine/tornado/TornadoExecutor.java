package dev.quire.engine.tornado;

import dev.quire.engine.QuireException;
import dev.quire.engine.exec.ModelExecutor;
import dev.quire.engine.exec.StepBatch;
import dev.quire.engine.model.DecoderModel;
import dev.quire.engine.model.DecoderSpec;
import dev.quire.engine.model.FeedForwardSpec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
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

  private static final long SAY_NANOS = 2_000_000_000L;

  private final DecoderSpec spec;
  private final TornadoOptions options;
  private final HostMirror mirror = new HostMirror();
  private final PlanRunner runner = new PlanRunner();
  private final StepGraphs graphs;
  private final StepInputs inputs;
  private final List<BlockTables> tables;
  private final StepSender tableSender;
  private final PlanRunner.Program sendTables;
  private final SwapTasks swaps;
  private final CopyTasks copies;
  private final int expertsUsed;
  private final int stretchedBeyond;
  private final int stride;
  private float[] logits = {};

  /**
   * Loads a model onto the device.
   *
   * @param model its file may be closed afterwards
   * @throws QuireException if the kernels don't have what the model needs, or the device computes
   *     wrongly
   */
  public TornadoExecutor(DecoderModel model, TornadoOptions options) {
    this.spec = model.spec();
    this.options = options;
    String refusal = SpecLimits.refusal(spec);
    if (refusal != null) {
      throw QuireException.invalid(refusal);
    }
    long begin = System.nanoTime();
    if (UNCHECKED) {
      options.say().accept("the device's results are not checked: for compiling where none is");
    } else {
      SelfCheck.run();
      options.say().accept("self-check of the kernels passed in " + seconds(begin));
    }
    this.expertsUsed = expertsUsed(spec);
    this.stretchedBeyond = spec.stretchedBeyond();
    var weights = new DeviceWeights(model, options, mirror);
    var scratch = new Scratch(mirror, spec, options, DeviceWeights.unpackedElements(model));
    int groups = spec.cacheGroups().size();
    this.inputs = new StepInputs(mirror, groups, Scratch.tiles(spec, options), options);
    this.tables =
        IntStream.range(0, groups)
            .mapToObj(
                _ ->
                    new BlockTables(
                        Math.min(options.rows(), options.maxSequences()), options.tableWidth()))
            .toList();
    this.stride = weights.head.outputs();
    List<TornadoNativeArray> untouched = new ArrayList<>(scratch.arrays());
    untouched.addAll(inputs.arrays());
    long cacheBytes = 0;
    for (DeviceLayer layer : weights.layers) {
      untouched.add(layer.keys());
      untouched.add(layer.values());
      cacheBytes += 2 * layer.keys().getNumBytesOfSegment();
    }
    var memory = new MemoryGraphs(weights.batches, untouched);
    PlanRunner.Program load = runner.add(memory.graphs(), false);
    this.graphs =
        new StepGraphs(spec, options, weights, scratch, inputs, memory.shared(), mirror, runner);
    this.tableSender = new StepSender(groups, 0, 0, 0, 1, 0, StepGraphs.MOST_CHANGES);
    var send = new Segments("tables");
    tableSender.add(send, inputs);
    this.sendTables = runner.add(send.build(MemoryGraphs.LAST, memory.shared()), true);
    this.swaps = new SwapTasks(spec, weights.layers, options, memory.shared(), mirror, runner);
    this.copies = new CopyTasks(spec, weights, options, memory.shared(), runner);
    runner.start();
    try {
      load(load, weights, memory);
      DeviceWeights.unload(model, mirror);
    } catch (QuireException e) {
      throw outOfMemory(e) ? tooLarge(weights.bytes(), bytes(untouched), cacheBytes, e) : e;
    }
    if (onTornadoVm()) {
      long before = runner.compileNanos();
      graphs.prepareNext(first -> first == 0);
      options
          .say()
          .accept(
              "compiled the kernels of the smallest steps in %.2f s; others' at first use or when idle"
                  .formatted((runner.compileNanos() - before) * 1e-9));
    }
    options
        .say()
        .accept(
            "on the device: weights %s%s, KV cache %s, scratch %s%s; on the host: %s, of which %s are mapped files"
                .formatted(
                    mebibytes(weights.bytes()),
                    weights.conversions(),
                    mebibytes(cacheBytes),
                    mebibytes(bytes(untouched) - cacheBytes),
                    onTornadoVm() ? GpuDevice.freeNow() : "",
                    mebibytes(HostMemory.residentBytes()),
                    mebibytes(HostMemory.residentBytes() - HostMemory.ownBytes())));
  }

  private static boolean outOfMemory(Throwable thrown) {
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      String text = String.valueOf(cause.getMessage()).toLowerCase(Locale.ROOT);
      if (cause.getClass().getSimpleName().contains("OutOfMemory")
          || text.contains("out of memory")
          || text.contains("unable to allocate")) {
        return true;
      }
    }
    return false;
  }

  private static QuireException tooLarge(
      long weights, long rest, long cache, QuireException cause) {
    return new QuireException(
        QuireException.Kind.INVALID,
        "the device is out of memory: weights of %s and scratch of %s leave no room for a KV cache of %s; --kv-cache-memory %dMiB or a smaller --gpu-memory-utilization fits better"
            .formatted(
                mebibytes(weights),
                mebibytes(rest - cache),
                mebibytes(cache),
                cache / 10 * 9 >> 20),
        cause);
  }

  private void load(PlanRunner.Program load, DeviceWeights weights, MemoryGraphs memory) {
    long begin = System.nanoTime();
    long said = begin;
    int batches = weights.batches.size();
    for (int i = 0; i < load.count(); i++) {
      if (i < batches) {
        weights.batches.get(i).fills().forEach(Runnable::run);
      }
      runner.run(new PlanRunner.Program(load.first() + i, 1, false));
      if (i < batches) {
        if (!UNCHECKED && !memory.arrived(i)) {
          throw new QuireException(
              QuireException.Kind.FAILED,
              "weights that were sent to the device read back differently; see the driver's log");
        }
        weights.batches.get(i).arrays().forEach(mirror::release);
        if (System.nanoTime() - said > SAY_NANOS) {
          said = System.nanoTime();
          options.say().accept("sent %d of %d parts of the weights".formatted(i + 1, batches));
        }
      }
    }
    options
        .say()
        .accept("sent %s of weights in %s".formatted(mebibytes(weights.bytes()), seconds(begin)));
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
    return 2 * spec.cacheElements(group) * blockSize;
  }

  /** Bytes that a model's weights will take on the device. */
  public static long weightBytes(DecoderModel model) {
    return DeviceWeights.bytes(model);
  }

  /** Bytes that the arrays between the kernels will take on the device. */
  public static long scratchBytes(DecoderModel model, TornadoOptions options) {
    try (HostMirror mirror = new HostMirror()) {
      DecoderSpec spec = model.spec();
      var scratch = new Scratch(mirror, spec, options, DeviceWeights.unpackedElements(model));
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
    return blockBytes(spec, group, options.blockSize());
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
      return () -> logits;
    }
    boolean single = batch.numTokens == batch.numSequences;
    boolean others = batch.numSequences > 1;
    try {
      StepGraphs.Decode decode = single ? graphs.decode(batch.numTokens, others) : null;
      if (decode != null) {
        fill(decode.sender(), batch, Buckets.splits(decode.size(), options.maxLength()));
        decode.sender().want(batch, 0, batch.numLogitsRows);
        StepGraphs.draw(batch, 0, batch.numLogitsRows, decode.draws());
        runner.run(decode.step());
        return new Handle(decode.head(), batch.numLogitsRows, decode.best());
      }
      StepGraphs.Mixed step = graphs.mixed(batch.numTokens, others);
      if (step == null) {
        throw new IllegalArgumentException(
            "a step of %d tokens; the executor was set up for %d"
                .formatted(batch.numTokens, options.rows()));
      }
      fill(step.sender(), batch, 1);
      runner.run(step.step());
      return head(batch);
    } catch (RuntimeException | Error e) {
      tables.forEach(BlockTables::forget);
      throw e;
    }
  }

  @Override
  public boolean prepare() {
    return graphs.prepareNext(_ -> true);
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

  private StepHandle head(StepBatch batch) {
    int rows = batch.numLogitsRows;
    int most = graphs.mostRows();
    if (rows == 0) {
      return () -> logits;
    }
    boolean others = batch.numSequences > 1;
    if (rows <= most) {
      StepGraphs.Head head = graphs.head(rows, others);
      head.want(batch, 0, rows);
      runner.run(head.head());
      return new Handle(head, rows, head.best());
    }
    grow(rows);
    for (int from = 0; from < rows; from += most) {
      int count = Math.min(most, rows - from);
      StepGraphs.Head head = graphs.head(count, others);
      head.want(batch, from, count);
      runner.run(head.head());
      bring(head, from, count);
    }
    return () -> logits;
  }

  private void grow(int rows) {
    int size = Math.multiplyExact(rows, spec.vocabularySize());
    if (logits.length < size) {
      logits = new float[size];
    }
  }

  private void bring(StepGraphs.Head head, int firstRow, int rows) {
    head.counts().set(0, rows);
    runner.run(head.bring());
    MemorySegment source = head.logits().getSegment();
    int vocabulary = spec.vocabularySize();
    for (int r = 0; r < rows; r++) {
      MemorySegment.copy(
          source,
          ValueLayout.JAVA_FLOAT,
          4L * r * stride,
          logits,
          (firstRow + r) * vocabulary,
          vocabulary);
    }
  }

  /** The results of a step whose wanted rows are still on the device. */
  private final class Handle implements StepHandle {
    private final StepGraphs.Head head;
    private final int rows;
    private final IntArray best;

    Handle(StepGraphs.Head head, int rows, IntArray best) {
      this.head = head;
      this.rows = rows;
      this.best = best;
    }

    @Override
    public float[] awaitLogits() {
      if (rows > 0) {
        grow(rows);
        bring(head, 0, rows);
      }
      return logits;
    }

    @Override
    public int @Nullable [] awaitBest() {
      int[] tokens = new int[rows];
      for (int r = 0; r < rows; r++) {
        tokens[r] = best.get(r);
      }
      return tokens;
    }
  }

  private static long bytes(List<TornadoNativeArray> arrays) {
    return arrays.stream().mapToLong(TornadoNativeArray::getNumBytesOfSegmentWithHeader).sum();
  }

  private static String mebibytes(long bytes) {
    return String.format(Locale.ROOT, "%d MiB", (bytes + (1 << 20) - 1) >> 20);
  }

  private static String seconds(long begin) {
    return String.format(Locale.ROOT, "%.2f s", (System.nanoTime() - begin) * 1e-9);
  }

  @Override
  public String describe() {
    return onTornadoVm()
        ? "GPU, kernels compiled by TornadoVM"
        : "JVM, GPU kernels on threads of this process";
  }

  @Override
  public void close() {
    runner.close();
    mirror.close();
  }
}
