package dev.quire.bench.paper;

import dev.quire.engine.schedule.Sequence;
import dev.quire.engine.schedule.StepPlan;
import dev.quire.paging.KvAllocator;
import dev.quire.paging.SequenceBlocks;
import java.util.BitSet;

/**
 * A model in simulated time with one thing changed, to explain where a figure's value comes from.
 *
 * @param maxSequences that run at once
 */
record Experiment(ServedModel model, int maxSequences, Change change) implements Platform {
  /** Of an A100: 5120 bytes a clock of 1.41 GHz, by NVIDIA's description of the architecture. */
  private static final double L2_BANDWIDTH = 7.2e12;

  /** Planning, sampling and sending a token in an interpreted language. */
  static final double SEQUENCE_SECONDS = 1e-4;

  /** What a step costs otherwise. */
  enum Change {
    NOTHING,
    /**
     * A block that several sequences share is read from memory once a step, and for the others from
     * the L2 cache, at {@link #L2_BANDWIDTH}. A layer's part of a prefix of 341 tokens is 7 MB in
     * OPT-13B; an A100's L2 cache has 40 MB.
     */
    SHARED_IN_CACHE,
    /** Reading paged keys and values takes no longer than reading contiguous ones. */
    CONTIGUOUS_SPEED,
    /** Reading keys and values takes no time. */
    FREE_CACHE,
    /** The host takes {@link #SEQUENCE_SECONDS} more for each sequence of a step. */
    HOST_BY_SEQUENCE
  }

  static Experiment of(ServedModel model, Change change) {
    return new Experiment(model, model.maxSequences(), change);
  }

  @Override
  public String name() {
    return model.name();
  }

  @Override
  public int slots() {
    return model.slots();
  }

  @Override
  public int maxTokens() {
    return model.maxTokens();
  }

  @Override
  public int stepTokens() {
    return model.stepTokens();
  }

  @Override
  public int vocabulary() {
    return model.vocabulary();
  }

  @Override
  public Steps steps(KvAllocator allocator, boolean paged) {
    StepTime time = new StepTime(model, paged && change != Change.CONTIGUOUS_SPEED);
    int blockSize = allocator.usage().blockSize();
    BitSet seen = new BitSet();
    return plan -> {
      allocator.copies().clear();
      return switch (change) {
        case NOTHING, CONTIGUOUS_SPEED -> time.seconds(plan);
        case SHARED_IN_CACHE -> {
          double distinct = distinctTokens(plan, blockSize, seen);
          double again = StepTime.context(plan) - distinct;
          yield time.seconds(plan.numTokens(), distinct)
              + time.cacheSeconds(again, model.gpus() * L2_BANDWIDTH);
        }
        case FREE_CACHE -> time.seconds(plan.numTokens(), 0);
        case HOST_BY_SEQUENCE -> time.seconds(plan) + SEQUENCE_SECONDS * plan.size();
      };
    };
  }

  private static double distinctTokens(StepPlan plan, int blockSize, BitSet seen) {
    seen.clear();
    double tokens = 0;
    for (int i = 0; i < plan.size(); i++) {
      Sequence s = plan.sequence(i);
      SequenceBlocks blocks = s.blocks();
      int context = s.computed() + plan.tokens(i);
      for (int b = 0; b * blockSize < context; b++) {
        int block = blocks.block(0, b);
        if (!seen.get(block)) {
          seen.set(block);
          tokens += Math.min(blockSize, context - b * blockSize);
        }
      }
    }
    return tokens;
  }
}
