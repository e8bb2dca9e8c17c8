package dev.quire.bench.kernels;

import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Times kernels by executions of a captured graph that has a case's launches several times over:
 *
 * <pre>
 *   send arrays once │ k0 k1 … k15 │   first execution: compiles, captures
 *                    │ k0 k1 … k15 │   then as many as the time allows; the median,
 *                    │      …      │   less an empty graph's time, over the repetitions
 * </pre>
 *
 * A graph of little work gets more repetitions, so that it takes ten times as long as an empty one.
 * Where repetitions have weights of their own, these come from memory and not from the cache.
 */
public final class KernelBench {
  private static final int MOST_EXECUTIONS = 400;
  private static final int LEAST_EXECUTIONS = 3;

  // Of 20 arguments each, in the 8192 bytes that TornadoVM has for a graph.
  private static final int MOST_TASKS = 64;

  private final boolean capture;
  private final double secondsEach;
  private final Overlap overlap;

  /**
   * With launches that overlap where the engine's do.
   *
   * @param capture whether the device has graphs to capture; the JVM needs none
   * @param secondsEach time for the executions of a case, three of them at least; 0 for one alone,
   *     which tells whether it runs and not how fast
   */
  public KernelBench(boolean capture, double secondsEach) {
    this(capture, secondsEach, Overlap.ENGINE);
  }

  /**
   * @param capture whether the device has graphs to capture; the JVM needs none
   * @param secondsEach time for the executions of a case, three of them at least; 0 for one alone,
   *     which tells whether it runs and not how fast
   * @param overlap which launches begin while those before them end
   */
  public KernelBench(boolean capture, double secondsEach, Overlap overlap) {
    this.capture = capture;
    this.secondsEach = secondsEach;
    this.overlap = overlap;
  }

  /**
   * Measures what the others are compared with.
   *
   * @param say takes what could not be measured, and why
   */
  public DeviceLimits limits(Scale scale, Consumer<String> say) {
    double replay = empty();
    double bandwidth = measure(Limits.copy(scale), replay).bandwidth();
    double rate = 0;
    if (capture && scale == Scale.FULL) {
      try {
        rate = LibraryProduct.available() ? measure(Limits.product(), replay).rate() : 0;
      } catch (RuntimeException failure) {
        say.accept("no limit of products is known, since cuBLAS does not run: " + failure);
      }
    }
    // Once more, since the first ones also warm the host up.
    return new DeviceLimits(bandwidth, rate, Math.min(replay, empty()));
  }

  private double empty() {
    return capture ? median(time(Limits.empty(), 1).nanos()) / 1e3 : 0;
  }

  /** Measures one case. */
  public KernelTiming measure(KernelCase kernel, DeviceLimits limits) {
    return measure(kernel, limits.replayMicros());
  }

  private KernelTiming measure(KernelCase kernel, double replayMicros) {
    KernelWork work = kernel.work().get();
    int repetitions = work.repetitions();
    Executions executions = time(work, repetitions);
    double micros = Math.max(1, median(executions.nanos()) / 1e3 - replayMicros);
    int room = MOST_TASKS / (repetitions * work.launches().size());
    int more = (int) Math.min(room, Math.ceil(10 * replayMicros / micros));
    if (more > 1) {
      repetitions *= more;
      executions = time(work, repetitions);
    }
    double each = repetitions;
    double[] sorted =
        Arrays.stream(executions.nanos())
            .map(nanos -> Math.max(0.1, nanos / 1e3 - replayMicros) / each)
            .sorted()
            .toArray();
    return new KernelTiming(
        kernel,
        sorted[sorted.length / 2],
        sorted[sorted.length / 10],
        sorted[sorted.length * 9 / 10],
        executions.error(),
        executions.overlap(),
        executions.firstNanos() / 1e9);
  }

  private record Executions(double firstNanos, double[] nanos, double error, boolean overlap) {}

  private Executions time(KernelWork work, int repetitions) {
    long before = System.nanoTime();
    try (KernelGraph graph = new KernelGraph(work, repetitions, capture, overlap)) {
      double firstNanos = System.nanoTime() - before;
      return new Executions(firstNanos, replays(graph), graph.error(), graph.overlaps());
    }
  }

  private double[] replays(KernelGraph graph) {
    graph.execute();
    double[] nanos = new double[MOST_EXECUTIONS];
    long start = System.nanoTime();
    int done = 0;
    int least = secondsEach > 0 ? LEAST_EXECUTIONS : 1;
    while (done < MOST_EXECUTIONS
        && (done < least || System.nanoTime() - start < secondsEach * 1e9)) {
      long before = System.nanoTime();
      graph.execute();
      nanos[done++] = System.nanoTime() - before;
    }
    return Arrays.copyOf(nanos, done);
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
