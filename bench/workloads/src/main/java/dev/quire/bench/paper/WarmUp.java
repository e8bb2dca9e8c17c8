package dev.quire.bench.paper;

import java.util.Locale;
import java.util.function.Consumer;

/** Runs batches of every size once, so that nothing is compiled while it is measured. */
final class WarmUp {
  private static final int PROMPT = 16;
  private static final int OUTPUT = 3;

  private final DevicePlatform platform;

  WarmUp(DevicePlatform platform) {
    this.platform = platform;
  }

  /** Has steps of every size compiled, where they are. */
  static void compile(DevicePlatform platform) {
    while (platform.executor().compilesSteps() && platform.executor().prepare()) {
      // One size after the other.
    }
  }

  /**
   * Runs them.
   *
   * @param most sequences at once
   * @param progress told of each size
   */
  void run(int most, Consumer<String> progress) {
    compile(platform);
    Trace trace = new Trace("warm-up", PROMPT, OUTPUT, 0, PROMPT, OUTPUT, 0);
    int fitting = platform.slots() / (PROMPT + OUTPUT + 16);
    for (int n = 1; n <= Math.min(most, fitting); n *= 2) {
      long begin = System.nanoTime();
      ServingRun.run(
          ServingRun.Setup.of(ServingSystem.PAGED, platform, trace, Double.POSITIVE_INFINITY)
              .withBlockSize(platform.blockSize())
              .withRequests(n));
      progress.accept(
          String.format(
              Locale.ROOT, "warm-up of %d: %.2f s", n, (System.nanoTime() - begin) * 1e-9));
    }
  }
}
