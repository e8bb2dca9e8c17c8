package dev.quire.bench.paper;

import dev.quire.engine.schedule.Sequence;
import dev.quire.engine.schedule.StepPlan;

/**
 * How long a step takes: one model for every system and figure, of the model's size and the GPU's
 * data sheet alone.
 *
 * <pre>
 *   weights  = bytes of weights / (GPUs × e × bandwidth)            read once a step
 *   products = 2 × parameters × tokens / (GPUs × e × FLOPS)         at the same time
 *   cache    = bytes of keys and values read / (GPUs × e × bandwidth), × 1.25 for paged ones
 *   network  = 2 all-reduces a layer, where there are several GPUs: 10 µs each, and their bytes
 *   host     = 5 ms
 *   step     = max(weights, products) + cache + network + host
 * </pre>
 *
 * {@code e = 0.6} is the share of the peak that such kernels reach; 1.25 is in the range that the
 * paper measured for its kernel (Figure 18a: 20 to 26 % slower than a contiguous one).
 */
final class StepTime {
  private static final double EFFICIENCY = 0.6;
  private static final double PAGED_KERNEL = 1.25;
  private static final double HOST_SECONDS = 5e-3;
  private static final double ALL_REDUCE_SECONDS = 10e-6;
  private static final double LINK_BYTES_PER_SECOND = 300e9;

  private final ServedModel model;
  private final boolean paged;

  StepTime(ServedModel model, boolean paged) {
    this.model = model;
    this.paged = paged;
  }

  /** Seconds of a planned step, before it is committed. */
  double seconds(StepPlan plan) {
    return seconds(plan.numTokens(), context(plan));
  }

  /** Tokens whose keys and values a planned step reads. */
  static double context(StepPlan plan) {
    double context = 0;
    for (int i = 0; i < plan.size(); i++) {
      Sequence s = plan.sequence(i);
      context += s.computed() + plan.tokens(i);
    }
    return context;
  }

  /**
   * Seconds of a step.
   *
   * @param tokens computed
   * @param context tokens whose keys and values are read
   */
  double seconds(int tokens, double context) {
    double peak = model.gpus() * model.gpuBandwidth();
    double weights = model.weightBytes() / (EFFICIENCY * peak);
    double products =
        2 * model.parameters() * tokens / (model.gpus() * EFFICIENCY * model.gpuFlops());
    double cache = cacheSeconds(context, peak);
    double network = 0;
    if (model.gpus() > 1) {
      double bytes = 2.0 * model.hidden() * tokens;
      network = 2 * model.layers() * (ALL_REDUCE_SECONDS + bytes / LINK_BYTES_PER_SECOND);
    }
    return Math.max(weights, products) + cache + network + HOST_SECONDS;
  }

  /**
   * Seconds to read keys and values.
   *
   * @param context tokens whose keys and values are read
   * @param peak bytes a second of where they are read from
   */
  double cacheSeconds(double context, double peak) {
    return context * model.kvBytesPerToken() / (EFFICIENCY * peak) * (paged ? PAGED_KERNEL : 1);
  }
}
