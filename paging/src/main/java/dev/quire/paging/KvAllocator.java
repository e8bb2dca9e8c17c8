package dev.quire.paging;

import java.util.List;

/**
 * What a scheduler asks of the KV cache's memory. {@link PagedAllocator} pages; {@link
 * ReservingAllocator} sets aside contiguous memory as the systems before it did.
 *
 * <p>A step goes: {@link #reserve} for every sequence in it; the scheduler drains {@link
 * #swapOuts}, {@link #swapIns} and {@link #copies} into the step and clears all three; the executor
 * does swap-outs, then swap-ins, then copies, then the step's writes; {@link #commit} for every
 * sequence. Steps run in the order in which they were drained, so a block freed after that may be
 * handed out again at once.
 */
public interface KvAllocator {
  /**
   * A sequence without blocks.
   *
   * @param cacheSalt sequences find each other's blocks only under equal salts
   */
  SequenceBlocks newSequence(long cacheSalt);

  /** A sequence of which more is known; paging does not care. */
  default SequenceBlocks newSequence(long cacheSalt, LengthHint hint) {
    return newSequence(cacheSalt);
  }

  /**
   * Attaches the cached blocks of the longest known prefix to a new sequence.
   *
   * @param tokens the sequence's tokens
   * @param length tokens of the array that count
   * @return tokens covered, a multiple of the block size and less than {@code length}, so that at
   *     least one token stays to be computed
   */
  int attachPrefix(SequenceBlocks s, int[] tokens, int length);

  /**
   * Makes room for the tokens at {@code [computed, computed + newTokens)} in every group; all or
   * nothing.
   *
   * @return false, with nothing changed, when the free blocks do not suffice
   */
  boolean reserve(SequenceBlocks s, int computed, int newTokens);

  /**
   * The most new tokens, up to {@code wanted}, that {@link #reserve} could make room for now. A
   * windowed group frees blocks as a long prompt is committed chunk by chunk, so a prompt larger
   * than its pool passes in chunks of this size.
   */
  int reservable(SequenceBlocks s, int computed, int wanted);

  /**
   * Says that the tokens before {@code computed} are stored: the step that wrote them is done, or
   * is sure to be done before any later step. Blocks they fill become findable; what left a window
   * is given back.
   *
   * @param tokens the sequence's tokens, at least {@code computed}
   * @param computed tokens stored, this step's included
   */
  void commit(SequenceBlocks s, int[] tokens, int computed);

  /** A sequence with the same first {@code computed} tokens, in shared blocks. */
  SequenceBlocks fork(SequenceBlocks s, int computed);

  /** Gives all blocks back, the last first. The sequence must not be used again. */
  void free(SequenceBlocks s);

  /** Copies within each group's pool that the next step must do before its writes. */
  BlockCopies copies();

  /**
   * Moves the blocks of a group of sequences to the host pool, each shared block once.
   *
   * @return false, with nothing changed, when the host pool lacks room or a block is still coming
   *     in with this step
   */
  boolean swapOut(List<SequenceBlocks> sequences);

  /**
   * Brings swapped-out sequences back; blocks that they share stay shared.
   *
   * @return false, with nothing changed, when the free blocks do not suffice
   */
  boolean swapIn(List<SequenceBlocks> sequences);

  /** Copies from device blocks to host blocks, done first in the next step. */
  BlockCopies swapOuts();

  /** Copies from host blocks to device blocks, done after {@link #swapOuts}, before copies. */
  BlockCopies swapIns();

  /**
   * Whether a new sequence of {@code tokens} tokens may start: they fit and leave the watermark
   * free. A sequence alone in the cache may go below the watermark.
   */
  boolean canAdmit(int tokens);

  /** The same for a sequence that may already hold blocks, to hold {@code tokens} in all. */
  boolean canAdmit(SequenceBlocks s, int tokens);

  /** Whether {@code tokens} tokens of one sequence would fit if it had the whole cache. */
  boolean canEverFit(int tokens);

  /** The same for one sequence, of which an allocator may know more. */
  default boolean canEverFit(SequenceBlocks s, int tokens) {
    return canEverFit(tokens);
  }

  /**
   * Whether sequences of {@code tokens} tokens each would fit if they had the whole cache, and
   * share no more than their first {@code sharedTokens}. Depends on the configuration alone, so
   * that any thread may ask.
   */
  boolean canEverFit(int sharedTokens, int tokens, int sequences);

  /** Blocks of the smallest group's pool. Depends on the configuration alone. */
  int smallestPool();

  /** Blocks of a group that can be handed out. */
  int freeBlocks(int group);

  /** Memory use over all groups. */
  KvUsage usage();

  /** Memory use of one group. */
  KvUsage usage(int group);

  /**
   * Recounts everything.
   *
   * @throws PagingException saying what does not agree
   */
  void checkIntegrity();
}
