package dev.quire.bench.paper;

import dev.quire.engine.EngineOptions;
import dev.quire.engine.LoadedModel;
import dev.quire.engine.exec.ModelExecutor;
import dev.quire.engine.exec.StepBatch;
import dev.quire.engine.schedule.StepBatchBuilder;
import dev.quire.engine.schedule.StepPlan;
import dev.quire.engine.tornado.GpuDevice;
import dev.quire.engine.tornado.TornadoExecutor;
import dev.quire.paging.KvAllocator;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A real model on this machine's CPU or GPU: steps are computed, and take what they take. The pool
 * is small enough to bind: unless somebody asks for another, as many of the model's longest
 * sequences as OPT-13B's memory held in the paper.
 */
final class DevicePlatform implements Platform, AutoCloseable {
  /** Of the model's longest sequences that the pool holds, as OPT-13B's memory did. */
  static final double FULL_SEQUENCES =
      (double) ServedModel.OPT_13B.slots() / ServedModel.OPT_13B.maxTokens();

  private static final int PAPER_LENGTH = 2048;

  private final LoadedModel model;
  private final int blockSize;
  private final EngineOptions options;
  private final double pool;
  private final String device;

  private DevicePlatform(LoadedModel model, EngineOptions options, double pool) {
    this.pool = pool;
    this.model = model;
    this.blockSize = options.blockSize();
    this.options = options;
    this.device = gpu() ? GpuDevice.query().name() + ": " + model.device() : model.device();
  }

  /**
   * What to load.
   *
   * @param path null for the embedded model
   * @param maxTokens the longest sequence
   * @param pool of so many of the longest sequences
   */
  record Source(
      @Nullable Path path,
      String device,
      int threads,
      int maxTokens,
      double pool,
      Consumer<String> say) {
    DevicePlatform open(int blockSize) {
      return open(blockSize, pool);
    }

    /**
     * Loads the model.
     *
     * @param most longest sequences that the largest pool holds
     */
    DevicePlatform open(int blockSize, double most) {
      int slots = (int) (Math.max(most, pool) * maxTokens);
      EngineOptions options =
          EngineOptions.builder()
              .device(device)
              .threads(threads)
              .blockSize(blockSize)
              .numKvBlocks(slots / blockSize)
              .maxModelLen(maxTokens)
              .maxNumSeqs(256)
              .maxNumBatchedTokens(512)
              .preemption(EngineOptions.Preemption.SWAP)
              .swapSpace(64L << 20)
              .say(say)
              .build();
      return new DevicePlatform(LoadedModel.load(path, options), options, pool);
    }
  }

  /** What computes, for people. */
  String device() {
    return device;
  }

  /** Whether a GPU computes, rather than this process. */
  static boolean gpu() {
    return TornadoExecutor.onTornadoVm();
  }

  int blockSize() {
    return blockSize;
  }

  ModelExecutor executor() {
    return model.executor();
  }

  /** How much shorter than the paper's sequences this model's are. */
  double scale() {
    return (double) maxTokens() / PAPER_LENGTH;
  }

  @Override
  public String name() {
    return model.name();
  }

  @Override
  public int slots() {
    return slots(pool);
  }

  /** The pool, in longest sequences. */
  double pool() {
    return pool;
  }

  private int slots(double sequences) {
    int blocks = (int) (sequences * maxTokens()) / blockSize;
    return Math.min(blocks, model.blocks()) * blockSize;
  }

  /** The same with a pool of so many of the longest sequences. */
  Platform within(double sequences) {
    return new Pool(this, slots(sequences));
  }

  private record Pool(DevicePlatform of, int slots) implements Platform {
    @Override
    public String name() {
      return of.name();
    }

    @Override
    public int maxTokens() {
      return of.maxTokens();
    }

    @Override
    public int maxSequences() {
      return of.maxSequences();
    }

    @Override
    public int stepTokens() {
      return of.stepTokens();
    }

    @Override
    public int vocabulary() {
      return of.vocabulary();
    }

    @Override
    public Steps steps(KvAllocator allocator, boolean paged) {
      return of.steps(allocator, paged);
    }
  }

  @Override
  public int maxTokens() {
    return model.maxTokens();
  }

  @Override
  public int maxSequences() {
    return options.maxNumSeqs();
  }

  @Override
  public int stepTokens() {
    return options.maxNumBatchedTokens();
  }

  @Override
  public int vocabulary() {
    return model.spec().vocabularySize();
  }

  @Override
  public Steps steps(KvAllocator allocator, boolean paged) {
    return new Computed(new StepBatchBuilder(allocator, 1));
  }

  private final class Computed implements Steps {
    private final StepBatchBuilder batches;
    private long last = System.nanoTime();
    private long planningNanos;

    Computed(StepBatchBuilder batches) {
      this.batches = batches;
    }

    @Override
    public double run(StepPlan plan) {
      StepBatch batch = batches.build(plan);
      planningNanos += System.nanoTime() - last;
      ModelExecutor.StepHandle step = model.executor().submit(batch);
      if (batch.numLogitsRows > 0 && step.awaitBest() == null) {
        float[] unused = step.awaitLogits();
        assert unused.length >= batch.numLogitsRows;
      }
      long now = System.nanoTime();
      double seconds = (now - last) * 1e-9;
      last = now;
      return seconds;
    }

    @Override
    public void idle() {
      last = System.nanoTime();
    }

    @Override
    public double planning() {
      return planningNanos * 1e-9;
    }
  }

  @Override
  public void close() {
    model.close();
  }
}
