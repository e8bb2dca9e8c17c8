package dev.quire.engine;

import dev.quire.engine.exec.ModelExecutor;
import dev.quire.engine.schedule.PreemptionPolicy;

/** Costs of preemption as this engine meets them: prompt tokens as measured so far. */
final class MeasuredCosts implements PreemptionPolicy.Costs {
  private final ModelExecutor executor;
  private final StepClock clock;
  private final long blockBytes;

  MeasuredCosts(ModelExecutor executor, int groups, StepClock clock) {
    this.executor = executor;
    this.clock = clock;
    long bytes = 0;
    for (int group = 0; group < groups; group++) {
      bytes += executor.blockBytes(group);
    }
    this.blockBytes = bytes;
  }

  @Override
  public double secondsPerToken() {
    return clock.secondsPerPrefillToken();
  }

  @Override
  public long blockBytes() {
    return blockBytes;
  }

  @Override
  public double swapBytesPerSecond() {
    return executor.swapBytesPerSecond();
  }
}
