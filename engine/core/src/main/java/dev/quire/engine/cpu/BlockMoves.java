package dev.quire.engine.cpu;

import dev.quire.engine.cpu.math.KvCache;
import dev.quire.engine.exec.StepBatch;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Moves whole blocks before a step computes: to the host pool, from it, and within the cache, in
 * that order, over all layers of the block's cache group.
 */
final class BlockMoves {
  private final List<Layer> layers;

  /**
   * The caches of one layer.
   *
   * @param host null where the group has no host pool
   */
  record Layer(int cacheGroup, KvCache device, @Nullable KvCache host) {
    private KvCache hostPool() {
      if (host == null) {
        throw new IllegalStateException(
            "a step swaps blocks of cache group %d, which has no host pool".formatted(cacheGroup));
      }
      return host;
    }
  }

  BlockMoves(List<Layer> layers) {
    this.layers = List.copyOf(layers);
  }

  void run(StepBatch batch) {
    if (batch.numSwapOuts == 0 && batch.numSwapIns == 0 && batch.numCopies == 0) {
      return;
    }
    for (Layer layer : layers) {
      for (int i = 0; i < batch.numSwapOuts; i++) {
        if (batch.swapOutGroup[i] == layer.cacheGroup) {
          layer.device.copyBlockTo(
              layer.hostPool(), batch.swapOutSource[i], batch.swapOutDestination[i]);
        }
      }
      for (int i = 0; i < batch.numSwapIns; i++) {
        if (batch.swapInGroup[i] == layer.cacheGroup) {
          layer
              .hostPool()
              .copyBlockTo(layer.device, batch.swapInSource[i], batch.swapInDestination[i]);
        }
      }
      for (int i = 0; i < batch.numCopies; i++) {
        if (batch.copyGroup[i] == layer.cacheGroup) {
          layer.device.copyBlock(batch.copySource[i], batch.copyDestination[i]);
        }
      }
    }
  }
}
