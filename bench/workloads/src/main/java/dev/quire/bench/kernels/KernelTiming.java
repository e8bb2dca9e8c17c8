package dev.quire.bench.kernels;

/**
 * What a case took.
 *
 * @param micros a repetition's time, median over the graph's executions
 * @param low the tenth percentile of it
 * @param high the ninetieth percentile of it
 * @param error the largest relative error of the elements looked at; NaN where none was
 * @param overlap whether launches began while those before them ended
 * @param secondsToStart compilation, transfers and the first execution
 */
public record KernelTiming(
    KernelCase kernel,
    double micros,
    double low,
    double high,
    double error,
    boolean overlap,
    double secondsToStart) {
  /** Bytes a second. */
  public double bandwidth() {
    return kernel.bytes() / micros * 1e6;
  }

  /** Floating-point operations a second. */
  public double rate() {
    return kernel.operations() / micros * 1e6;
  }

  /**
   * The share of what the device can do at most, by memory or by arithmetic, whichever is nearer.
   */
  public double share(DeviceLimits limits) {
    double byMemory = bandwidth() / limits.copyBytesPerSecond();
    return Math.max(byMemory, byArithmetic(limits));
  }

  /** Whether arithmetic limits it, rather than memory. */
  public boolean arithmeticBound(DeviceLimits limits) {
    return byArithmetic(limits) > bandwidth() / limits.copyBytesPerSecond();
  }

  private double byArithmetic(DeviceLimits limits) {
    return limits.productOperationsPerSecond() > 0
        ? rate() / limits.productOperationsPerSecond()
        : 0;
  }
}
