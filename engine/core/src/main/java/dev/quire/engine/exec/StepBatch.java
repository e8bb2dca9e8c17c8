package dev.quire.engine.exec;

/**
 * One step as an executor sees it: flat integer arrays, nothing of requests or schedulers.
 *
 * <p>Sequences are numbered by their place in the step. The tokens of sequence {@code s} are {@code
 * queryStart[s] .. queryStart[s + 1])}; they are consecutive positions and the last ones of its
 * context. A prefill chunk, a decode step and several speculative tokens all have this one form.
 *
 * <pre>
 *   sequence        0            1   2
 *   tokens     [ a b c d e ]   [ f ][ g ]      queryStart     = 0 5 6 7
 *   positions    0 1 2 3 4      41    9        contextLengths = 5 42 10
 * </pre>
 *
 * <p>A step moves blocks before it computes, in this order: swap-outs, swap-ins, copies. The moves
 * of one kind do not depend on each other: no block is written twice and none both read and
 * written, so each kind may run as one launch.
 *
 * <p>Arrays may be longer than the counts say; the executor reads only what the counts cover and
 * keeps no reference after the step.
 */
public final class StepBatch {
  /** Sequences in this step. */
  public int numSequences;

  /** Tokens in this step, over all sequences. */
  public int numTokens;

  /** Token ids, {@code [numTokens]}. */
  public int[] tokenIds = {};

  /** Position of each token in its sequence, {@code [numTokens]}. */
  public int[] positions = {};

  /** Offset of each sequence's first token, {@code [numSequences + 1]}. */
  public int[] queryStart = {0};

  /**
   * Tokens in the KV cache once this step is done, this step's included, {@code [numSequences]}.
   */
  public int[] contextLengths = {};

  /**
   * Tokens of each sequence that are known, computed or not, {@code [numSequences]}: what rotary
   * embeddings go by that depend on a sequence's length. Left empty, {@link #contextLengths}
   * counts.
   */
  public int[] knownLengths = {};

  /** Where each token's K and V go: block × block size + offset, {@code [group][numTokens]}. */
  public int[][] slots = {};

  /**
   * Block ids of each sequence, {@code [group][numSequences × tableStride[group]]}; entry {@code i}
   * covers positions {@code [i × blockSize, (i + 1) × blockSize)}; −1 where the block fell out of
   * the group's window.
   */
  public int[][] blockTables = {};

  /** Entries a sequence in {@link #blockTables}, {@code [groups]}. */
  public int[] tableStride = {};

  /**
   * Blocks to move to the executor's host pool, {@code [numSwapOuts]} each: done first of all, so
   * that their device blocks may be written by what follows.
   */
  public int numSwapOuts;

  /** Cache group of each block that goes out. */
  public int[] swapOutGroup = {};

  /** Device block read. */
  public int[] swapOutSource = {};

  /** Host block written, of {@link ModelExecutor#hostBlocks}. */
  public int[] swapOutDestination = {};

  /** Blocks to bring back, {@code [numSwapIns]} each: done after the swap-outs. */
  public int numSwapIns;

  /** Cache group of each block that comes in. */
  public int[] swapInGroup = {};

  /** Host block read. */
  public int[] swapInSource = {};

  /** Device block written. */
  public int[] swapInDestination = {};

  /**
   * Blocks to copy after the swaps and before anything is written: copy-on-write, {@code
   * [numCopies]} each.
   */
  public int numCopies;

  /** Cache group of each copy. */
  public int[] copyGroup = {};

  /** Block copied from. */
  public int[] copySource = {};

  /** Block copied to. */
  public int[] copyDestination = {};

  /** Token rows whose logits are wanted, ascending, {@code [numLogitsRows]}. */
  public int[] logitsRows = {};

  /** Rows of logits wanted. */
  public int numLogitsRows;

  /** Floats of a row of {@link #draws}. */
  public static final int DRAW = 5;

  /** 0, or {@link #numLogitsRows} where {@link #draws} says how their tokens are drawn. */
  public int numDraws;

  /**
   * How a wanted row's token is drawn, where the host leaves that to the device, {@code [numDraws ×
   * 5]}: temperature (0: the most probable), top-k (0: all), top-p, min-p, and the number of [0, 1)
   * that decides.
   */
  public float[] draws = {};

  /** Tokens known of a sequence. */
  public int knownLength(int sequence) {
    return knownLengths.length == 0 ? contextLengths[sequence] : knownLengths[sequence];
  }
}
