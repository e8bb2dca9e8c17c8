package uk.ac.manchester.tornado.api;

import dev.quire.tornado.jvm.Plan;

/** What an execution left on the device, to be copied back on demand. */
public class TornadoExecutionResult {
  private final Plan plan;

  TornadoExecutionResult(Plan plan) {
    this.plan = plan;
  }

  /** Copies whole arrays back. */
  public TornadoExecutionResult transferToHost(Object... objects) {
    plan.toHost(objects);
    return this;
  }

  /** Copies part of an array back. */
  public TornadoExecutionResult transferToHost(DataRange range) {
    range.materialize();
    plan.toHost(range.getArray(), range.getOffset(), range.getPartialSize());
    return this;
  }

  /** Always true: an execution returns when it is over. */
  public boolean isReady() {
    return true;
  }
}
