package dev.quire.engine.exec;

import org.jspecify.annotations.Nullable;

/**
 * Runs steps of one model over one KV cache. Owned by the engine thread: no method is called from
 * two threads at once.
 *
 * <p>The same batches over the same weights give the same logits on every executor, within a stated
 * tolerance; on the CPU a row's logits do not depend, bit for bit, on what else is in the batch.
 */
public interface ModelExecutor extends AutoCloseable {
  /** Vocabulary size: floats a row of logits. */
  int vocabularySize();

  /**
   * Starts a step and returns at once where the device works on its own, so that the next step can
   * be planned meanwhile. At most one step is under way.
   */
  StepHandle submit(StepBatch batch);

  /** Bytes that one block takes over all layers of a cache group, K and V together. */
  long blockBytes(int group);

  /**
   * Blocks of the host pool that this executor swaps a cache group's blocks to; 0 where it swaps
   * nothing, and then no batch asks for it. Fixed at construction.
   */
  default int hostBlocks(int group) {
    return 0;
  }

  /**
   * Bytes a second at which blocks move to or from the host pool, one way: an estimate, for the
   * choice between swapping and recomputation.
   */
  default double swapBytesPerSecond() {
    return 8e9;
  }

  /**
   * The length of a sequence beyond which all of its keys and values are others than up to it, so
   * that a sequence that grows past it is computed anew; 0 for none. LongRoPE models have one.
   */
  default int recomputesBeyond() {
    return 0;
  }

  /** Whether the first step of its size takes much longer than later ones, because it compiles. */
  default boolean compilesSteps() {
    return false;
  }

  /**
   * Uses a moment without work for a part of what the first steps of some size would take longer
   * for.
   *
   * @return whether there may be more
   */
  default boolean prepare() {
    return false;
  }

  /** Floats of a row of {@link #hiddenRows}; 0 where this executor does not give them. */
  default int hiddenSize() {
    return 0;
  }

  /**
   * The last hidden states, after the final norm, of the wanted rows of the step whose logits were
   * awaited last, {@code [numLogitsRows × hiddenSize]}; valid until the next submit; may be longer.
   */
  default float[] hiddenRows() {
    throw new UnsupportedOperationException("this executor gives no hidden states");
  }

  /** One line on the device, its threads or its backend, for people. */
  String describe();

  @Override
  void close();

  /** A step under way. */
  interface StepHandle {
    /** In place of a token: the device could not draw it, the host has to. */
    int UNDECIDED = -2;

    /**
     * Waits for the step's end.
     *
     * @return the logits of the wanted rows, {@code [numLogitsRows × vocabularySize]}, valid until
     *     the next submit; may be longer
     */
    float[] awaitLogits();

    /**
     * Waits for the step's end, and leaves the logits where they are.
     *
     * @return each wanted row's token as {@link StepBatch#draws} says, without it the most
     *     probable, of equals the lowest, {@code [numLogitsRows]}; {@link #UNDECIDED} where the
     *     logits are needed, −1 where no token has a chance; null where the executor leaves the
     *     choice to the host
     */
    default int @Nullable [] awaitBest() {
      return null;
    }
  }
}
