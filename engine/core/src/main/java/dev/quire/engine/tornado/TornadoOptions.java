package dev.quire.engine.tornado;

import dev.quire.kernels.BroadQuads;
import java.util.List;
import java.util.function.Consumer;

/**
 * How a {@link TornadoExecutor} is set up.
 *
 * @param blockSize positions a KV cache block
 * @param blocksPerGroup blocks of each of the model's cache groups
 * @param hostBlocksPerGroup blocks on the host that each group swaps to; empty for none
 * @param maxSequences the most sequences of a step
 * @param maxTokens the most tokens of a step
 * @param maxLength the longest sequence, in tokens
 * @param say takes lines on what is being done, for people
 */
public record TornadoOptions(
    int blockSize,
    List<Integer> blocksPerGroup,
    List<Integer> hostBlocksPerGroup,
    int maxSequences,
    int maxTokens,
    int maxLength,
    Consumer<String> say) {

  public TornadoOptions {
    blocksPerGroup = List.copyOf(blocksPerGroup);
    hostBlocksPerGroup = List.copyOf(hostBlocksPerGroup);
    if (blockSize < 1 || maxSequences < 1 || maxTokens < 1 || maxLength < 1) {
      throw new IllegalArgumentException(
          "block size %d, %d sequences, %d tokens, length %d"
              .formatted(blockSize, maxSequences, maxTokens, maxLength));
    }
  }

  /** Without swapping. */
  public TornadoOptions(
      int blockSize,
      List<Integer> blocksPerGroup,
      int maxSequences,
      int maxTokens,
      int maxLength,
      Consumer<String> say) {
    this(blockSize, blocksPerGroup, List.of(), maxSequences, maxTokens, maxLength, say);
  }

  /** Blocks on the host that a group swaps to; 0 where it does not. */
  int hostBlocks(int group) {
    return hostBlocksPerGroup.isEmpty() ? 0 : hostBlocksPerGroup.get(group);
  }

  /** Entries of a sequence's block table. */
  int tableWidth() {
    return Math.ceilDiv(maxLength, blockSize);
  }

  /** Rows that the arrays of a step hold: the most tokens, in whole tiles. */
  int rows() {
    return wholeTiles(Math.max(maxTokens, maxSequences));
  }

  /** Rows up to whole tiles of every product. */
  static int wholeTiles(int rows) {
    return Math.ceilDiv(rows, BroadQuads.MOST_ROWS) * BroadQuads.MOST_ROWS;
  }

  /** Rows of logits that are computed at once: enough for a step of single tokens. */
  int logitRows() {
    return Math.min(256, Math.ceilDiv(maxSequences, 64) * 64);
  }
}
