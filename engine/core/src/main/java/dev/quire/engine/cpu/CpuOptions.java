package dev.quire.engine.cpu;

import dev.quire.engine.cpu.math.KvType;
import dev.quire.engine.cpu.math.TileStore;
import dev.quire.engine.cpu.math.VectorWidth;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a {@link CpuExecutor} is set up.
 *
 * @param threads worker threads, the engine's own included; 0: one for each core
 * @param blockSize positions a KV cache block
 * @param blocksPerGroup blocks of each of the model's cache groups
 * @param hostBlocksPerGroup blocks of each group's host pool, for swapping; empty for none
 * @param exact whether activations keep full precision in products with quantised weights
 * @param vectorWidth which arithmetic
 * @param kvType how the KV cache holds numbers
 * @param tileStore where laid-out weights are kept for the next start; null: nowhere
 */
public record CpuOptions(
    int threads,
    int blockSize,
    List<Integer> blocksPerGroup,
    List<Integer> hostBlocksPerGroup,
    boolean exact,
    VectorWidth vectorWidth,
    KvType kvType,
    @Nullable TileStore tileStore) {

  public CpuOptions {
    blocksPerGroup = List.copyOf(blocksPerGroup);
    hostBlocksPerGroup = List.copyOf(hostBlocksPerGroup);
    if (threads < 0 || blockSize < 1) {
      throw new IllegalArgumentException("threads %d, block size %d".formatted(threads, blockSize));
    }
  }

  /** All cores. */
  public static CpuOptions of(int blockSize, List<Integer> blocksPerGroup) {
    return new CpuOptions(
        0, blockSize, blocksPerGroup, List.of(), false, VectorWidth.AUTO, KvType.F32, null);
  }

  public CpuOptions withThreads(int value) {
    return new CpuOptions(
        value,
        blockSize,
        blocksPerGroup,
        hostBlocksPerGroup,
        exact,
        vectorWidth,
        kvType,
        tileStore);
  }

  public CpuOptions withHostBlocks(List<Integer> value) {
    return new CpuOptions(
        threads, blockSize, blocksPerGroup, value, exact, vectorWidth, kvType, tileStore);
  }

  public CpuOptions withExact(boolean value) {
    return new CpuOptions(
        threads,
        blockSize,
        blocksPerGroup,
        hostBlocksPerGroup,
        value,
        vectorWidth,
        kvType,
        tileStore);
  }

  public CpuOptions withKvType(KvType value) {
    return new CpuOptions(
        threads,
        blockSize,
        blocksPerGroup,
        hostBlocksPerGroup,
        exact,
        vectorWidth,
        value,
        tileStore);
  }

  public CpuOptions withTileStore(@Nullable TileStore value) {
    return new CpuOptions(
        threads, blockSize, blocksPerGroup, hostBlocksPerGroup, exact, vectorWidth, kvType, value);
  }
}
