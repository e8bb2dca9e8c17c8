package dev.quire.engine;

import dev.quire.engine.model.DecoderModel;
import dev.quire.engine.model.DecoderSpec;
import dev.quire.engine.tornado.GpuDevice;
import dev.quire.engine.tornado.TornadoExecutor;
import dev.quire.engine.tornado.TornadoOptions;
import java.util.Collections;
import java.util.Locale;

/** How a GPU's memory is shared out: weights and scratch first, the KV cache takes the rest. */
final class GpuMemoryPlan {
  // An array has at most 2^31 - 1 elements.
  private static final long MOST_ELEMENTS = Integer.MAX_VALUE;

  private GpuMemoryPlan() {}

  /**
   * Blocks of each cache group.
   *
   * @throws QuireException if nothing fits, naming the option and the size that does
   */
  static int blocks(DecoderModel model, EngineOptions options) {
    DecoderSpec spec = model.spec();
    GpuDevice device = GpuDevice.query();
    long blockBytes = 0;
    for (int g = 0; g < spec.cacheGroups().size(); g++) {
      blockBytes += TornadoExecutor.blockBytes(spec, g, options.blockSize());
    }
    long weights = TornadoExecutor.weightBytes(model);
    long length = options.maxModelLen() > 0 ? options.maxModelLen() : spec.contextLength();
    long scratch =
        TornadoExecutor.scratchBytes(
            model,
            new TornadoOptions(
                options.blockSize(),
                Collections.nCopies(spec.cacheGroups().size(), 1),
                options.maxNumSeqs(),
                options.maxNumBatchedTokens(),
                (int) length,
                options.say()));
    long usable = (long) (device.totalBytes() * options.gpuMemoryUtilization());
    long budget = Math.min(usable, device.freeBytes()) - GpuDevice.RUNTIME;
    long left = budget - weights - scratch;
    long most = MOST_ELEMENTS / TornadoExecutor.largestBlock(spec, options.blockSize());
    long blocks = Math.min(most, left / blockBytes);
    if (left < blockBytes) {
      throw QuireException.invalid(
          noRoom(device, options.gpuMemoryUtilization(), weights, scratch, blockBytes));
    }
    if (options.numKvBlocks() > 0 || options.kvCacheMemory() > 0) {
      long asked =
          options.numKvBlocks() > 0 ? options.numKvBlocks() : options.kvCacheMemory() / blockBytes;
      if (asked > blocks || asked < 1) {
        throw QuireException.invalid(
            "a KV cache of %d blocks, %s, does not fit the device: --num-kv-blocks %d or --kv-cache-memory %dMiB does"
                .formatted(asked, size(asked * blockBytes), blocks, (blocks * blockBytes) >> 20));
      }
      blocks = asked;
    }
    options
        .say()
        .accept(
            "%s: %s free of %s; weights %s, scratch %s, KV cache %d blocks, %s, %d tokens"
                .formatted(
                    device.name(),
                    size(device.freeBytes()),
                    size(device.totalBytes()),
                    size(weights),
                    size(scratch),
                    blocks,
                    size(blocks * blockBytes),
                    blocks * options.blockSize()));
    return (int) blocks;
  }

  /** Says what is short, and which option at which size would help. */
  static String noRoom(
      GpuDevice device, double utilization, long weights, long scratch, long blockBytes) {
    String shortage =
        "%s has %s free of %s; at --gpu-memory-utilization %s weights of %s, scratch of %s and %s for driver and kernels leave no room for a KV cache"
            .formatted(
                device.name(),
                size(device.freeBytes()),
                size(device.totalBytes()),
                utilization,
                size(weights),
                size(scratch),
                size(GpuDevice.RUNTIME));
    long least = weights + GpuDevice.RUNTIME + blockBytes;
    double share = Math.ceil((least + scratch) * 100.0 / device.totalBytes()) / 100;
    if (share <= 1 && least + scratch <= device.freeBytes()) {
      return shortage + String.format(Locale.ROOT, "; --gpu-memory-utilization %.2f has it", share);
    }
    long scratchThatFits =
        Math.min((long) (device.totalBytes() * utilization), device.freeBytes()) - least;
    return scratchThatFits > 0
        ? shortage
            + "; a smaller --max-num-batched-tokens or --max-num-seqs takes less scratch, of which %s fit"
                .formatted(size(scratchThatFits))
        : shortage + "; a model of fewer bits takes less (quire quantize)";
  }

  private static String size(long bytes) {
    return String.format(Locale.ROOT, "%.2f GiB", bytes / (double) (1 << 30));
  }
}
