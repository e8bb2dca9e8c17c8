package dev.quire.engine.schedule;

/** How a preempted group's keys and values come back: from the host pool, or computed again. */
@FunctionalInterface
public interface PreemptionPolicy {
  /**
   * Whether to swap a group out rather than to drop its blocks.
   *
   * @param tokens that would be computed again, shared ones once
   * @param blocks that would move, there and back, shared ones once
   */
  boolean swaps(int tokens, int blocks);

  /** Blocks are dropped; the prefix cache may still have them when the group returns. */
  static PreemptionPolicy recompute() {
    return (_, _) -> false;
  }

  /** Blocks go to the host pool while it has room. */
  static PreemptionPolicy swap() {
    return (_, _) -> true;
  }

  /**
   * The cheaper of the two, by this model of their costs:
   *
   * <pre>
   *   recomputation = tokens × seconds a computed token
   *   swapping      = 2 × blocks × bytes a block / bytes a second
   * </pre>
   *
   * Recomputation costs the same at every block size; swapping pays for whole blocks, the empty
   * slots of last ones included. While a cost is unknown, groups are computed again.
   */
  static PreemptionPolicy cheaper(Costs costs) {
    return (tokens, blocks) ->
        2.0 * blocks * costs.blockBytes() / costs.swapBytesPerSecond()
            < tokens * costs.secondsPerToken();
  }

  /** What the model needs to know; asked at each preemption, so measurements may come in. */
  interface Costs {
    /** Seconds that a step takes for each prompt token in it; NaN while unknown. */
    double secondsPerToken();

    /** Bytes of one block, over all layers and cache groups. */
    long blockBytes();

    /** Bytes a second between device and host pool, one way. */
    double swapBytesPerSecond();
  }
}
