package dev.quire.bench.paper;

/** Runs batches of every size once, so that nothing is compiled while it is measured. */
final class WarmUp {
  private static final int PROMPT = 16;
  private static final int OUTPUT = 3;

  private final DevicePlatform platform;

  WarmUp(DevicePlatform platform) {
    this.platform = platform;
  }

  void run() {
    run(Integer.MAX_VALUE);
  }

  /** The same for no more than so many sequences at once. */
  void run(int most) {
    Trace trace = new Trace("warm-up", PROMPT, OUTPUT, 0, PROMPT, OUTPUT, 0);
    int fitting = platform.slots() / (PROMPT + OUTPUT + 16);
    for (int n = 1; n <= Math.min(most, fitting); n *= 2) {
      ServingRun.run(
          ServingRun.Setup.of(ServingSystem.PAGED, platform, trace, Double.POSITIVE_INFINITY)
              .withBlockSize(platform.blockSize())
              .withRequests(n));
    }
  }
}
