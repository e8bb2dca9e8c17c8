package dev.quire.bench.paper;

/** What preemption costs by data sheets (Figure 19). */
final class SwapCost {
  private static final double HOST_LINK_BYTES_PER_SECOND = 25e9;
  private static final double TRANSFER_SECONDS = 10e-6;

  private SwapCost() {}

  /** Out and in again, a transfer for each block of each layer's keys and of its values. */
  static double swapSeconds(ServedModel model, int tokens, int blockSize) {
    int blocks = Math.ceilDiv(tokens, blockSize);
    double bytes = blocks * blockSize * model.kvBytesPerToken();
    double transfers = 2.0 * model.layers() * blocks;
    return 2 * (bytes / HOST_LINK_BYTES_PER_SECOND + transfers * TRANSFER_SECONDS);
  }

  /** The tokens as a prompt, in a step of their own. */
  static double recomputeSeconds(ServedModel model, int tokens) {
    return new StepTime(model, true).seconds(tokens, tokens);
  }
}
