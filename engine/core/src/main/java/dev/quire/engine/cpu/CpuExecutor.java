package dev.quire.engine.cpu;

import com.sun.management.OperatingSystemMXBean;
import dev.quire.engine.cpu.math.Arithmetic;
import dev.quire.engine.cpu.math.KvCache;
import dev.quire.engine.cpu.math.KvType;
import dev.quire.engine.cpu.math.MatMul;
import dev.quire.engine.cpu.math.PagedAttention;
import dev.quire.engine.cpu.math.WeightPacking;
import dev.quire.engine.cpu.math.WorkerTeam;
import dev.quire.engine.exec.ModelExecutor;
import dev.quire.engine.exec.StepBatch;
import dev.quire.engine.model.DecoderModel;
import dev.quire.engine.model.DecoderSpec;
import dev.quire.engine.model.LayerSpec;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs steps on a team of threads of this process, over a KV cache off the heap. A row's logits are
 * the same bits whatever batch, chunk or block size it is computed with.
 */
public final class CpuExecutor implements ModelExecutor {
  private final DecoderSpec spec;
  private final CpuOptions options;
  private final Arena arena = Arena.ofShared();
  private final WorkerTeam team;
  private final Arithmetic arithmetic;
  private final ForwardPass forward;
  private final BlockMoves moves;
  private final WeightPacking packing = new WeightPacking();
  private final StepHandle done = () -> logits();
  private float[] logits = {};

  /**
   * Allocates the KV cache and starts the team.
   *
   * @param model stays in use until {@link #close}, its file open
   * @throws IllegalArgumentException if the options don't give blocks for each cache group
   */
  public CpuExecutor(DecoderModel model, CpuOptions options) {
    this.spec = model.spec();
    this.options = options;
    if (options.blocksPerGroup().size() != spec.cacheGroups().size()) {
      throw new IllegalArgumentException(
          "blocks for %d cache groups where the model has %d"
              .formatted(options.blocksPerGroup().size(), spec.cacheGroups().size()));
    }
    this.arithmetic = Arithmetic.of(options.vectorWidth());
    this.team =
        options.threads() == 0 ? WorkerTeam.ofAvailableCores() : new WorkerTeam(options.threads());
    PackedModel.announce(model, packing);
    if (packing.bytes() <= memoryForWeights()) {
      packing.pack(team, arena, arithmetic, options.tileStore());
    }
    List<CpuLayer> layers = new ArrayList<>();
    List<BlockMoves.Layer> caches = new ArrayList<>();
    for (int i = 0; i < spec.layers().size(); i++) {
      LayerSpec layer = spec.layers().get(i);
      KvCache cache = cache(layer, options.blocksPerGroup().get(layer.cacheGroup()));
      int hostBlocks = hostBlocks(layer.cacheGroup());
      caches.add(
          new BlockMoves.Layer(
              layer.cacheGroup(), cache, hostBlocks == 0 ? null : cache(layer, hostBlocks)));
      layers.add(CpuLayer.of(spec, layer, model.layers().get(i), cache, packing));
    }
    this.moves = new BlockMoves(caches);
    this.forward =
        new ForwardPass(
            model,
            packing.of(model.head()),
            layers,
            team,
            new MatMul(team, arithmetic, options.exact()),
            new PagedAttention(team, arithmetic),
            arithmetic);
  }

  /**
   * What the machine has beside the KV cache, and a quarter for all else. The pages of the model
   * file don't count: they can be given up once the weights are laid out.
   */
  private long memoryForWeights() {
    var system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    long cache = 0;
    for (int group = 0; group < spec.cacheGroups().size(); group++) {
      long blocks = (long) options.blocksPerGroup().get(group) + hostBlocks(group);
      cache += blocks * blockBytes(group);
    }
    return system.getTotalMemorySize() / 4 * 3 - cache;
  }

  private KvCache cache(LayerSpec layer, int blocks) {
    return KvCache.allocate(
        arena,
        options.kvType(),
        blocks,
        options.blockSize(),
        layer.attention().kvHeads(),
        layer.attention().headSize());
  }

  @Override
  public int recomputesBeyond() {
    return spec.stretchedBeyond();
  }

  @Override
  public int hostBlocks(int group) {
    return options.hostBlocksPerGroup().isEmpty() ? 0 : options.hostBlocksPerGroup().get(group);
  }

  /** Bytes that one block takes over all layers of a cache group, before there is an executor. */
  public static long blockBytes(DecoderSpec spec, KvType type, int group, int blockSize) {
    return spec.layers().stream()
        .filter(layer -> layer.cacheGroup() == group)
        .mapToLong(
            layer ->
                KvCache.blockBytes(
                    type, blockSize, layer.attention().kvHeads(), layer.attention().headSize()))
        .sum();
  }

  @Override
  public int vocabularySize() {
    return spec.vocabularySize();
  }

  /** Computes the step before it returns. */
  @Override
  public StepHandle submit(StepBatch batch) {
    moves.run(batch);
    arithmetic.stepStarts(packing.elements() * batch.numTokens / team.size());
    logits = forward.run(batch);
    arithmetic.stepDone();
    return done;
  }

  private float[] logits() {
    return logits;
  }

  @Override
  public long blockBytes(int group) {
    return blockBytes(spec, options.kvType(), group, options.blockSize());
  }

  @Override
  public int hiddenSize() {
    return spec.hiddenSize();
  }

  @Override
  public float[] hiddenRows() {
    return forward.hiddenRows();
  }

  @Override
  public String describe() {
    String keys = options.kvType() == KvType.F32 ? "" : ", KV cache in " + options.kvType().label();
    return "CPU, %d threads, %s%s, %s"
        .formatted(team.size(), arithmetic.describe(), keys, packing.describe());
  }

  @Override
  public void close() {
    team.close();
    packing.close();
    arena.close();
  }
}
