package dev.quire.engine.cpu;

import dev.quire.engine.cpu.math.VectorWidth;
import java.util.List;

/**
 * How a {@link CpuExecutor} is set up.
 *
 * @param threads worker threads, the engine's own included; 0: one for each core
 * @param blockSize positions a KV cache block
 * @param blocksPerGroup blocks of each of the model's cache groups
 * @param hostBlocksPerGroup blocks of each group's host pool, for swapping; empty for none
 * @param exact whether activations keep full precision in products with quantised weights
 * @param vectorWidth which arithmetic
 */
public record CpuOptions(
    int threads,
    int blockSize,
    List<Integer> blocksPerGroup,
    List<Integer> hostBlocksPerGroup,
    boolean exact,
    VectorWidth vectorWidth) {

  public CpuOptions {
    blocksPerGroup = List.copyOf(blocksPerGroup);
    hostBlocksPerGroup = List.copyOf(hostBlocksPerGroup);
    if (threads < 0 || blockSize < 1) {
      throw new IllegalArgumentException("threads %d, block size %d".formatted(threads, blockSize));
    }
  }

  /** All cores. */
  public static CpuOptions of(int blockSize, List<Integer> blocksPerGroup) {
    return new CpuOptions(0, blockSize, blocksPerGroup, List.of(), false, VectorWidth.AUTO);
  }

  public CpuOptions withThreads(int value) {
    return new CpuOptions(value, blockSize, blocksPerGroup, hostBlocksPerGroup, exact, vectorWidth);
  }

  public CpuOptions withHostBlocks(List<Integer> value) {
    return new CpuOptions(threads, blockSize, blocksPerGroup, value, exact, vectorWidth);
  }

  public CpuOptions withExact(boolean value) {
    return new CpuOptions(
        threads, blockSize, blocksPerGroup, hostBlocksPerGroup, value, vectorWidth);
  }
}
